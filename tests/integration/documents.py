"""What a document shows in fixed type is true: each block is run, parsed, or held against what the program prints.

    with Reader(binary, server, standin, directory) as reader:
        for block in blocks(ROOT / "README.md"):          or a man page: poolwarden.1
            reader.check(block)

A block of a kind that nobody can try is an error. Commands run in a directory that looks like a fresh checkout, in
which /etc, /usr, /var and /run are a throwaway root's; programs that need root, AWS or the network are stood for by
commands.py, which says why and checks how they are called. The servers of the examples are the throwaway server.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess

import botocore.loaders
import botocore.model
import botocore.validate

from agent import REGION, check_sanitizers
from commands import STAND_INS
from postgres import PASSWORD, SUPERUSER
from wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE_HOST = "orders.abcdefghijkl.eu-west-1.rds.amazonaws.com"
TLS = re.compile(r"[?&]sslmode=verify-full(&sslrootcert=[^\s\"']+)?")  # the throwaway server has no certificate
ELSEWHERE = re.compile(r"(?<![\w./}*-])/(?=(etc|usr|var|run)/)")


@dataclasses.dataclass
class Block:
    language: str
    text: str
    where: str    # README.md:12
    heading: str  # of the section it stands in


def blocks(path):
    """Every block of a document, Markdown or roff, in its order."""
    path = pathlib.Path(path)
    found = list((_of_markdown if path.suffix == ".md" else _of_roff)(path))
    assert found, f"{path}: no block in it"
    return found


def _of_markdown(path):
    heading, block, fence = "", None, re.compile(r"^\s*```(\w*)\s*$")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark = fence.match(line)
        if block and mark:
            assert not mark[1], f"{path.name}:{number}: a block begins in a block"
            yield block
            block = None
        elif block:
            block.text += line + "\n"
        elif mark:
            block = Block(mark[1], "", f"{path.name}:{number}", heading)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    assert block is None, f"{block.where}: has no end"


def _of_roff(path):
    """Between .Bd and .Ed, .EX and .EE, or .nf and .fi; of which kind it is shows in its first line."""
    heading, block = "", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        macro = line.split(" ", 1)[0]
        if macro in (".SH", ".Sh"):
            heading = line[3:].strip().strip('"')
        elif macro in (".EX", ".nf") or line.startswith(".Bd -literal"):
            block = Block("", "", f"{path.name}:{number}", heading)
        elif macro in (".EE", ".fi", ".Ed") and block:
            block.language = _kind(block.text)
            yield block
            block = None
        elif block and not line.startswith((".", "'")):
            block.text += plain(line) + "\n"


def plain(line):
    """A line of roff as it is printed."""
    for escape, character in (("\\-", "-"), ("\\e", "\\"), ("\\(rs", "\\"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\(ti", "~"),
                              ("\\(ha", "^"), ("\\(ga", "`"), ("\\&", ""), ("\\ ", " ")):
        line = line.replace(escape, character)
    return re.sub(r"\\f(\[\w*\]|\w)", "", line)


def _kind(text):
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(("#", ";"))), "")
    for language, pattern in (("ini", r"\["), ("json", r"\{"), ("sql", r"(?i)(create|grant|alter|select|revoke)\b"),
                              ("text", r"[+~=!x-] |\d{4}-\d\d-\d\d")):
        if re.match(pattern, first):
            return language
    return "sh"


# What is not run here though it stands in a document, and why.
ELSEWHERE_RUN = {
    "./quickstart": "test_quickstart.py runs what it runs, against servers of its own",
    "tests/run": "runs this test",
}

# Pictures that a test of their own holds: how they begin, the test.
PICTURES = {
    r"poolwarden  \d{4}-": "test_watch.py::test_the_picture_of_the_readme_is_what_it_looks_like",
    r"starting a throwaway PostgreSQL": "test_quickstart.py::test_the_demonstration_agrees_with_the_server_"
                                        "and_looks_like_the_picture",
    r"orders  poolwarden@.*  PostgreSQL": "test_diagnose.py::test_the_page_of_the_readme_is_what_it_says",
    r"\+ created": "test_readme.py::test_the_signs_of_the_alarms_are_the_programs",
}


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Reader:
    """One document's reader: what its commands leave behind (files, a running agent) stays for those after them."""

    def __init__(self, binary, server, standin, directory):
        self.server, self.standin = server, standin
        self.root = pathlib.Path(directory) / "root"
        self.checkout = pathlib.Path(directory) / "checkout"
        self.output, self.heading = "", None
        self._make_checkout(pathlib.Path(binary))
        self.environment = {"PATH": f"{self._make_commands()}:/usr/bin:/bin", "HOME": str(self.root), "TZ": "UTC",
                            "AWS_EC2_METADATA_DISABLED": "true", "READER_ROOT": str(self.root),
                            "READER_BINARY": str(binary), "READER_CHECKOUT": str(ROOT), "READER_PORT": str(server.port),
                            "READER_PASSWORD": PASSWORD, "DATABASE_URL": server.url("app"),
                            **standin.environment(REGION)}
        if not server.value("select count(*) from pg_database where datname = 'orders'"):
            server.execute("create database orders")

    def _make_checkout(self, binary):
        for name in ("etc/poolwarden", "etc/systemd/system", "usr/bin", "var/lib/poolwarden", "run/poolwarden",
                     "run/credentials/poolwarden.service"):
            (self.root / name).mkdir(parents=True)
        (self.checkout / "build").mkdir(parents=True)
        (self.checkout / "build" / "release").symlink_to(binary.parent)
        for entry in ROOT.iterdir():
            if entry.name not in ("build", ".git", ".cache"):
                (self.checkout / entry.name).symlink_to(entry)

    def _make_commands(self):
        place = self.root / "commands"
        place.mkdir()
        for name in STAND_INS:
            (place / name).write_text(f"#!/bin/sh\nexec /usr/bin/python3 {HERE}/commands.py {name} \"$@\"\n")
            (place / name).chmod(0o755)
        return place

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in (self.root / "run").glob("*.pid"):
            pid = int(file.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_running(pid), what=f"the agent {pid} does not leave")
        for log in (self.root / "run").glob("*.log"):
            check_sanitizers(log.read_text())

    def check(self, block):
        kind = getattr(self, f"_{block.language}", None) if block.language else None
        assert kind, f"{block.where}: a block of \"{block.language}\": nobody knows how to try it"
        kind(block)

    def here(self, text):
        """The same where the example's server is the throwaway one, and the example's files are the throwaway root's."""
        for command in ELSEWHERE_RUN:
            text = re.sub(rf"^{re.escape(command)}(?=\s|$)", f"test -x {command}", text, flags=re.MULTILINE)
        text = TLS.sub("", text).replace(f"{EXAMPLE_HOST}:5432", f"127.0.0.1:{self.server.port}")
        return ELSEWHERE.sub(f"{self.root}/", text.replace(EXAMPLE_HOST, "127.0.0.1"))

    # ---- kinds ----

    def _ini(self, block):
        """The agent takes it as it stands."""
        config = self.root / "block.conf"
        config.write_text(block.text)
        done = subprocess.run([self.environment["READER_BINARY"], "--check-config", "-c", config], capture_output=True,
                              text=True, env={"PATH": "/usr/bin:/bin", "CREDENTIALS_DIRECTORY": "/run/credentials",
                                              "DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:5432/orders"})
        assert (done.returncode, done.stderr) == (0, ""), f"{block.where}: {done.stderr}"
        assert "s3cret" not in done.stdout

    def _sh(self, block):
        script = self.here(block.text)
        typed = f"{PASSWORD}\n" * max(1, 2 * script.count(r"\password"))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.checkout, env=self.environment,
                              input=typed, capture_output=True, text=True, timeout=120, start_new_session=True)
        assert done.returncode == 0, f"{block.where}: status {done.returncode}\n{script}\n{done.stdout}{done.stderr}"
        check_sanitizers(done.stderr)
        self.output, self.heading = done.stdout + done.stderr, block.heading

    def _text(self, block):
        """A picture that a test of its own holds, or what the commands before it have printed."""
        for pattern, test in PICTURES.items():
            if re.match(pattern, block.text):
                file, name = test.split("::")
                assert f"def {name}(" in (HERE / file).read_text(), f"{block.where}: there is no {test}"
                return
        assert self.heading == block.heading, f"{block.where}: whose output it is can not be seen"
        told = {self._shape(line) for line in self.output.splitlines()}
        for line in map(self._shape, self.here(block.text).splitlines()):
            if line and line != "...":
                assert line in told or line.endswith("...") and any(other.startswith(line[:-3]) for other in told), \
                    f"{block.where}: {line!r} is not in\n{self.output}"

    def _shape(self, line):
        """Numbers, times and the width of columns differ from run to run."""
        line = re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", "NOW", line.replace(str(self.root), ""))
        return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)*", "#", line)).strip()

    def _sql(self, block):
        """All or nothing, and nothing stays: a role that it makes may be there already."""
        text = "".join(f"alter role {name} rename to {name}_before;\n"
                       for name in re.findall(r"(?i)^create (?:role|user) (\w+)", block.text, re.MULTILINE)
                       if self.server.value("select count(*) from pg_roles where rolname = %s", name)) + block.text
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.server.port),
                               "-U", SUPERUSER, "postgres"], input=f"begin;\n{text}\nrollback;\n",
                              capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "PGPASSWORD": PASSWORD})
        assert done.returncode == 0, f"{block.where}: {done.stderr}"

    def _json(self, block):
        """A policy has its form; what ECS is told is what its own model takes."""
        document = json.loads(block.text)
        if "Statement" in document:
            assert all({"Effect", "Action", "Resource"} <= set(row) for row in document["Statement"]), block.where
        elif "containerDefinitions" in document:
            model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("ecs", "service-2"))
            shape = model.operation_model("RegisterTaskDefinition").input_shape
            report = botocore.validate.ParamValidator().validate(document, shape)
            assert not report.has_errors(), f"{block.where}: {report.generate_report()}"
        else:
            raise AssertionError(f"{block.where}: JSON of a kind that nobody knows how to try")

    def _of_a_recipe(self, block):
        """test_recipes.py runs it with a real application."""
        from prisma import recipe
        assert block.text == recipe(block.language), f"{block.where}: test_recipes.py does not run it"

    _js = _python = _of_a_recipe
