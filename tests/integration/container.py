"""A container of an ECS task definition, run by runc, which is what Docker and the ECS agent run it by.

    container = Container(image, definition, directory, environment={"DATABASE_URL": ...})
    container.start();  container.health().returncode;  container.terminate()

The definition is one of containerDefinitions, as it stands: its user, environment, command, health check, memory,
capabilities, tmpfs, mount points and init are what the container has. The network is the host's. A volume is a directory
of the test's own: on an instance the administrator gives it to the user, elsewhere it takes its owner from the image.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import uuid

from wait import wait_until

INIT = "/sbin/docker-init"
DEVICES = [("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
           ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
           ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"])]


class Container:
    def __init__(self, image, definition, directory, environment=None, files=None):
        """environment: of secrets, and what wins over the definition. files: {path in the container: path here}."""
        self.image, self.definition = image, definition
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.root = self.directory / "root"  # linked, because mount points are made in it
        subprocess.run(["cp", "-al", image.root, self.root], check=True)
        self.name = f"poolwarden-{uuid.uuid4().hex[:12]}"
        self.user = [int(number) for number in definition["user"].split(":")]
        given = {row["name"]: row["value"] for row in definition["environment"]}
        self.environment = {**given, **(environment or {})}
        self.volumes = {point["sourceVolume"]: self._volume(point) for point in definition["mountPoints"]}
        self.files = {"/etc/hosts": "/etc/hosts", "/etc/resolv.conf": "/etc/resolv.conf", **(files or {})}
        self.stdout, self.stderr = self.directory / "stdout", self.directory / "stderr"
        self.process = None

    def _volume(self, point):
        path = self.directory / point["sourceVolume"]
        shutil.copytree(f"{self.image.root}{point['containerPath']}", path)
        os.chown(path, *self.user)
        return path

    # ---- as the runtime wants it ----

    def _spec(self):
        return {"ociVersion": "1.0.2", "process": self._process(),
                "root": {"path": str(self.root), "readonly": self.definition["readonlyRootFilesystem"]},
                "mounts": self._mounts(), "linux": self._linux()}

    def _process(self):
        started = [INIT, "--"] if self.definition["linuxParameters"].get("initProcessEnabled") else []
        assert self.definition["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
        options = self.definition.get("dockerSecurityOptions", [])
        return {"user": dict(zip(("uid", "gid"), self.user)), "cwd": self.image.config["WorkingDir"] or "/",
                "args": started + self.image.config["Entrypoint"] + self.definition.get("command", []),
                "env": self.image.config["Env"] + [f"{name}={value}" for name, value in self.environment.items()],
                "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "ambient")},
                "noNewPrivileges": "no-new-privileges" in options}

    def _mounts(self):
        proc = {"destination": "/proc", "type": "proc", "source": "proc"}
        devices = [{"destination": where, "type": kind, "source": kind, "options": options}
                   for where, kind, options in DEVICES]
        tmpfs = [{"destination": row["containerPath"], "type": "tmpfs", "source": "tmpfs",
                  "options": [*row["mountOptions"], f"size={row['size']}m", "nosuid", "nodev", "noexec"]}
                 for row in self.definition["linuxParameters"].get("tmpfs", [])]
        volumes = [bind(self.volumes[point["sourceVolume"]], point["containerPath"], point["readOnly"])
                   for point in self.definition["mountPoints"]]
        files = [bind(path, where, read_only=True) for where, path in self.files.items()]
        return [proc, *devices, *tmpfs, *volumes, *files, bind("/usr/bin/tini-static", INIT, read_only=True)]

    def _linux(self):
        memory = {"limit": self.definition["memory"] << 20, "reservation": self.definition["memoryReservation"] << 20}
        return {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                "resources": {"memory": memory}}

    # ---- the container ----

    def start(self):
        (self.directory / "config.json").write_text(json.dumps(self._spec()))
        with open(self.stdout, "wb") as stdout, open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen([*self._runc, "run", "--bundle", self.directory, self.name],
                                            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        return self

    @property
    def _runc(self):
        return ["runc", "--root", self.directory / "runc"]

    @property
    def log(self):
        return self.stderr.read_text(errors="replace")

    @property
    def output(self):
        return self.stdout.read_text(errors="replace")

    def wait_for_log(self, text, deadline_s=20):
        wait_until(lambda: text in self.log, deadline_s, what=lambda: f"no {text!r} in\n{self.log}")

    def execute(self, *command):
        """A CompletedProcess of a program beside it."""
        return subprocess.run([*self._runc, "exec", self.name, *command], capture_output=True, text=True, timeout=30)

    def health(self):
        """What ECS would learn from the definition's health check."""
        kind, *command = self.definition["healthCheck"]["command"]
        assert kind == "CMD", "there is no shell"
        return self.execute(*command)

    @property
    def pid(self):
        """Of the agent, seen from here."""
        done = subprocess.run([*self._runc, "ps", "--format", "json", self.name], capture_output=True, text=True, check=True)
        [pid] = [pid for pid in json.loads(done.stdout) if os.readlink(f"/proc/{pid}/exe").endswith("/poolwarden")]
        return pid

    def status(self, key):
        """A line of the agent's /proc/PID/status."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{key}:"))

    def send_signal(self, number):
        subprocess.run([*self._runc, "kill", self.name, str(int(number))], check=True, capture_output=True)

    def wait(self, deadline_s):
        return self.process.wait(deadline_s)

    def terminate(self):
        """As ECS stops it: its exit status, within stopTimeout."""
        self.send_signal(signal.SIGTERM)
        return self.wait(self.definition["stopTimeout"])

    def remove(self):
        subprocess.run([*self._runc, "delete", "--force", self.name], capture_output=True)
        with contextlib.suppress(subprocess.TimeoutExpired, AttributeError):
            self.process.wait(10)


def bind(source, destination, read_only):
    return {"destination": destination, "type": "bind", "source": str(source),
            "options": ["rbind", "ro" if read_only else "rw", "nosuid", "nodev"]}
