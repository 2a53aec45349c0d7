"""Everything that runs while it is measured, and ends with it.

    with Machinery(quick=False) as machinery:
        agent = machinery.agent("agent", {"orders": url}, machinery.sink())
        floor = machinery.start(machinery.bench("floor"), url)
"""
import contextlib
import gzip
import pathlib
import shutil
import subprocess
import tempfile
import time

from agent import Agent
from aws_standin.server import Answer, Clock, Server
from certificates import make_certificates
from ports import free_port
from wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
PHASES = 8  # of a second
CERTIFICATE_END = "-----END CERTIFICATE-----\n"
REGIONAL = 5  # certificates in the bundle that RDS has for one region


def build():
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", BUILD, "--target", "bench"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)


class Sink:
    """Takes every PutMetricData and looks at none, so that it costs the machine next to nothing: what the stand-in
    checks of a thousand datums would be measured, too. puts: (time.monotonic(), body) of each."""

    def __init__(self, certificate, key):
        self.puts = []
        self._server = Server(self, Clock(), tls_cert=certificate, tls_key=key)

    def handle(self, call):
        if call.headers.get("X-Amz-Target", "").endswith("PutMetricData"):
            self.puts.append((time.monotonic(), call))
        return Answer(200, b"", {"x-amzn-RequestId": "bench"})

    def datums(self):
        """How many there were in each request."""
        return [_body(call).count(b'"Timestamp"') for _, call in self.puts]

    def environment(self, region="eu-west-1"):
        return {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": region,
                "AWS_ENDPOINT_URL": self._server.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop()


def _body(call):
    return gzip.decompress(call.body) if call.headers.get("Content-Encoding") == "gzip" else call.body


class Responder:
    """tests/bench/responder.c, running."""

    def __init__(self, machinery, name, tls=False):
        self.port, self.file = free_port(), machinery.directory / f"{name}.moments"
        certificate = [machinery.certificate, machinery.key] if tls else []
        self.process = machinery.start(machinery.bench("responder"), self.port, self.file, *certificate)
        wait_until(lambda: _listens(self.port))

    def url(self, database="orders", parameters=""):
        return f"postgresql://poolwarden:s3cret@127.0.0.1:{self.port}/{database}{parameters}"

    def stop(self):
        """[(what, session, seconds)]: 'c' a session came, 's' it was sampled; by time.monotonic()."""
        self.process.terminate()
        self.process.wait(10)
        rows = (line.split() for line in self.file.read_text().splitlines())
        return [(what, int(session), int(us) / 1e6) for what, session, us in rows]


def _listens(port):
    listening = f":{port:04X} 00000000:0000 0A"
    return listening in pathlib.Path("/proc/net/tcp").read_text()


def has_session(port):
    return f":{port:04X} 0100007F:" in pathlib.Path("/proc/net/tcp").read_text()


class Machinery(contextlib.ExitStack):
    def __init__(self, quick):
        super().__init__()
        self.quick = quick
        self._phases = 0

    def __enter__(self):
        super().__enter__()
        self.directory = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="pw-bench-")))
        # As /run is: in memory.
        self.runtime = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        self.ca, self.certificate, self.key = make_certificates(self.directory)
        self.full_bundle = self._bundle("full.pem", None)
        self.regional_bundle = self._bundle("regional.pem", REGIONAL - 1)
        return self

    def _bundle(self, name, count):
        """Our authority behind so many of the system's; None: behind all."""
        parts = SYSTEM_BUNDLE.read_text().split(CERTIFICATE_END)[:-1]
        path = self.directory / name
        path.write_text("".join(part + CERTIFICATE_END for part in parts[:count]) + self.ca.read_text())
        return path

    def shorter(self, seconds, quick=1):
        return quick if self.quick else seconds

    def own_phase(self):
        """Returns at a time of the second at which nobody else woke up. What is started then and wakes once a second is
        as cold as any: who comes right after the like finds the processor's caches warm, and seems to cost half."""
        time.sleep((self._phases / PHASES - time.monotonic()) % 1)
        self._phases = (self._phases + 1) % PHASES

    def bench(self, name):
        return BUILD / "tests" / f"bench_{name}"

    def start(self, program, *arguments, **details):
        """A process that ends with us."""
        details = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **details}
        process = subprocess.Popen([str(program), *map(str, arguments)], **details)
        self.callback(end, process)
        return process

    def sink(self):
        return self.enter_context(Sink(self.certificate, self.key))

    def responder(self, name, tls=False):
        return Responder(self, name, tls)

    def agent(self, name, databases, aws, **sections):
        """An Agent that runs. aws: a Sink or a Standin."""
        directory = self.directory / name
        runtime = self.runtime / name
        runtime.mkdir()
        keys = {"state_dir": directory, "runtime_dir": runtime, "publish_interval": "60s"}
        sections["agent"] = {**keys, **sections.get("agent", {})}
        agent = Agent(BUILD / "poolwarden", directory, databases, aws, {"AWS_CA_BUNDLE": str(self.full_bundle)},
                      **sections)
        agent.start()
        self.callback(end, agent.process)
        return agent


def end(process):
    """Nobody needs what it may still want to say."""
    process.terminate()
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def installed(program):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if not found:
        raise SystemExit(f"no {program} here: scripts/install bench")
    return found
