"""The real binary: a configuration written in the test, an environment of its own, its output in files.

    agent = Agent(binary, directory, {"orders": server.url()}, standin)
    agent.start();  agent.wait_for_log("provisioned");  assert agent.terminate() == 0
    done = Agent(...).run("--once")                  a mode that ends by itself
"""
import pathlib
import re
import signal
import subprocess

from wait import wait_until

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")
REGION = "eu-west-1"


def agent_conf(directory, databases, **sections):
    """The text of agent.conf. databases: {name: url or {key: value}}; sections: agent, cloudwatch, alarms, statsd as
    {key: value}; pools: {name: database}. Windows are 2 s long unless told otherwise."""
    parts = [("agent", {"publish_interval": "2s", "state_dir": directory, "runtime_dir": directory,
                        **sections.pop("agent", {})})]
    pools = sections.pop("pools", {})
    parts += sections.items()
    parts += [(f"database {name}", row if isinstance(row, dict) else {"url": row}) for name, row in databases.items()]
    parts += [(f"pool {name}", {"type": "statsd", "database": database}) for name, database in pools.items()]
    return "\n".join(f"[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                     for title, keys in parts)


class Agent:
    def __init__(self, binary, directory, databases, standin=None, environment=None, text=None, **sections):
        """text: the whole agent.conf instead of one made of databases and sections (see agent_conf)."""
        self.binary, self.directory = binary, pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.config = self.directory / "agent.conf"
        self.configure(databases, text, **sections)
        self.environment = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "TZ": "UTC",
                            **(standin.environment(REGION) if standin else {}), **(environment or {})}
        self.process = None
        self._starts = 0

    def configure(self, databases, text=None, **sections):
        """Writes agent.conf anew; a running agent takes it with reload()."""
        self.config.write_text(text if text is not None else agent_conf(self.directory, databases, **sections))

    # ---- the agent ----

    def start(self, *arguments):
        """Again after it has ended: the logs go on in new files, the state directory stays."""
        self._starts += 1
        self.stdout = self.directory / f"stdout.{self._starts}"
        self.stderr = self.directory / f"stderr.{self._starts}"
        with open(self.stdout, "wb") as stdout, open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen([self.binary, "-c", self.config, *arguments], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        return self

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log(self):
        return self.stderr.read_text(errors="replace")

    @property
    def output(self):
        return self.stdout.read_text(errors="replace")

    @property
    def memory_kb(self):
        """What is its own. Pages of the program's and the libraries' files are "private", too, as long as nobody else on
        the machine uses the same libraries: a psql that ends would look as if the agent had grown."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Anonymous:\s+(\d+)", file.read(), re.M)[1])

    def log_lines(self, pattern=""):
        return [line for line in self.log.splitlines() if re.search(pattern, line)]

    def wait_for_log(self, pattern, deadline_s=10):
        def told():
            assert self.is_running or re.search(pattern, self.log), f"ended: {self.process.returncode}\n{self.log}"
            return re.search(pattern, self.log)
        return wait_until(told, deadline_s, what=lambda: f"no {pattern!r} in\n{self.log}")

    def wait(self, deadline_s=10):
        """Its exit status."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {deadline_s} s\n{self.log}") from None

    def terminate(self, deadline_s=10):
        self.process.send_signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        if self.is_running:
            self.process.kill()
            self.process.wait()

    # ---- modes that end by themselves ----

    def run(self, *arguments, deadline_s=30, environment=None):
        """A CompletedProcess with text."""
        done = subprocess.run([self.binary, "-c", self.config, *arguments], env=environment or self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline_s)
        check_sanitizers(done.stderr)
        return done

    def check(self):
        """At the end of each test: no sanitizer has spoken."""
        for path in self.directory.glob("stderr.*"):
            check_sanitizers(path.read_text(errors="replace"))


def wrong_clock(shift):
    """An environment in which the wall clock is wrong: +20m."""
    found = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert found, "no libfaketime: scripts/install test"
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


def check_sanitizers(text):
    assert not SANITIZER.search(text), text
