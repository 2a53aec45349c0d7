"""A freshly installed Debian (or Ubuntu, whatever this machine runs) to try a package on, and a systemd that boots it.

    with CleanRoot() as root:                      each its own; nothing of it stays
        root.install(deb)                          with what it depends on
        root.run("stat", "-c", "%U", "/etc")       a command in it; its output
        root.read("/etc/passwd")
        with root.boot() as machine:               the root's systemd as process 1, on this host's network
            machine.run("systemctl", "is-active", "poolwarden")

The first one is made by debootstrap from the mirror that this machine's own apt uses, and kept with the packages that
were downloaded under .cache; the others are overlays of it. Processes run in systemd-nspawn, which needs root (or
sudo) and cgroups; it does without a systemd on the host, as in a virtual machine that has none.
"""
import contextlib
import fcntl
import os
import pathlib
import re
import subprocess
import tempfile

from wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "clean-root"
INCLUDED = ("systemd", "systemd-sysv", "dbus", "ca-certificates")
HIERARCHIES = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
# Nobody waits for these, and some look at the network.
NOT_STARTED = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "dpkg-db-backup.timer",
               "systemd-networkd.service", "systemd-resolved.service", "systemd-timesyncd.service",
               "console-getty.service", "getty.target", "systemd-update-utmp.service")
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
               "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"]


def _call(*command, check=True, timeout=600):
    done = subprocess.run([*AS_ROOT, *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}"
    return done


# ---- the first one ----

def mirror():
    """(address, codename) of the packages that this machine is made of."""
    os_release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if line)
    codename = os_release["VERSION_CODENAME"].strip('"')
    found = _call("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    for line in found.stdout.splitlines():
        address, release, component = line.split()
        if (release, component) == (codename, "main"):
            return address, codename
    raise AssertionError(f"apt's sources on this machine name no mirror of {codename}:\n{found.stdout}")


def _bootstrap(into):
    address, codename = mirror()
    _call("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", codename, into, address, timeout=1200)
    with _in_nspawn(into, "--pipe", "apt-get", "update") as process:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said


@contextlib.contextmanager
def _alone():
    """Of all test processes: the first root, and the downloaded packages, which apt itself does not wait for."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _first():
    with _alone():
        (CACHE / "archives").mkdir(exist_ok=True)
        first = CACHE / "root"
        if not first.exists():
            half = CACHE / "half"
            _call("rm", "-rf", half)
            _bootstrap(half)
            _call("mv", half, first)
    return first


# ---- nspawn ----

_count = 0


@contextlib.contextmanager
def _cgroup():
    """Where no systemd gives nspawn a cgroup of its own it would take ours: two would share one. A command to prefix."""
    global _count
    if pathlib.Path("/run/systemd/system").exists():
        yield []
        return
    _count += 1
    groups = [f"{path}/poolwarden-{os.getpid()}-{_count}" for path in HIERARCHIES if os.path.isdir(path)]
    groups = groups or [f"/sys/fs/cgroup/poolwarden-{os.getpid()}-{_count}"]
    enter = "".join(f"mkdir {group} && echo $$ >{group}/cgroup.procs && " for group in groups)
    try:
        yield ["sh", "-c", f'{enter}exec "$@"', "sh"]
    finally:
        for group in groups:
            wait_until(lambda: _call("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+",
                                     check=False).returncode == 0 or not os.path.exists(group),
                       what=f"{group} is not empty")


@contextlib.contextmanager
def _in_nspawn(directory, *arguments):
    keep = [] if pathlib.Path("/run/systemd/system").exists() else ["--keep-unit"]
    with _cgroup() as prefix:
        command = [*AS_ROOT, *prefix, "systemd-nspawn", "--quiet", "--register=no", *keep, "-D", str(directory),
                   f"--machine=poolwarden-{os.getpid()}-{_count}", f"--bind={CACHE}/archives:/var/cache/apt/archives",
                   "--resolv-conf=replace-host", "--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C",
                   *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace")
        try:
            yield process
        finally:
            if process.poll() is None:
                _call("kill", "-KILL", *_descendants(process.pid), check=False)
            process.wait(30)
            process.stdout.close()


def _descendants(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _descendants(int(child))
    return found


def _is_process_1(pid):
    """Of a namespace of its own."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return len(line.split()) > 2 and line.split()[-1] == "1"
    return False


# ---- for the tests ----

class CleanRoot:
    def __enter__(self):
        first = _first()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pw-root-", dir="/tmp"))
        self.mounted = self.directory / "root"
        for name in ("root", "upper", "work"):
            (self.directory / name).mkdir()
        _call("chmod", "755", self.directory, self.directory / "upper")
        _call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={first},upperdir={self.directory}/upper,"
              f"workdir={self.directory}/work", self.mounted)
        return self

    def __exit__(self, *_):
        _call("umount", self.mounted)
        _call("rm", "-rf", self.directory)

    def path(self, path):
        return self.mounted / path.lstrip("/")

    def run(self, *command, check=True):
        with _in_nspawn(self.mounted, "--pipe", *command) as process:
            said, _ = process.communicate(timeout=600)
        said = re.sub("Attempted to remove disk file system under .*\n", "", said)  # nspawn's own words
        assert not check or process.returncode == 0, f"{' '.join(map(str, command))}: {process.returncode}\n{said}"
        return said

    def read(self, path):
        return _call("cat", self.path(path)).stdout

    def copy(self, source, path):
        _call("cp", source, self.path(path))

    def write(self, path, text, mode="644"):
        _call("mkdir", "-p", self.path(path).parent)
        subprocess.run([*AS_ROOT, "tee", str(self.path(path))], input=text, text=True, stdout=subprocess.DEVNULL,
                       check=True)
        _call("chmod", mode, self.path(path))

    def install(self, deb, *options):
        """As an unattended upgrade does it: nobody is there to be asked about changed configuration files."""
        self.copy(deb, "/it.deb")
        command = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef",
                   "-o", "Dpkg::Options::=--force-confold", *options, "/it.deb"]
        with _alone():
            said = self.run(*command, check=False)
            if "Unable to fetch" in said:  # the mirror has other versions since
                self.run("apt-get", "update")
                said = self.run(*command)
        assert "Setting up poolwarden" in said, said
        _call("rm", self.path("/it.deb"))
        return said

    @contextlib.contextmanager
    def boot(self):
        for unit in NOT_STARTED:
            _call("ln", "-sf", "/dev/null", self.path(f"/etc/systemd/system/{unit}"))
        with _in_nspawn(self.mounted, "--boot") as process:
            log = open(self.directory / "console", "w")
            with log, _Console(process, log):
                yield Machine(process, self.directory / "console")


class _Console:
    """What process 1 prints goes to a file, so that it never waits for a reader."""

    def __init__(self, process, log):
        self.copier = subprocess.Popen(["cat"], stdin=process.stdout, stdout=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.copier.terminate()
        self.copier.wait()


class Machine:
    def __init__(self, process, console):
        self.process, self.console = process, console
        self.leader = wait_until(self._find_leader, 30, what=self._told)
        wait_until(self._is_up, 60, what=self._told)
        # nspawn lays a boot id of its own over the kernel's; a service with a /proc of its own sees the kernel's, and
        # journalctl -f looks for entries of that.
        self.run("umount", "/proc/sys/kernel/random/boot_id")
        self.run("systemctl", "restart", "systemd-journald")

    def _told(self):
        return f"no systemd came up; systemd-nspawn says\n{self.console.read_text(errors='replace')}"

    def _find_leader(self):
        assert self.process.poll() is None, self._told()
        return next((pid for pid in _descendants(self.process.pid) if _is_process_1(pid)), None)

    def _is_up(self):
        assert self.process.poll() is None, self._told()
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def run(self, *command, check=True):
        entered = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-C", "--", *ENVIRONMENT, *command]
        return _call(*entered, check=check, timeout=120).stdout
