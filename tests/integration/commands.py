"""Stands for what a document's commands can not do here: called as `commands.py NAME ARGUMENTS`, from documents.py.

Each says why it is stood for (STAND_INS) and refuses what the real one would not take.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

STAND_INS = {
    "sudo": "the throwaway root is ours: runs the command as it is",
    "poolwarden": "the built one, with the throwaway root's configuration and directories; what never ends is ended",
    "systemctl": "no systemd runs here: enable, start and restart run the unit's ExecStart as the unit has it",
    "journalctl": "the log of the agent that systemctl started",
    "psql": "asks the throwaway server as its superuser",
    "apt": "a package is not installed into this machine: its name must be the one that cpack gives it",
    "apt-get": "the same",
    "curl": "no network: the file is there, and empty",
    "aws": "no account: the call must be one that botocore's models take",
    "cmake": "tests/run has built it already: the preset must exist",
    "cpack": "a package is made and installed by a test of its own: it must be configured",
    "docker": "no daemon: the Dockerfile must exist",
}
ROOT = pathlib.Path(os.environ.get("READER_ROOT", "/nonexistent"))
CHECKOUT = pathlib.Path(os.environ.get("READER_CHECKOUT", "."))


def refuse(text):
    sys.exit(f"commands.py: {' '.join(map(shlex.quote, sys.argv[1:]))}: {text}")


def sudo(*words):
    os.execvp("env", ["env", *words])


def environment():
    """Where the unit's directories are."""
    return {**os.environ, "POOLWARDEN_AGENT_STATE_DIR": f"{ROOT}/var/lib/poolwarden",
            "POOLWARDEN_AGENT_RUNTIME_DIR": f"{ROOT}/run/poolwarden"}


def poolwarden(*words):
    config = ROOT / "etc/poolwarden/agent.conf"
    own = not {"-c", "--config"} & set(words) and config.exists()
    command = [os.environ["READER_BINARY"], *(["-c", str(config)] if own else []), *words]
    modes = [word for word in words if word.startswith("--") and word not in ("--dry-run", "--format", "--config")]
    if "--watch" in words or not modes and not {"-h", "-V"} & set(words):
        command = ["timeout", "--preserve-status", "-s", "TERM", "4", *command]
    os.execvpe(command[0], command, environment())


def unit_file(name):
    name = name if "." in name else f"{name}.service"
    found = CHECKOUT / "systemd" / name
    return found if found.exists() else refuse(f"there is no systemd/{name}")


def setting(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def load_credentials(unit):
    place = ROOT / "run/credentials" / unit.name
    place.mkdir(parents=True, exist_ok=True)
    drop_ins = sorted((ROOT / "etc/systemd/system" / f"{unit.name}.d").glob("*.conf"))
    for text in [line for source in (unit, *drop_ins) for line in setting(source, "LoadCredential")]:
        name, source = text.split(":", 1)
        source = pathlib.Path(source if source.startswith(str(ROOT)) else f"{ROOT}{source}")
        for file in (sorted(source.iterdir()) if source.is_dir() else [source]):
            target = place / (f"{name}_{file.name}" if source.is_dir() else name)
            if file.exists():
                target.write_bytes(file.read_bytes())
    return place


def start(unit):
    stop(unit)
    credentials = load_credentials(unit)
    [program, *words] = shlex.split(setting(unit, "ExecStart")[0])
    assert program == "/usr/bin/poolwarden", program
    words = [word if not word.startswith("/") else f"{ROOT}{word}" for word in words]
    if not words:
        words = ["-c", f"{ROOT}/etc/poolwarden/agent.conf"]
    with open(ROOT / "run" / f"{unit.name}.log", "ab") as log:
        process = subprocess.Popen([os.environ["READER_BINARY"], *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True,
                                   env={**environment(), "CREDENTIALS_DIRECTORY": str(credentials)})
    (ROOT / "run" / f"{unit.name}.pid").write_text(str(process.pid))
    wait_for_health(process, unit)


def wait_for_health(process, unit):
    from wait import wait_until

    def healthy():
        assert process.poll() is None, (ROOT / "run" / f"{unit.name}.log").read_text()
        return subprocess.run([os.environ["READER_BINARY"], "--health", "-c", f"{ROOT}/etc/poolwarden/agent.conf"],
                              env={**environment(), "CREDENTIALS_DIRECTORY": f"{ROOT}/run/credentials/{unit.name}"},
                              capture_output=True).returncode == 0
    wait_until(healthy, 30, what=lambda: (ROOT / "run" / f"{unit.name}.log").read_text())


def stop(unit):
    pid = ROOT / "run" / f"{unit.name}.pid"
    if pid.exists():
        os.kill(int(pid.read_text()), 15)
        pid.unlink()


def systemctl(verb, *words):
    units = [unit_file(word) for word in words if not word.startswith("-")]
    if verb in ("start", "restart") or verb == "enable" and "--now" in words:
        for unit in units:
            start(unit)
    elif verb not in ("enable", "status", "reload", "daemon-reload", "stop", "disable"):
        refuse("what does that do?")


def journalctl(*words):
    """As a person sees it, who comes a few seconds later."""
    from wait import wait_until
    log = ROOT / "run" / f"{unit_file(words[words.index('-u') + 1]).name}.log"
    wait_until(lambda: "alarms in " in log.read_text(), 20, what=log.read_text)
    print(log.read_text(), end="")


def psql(*words):
    os.execve("/usr/bin/psql", ["psql", "-X", "-q", *words],
              {**os.environ, "PGPORT": os.environ["READER_PORT"], "PGPASSWORD": os.environ["READER_PASSWORD"]})


def is_packaged():
    texts = [path.read_text() for path in (CHECKOUT / "CMakeLists.txt", *CHECKOUT.glob("packaging/*.cmake"))]
    return any(re.search(r"CPACK_GENERATOR\s+\"?DEB", text) for text in texts)


def apt(verb, *words):
    name = next(word for word in words if not word.startswith("-"))
    if verb != "install" or not re.fullmatch(r"\./(build/release/)?poolwarden_[\w.*]+\.deb", name):
        refuse("not our package")
    if not is_packaged():
        refuse("no such package is configured")


def curl(*words):
    url = next(word for word in words if word.startswith("http"))
    if not url.startswith("https://"):
        refuse("not by https")
    if "-o" in words or "--output" in words:
        target = pathlib.Path(words[words.index("-o" if "-o" in words else "--output") + 1])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def cmake(*words):
    if words[0] == "--preset":
        presets = json.loads((CHECKOUT / "CMakePresets.json").read_text())["configurePresets"]
        if words[1] not in {preset["name"] for preset in presets}:
            refuse("no such preset")
    elif words[0] != "--build":
        refuse("what does that do?")


def cpack(*words):
    if "-G" in words and words[words.index("-G") + 1] != "DEB" or not is_packaged():
        refuse("no such package is configured")


def docker(*words):
    if not (CHECKOUT / "Dockerfile").exists():
        refuse("there is no Dockerfile")
    if words[0] not in ("build", "push", "login"):
        refuse("what does that do?")


# ---- aws ----

# What some calls print, for commands that go on with it.
AWS_SAYS = {("ecs", "run-task"): "arn:aws:ecs:eu-west-1:123456789012:task/cluster/0123", ("ecs", "describe-tasks"): "0"}
ONLY_OF_THE_CLI = {("ecr", "get-login-password")}
GLOBAL = {"query", "output", "region", "profile", "cli-input-json", "no-cli-pager"}


def check_input(operation, url):
    from botocore.validate import ParamValidator
    report = ParamValidator().validate(json.loads(pathlib.Path(url[len("file://"):]).read_text()), operation.input_shape)
    if report.has_errors():
        refuse(report.generate_report())


def aws(service, call, *words):
    import botocore.session
    from botocore import xform_name
    client = botocore.session.get_session().get_service_model(service)
    options = {word[2:] for word in words if word.startswith("--")} - GLOBAL
    if (service, call) in ONLY_OF_THE_CLI:
        return
    if call == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service)
        names = {xform_name(name, "-"): waiters.get_waiter(name).operation for name in waiters.waiter_names}
        operation = client.operation_model(names.get(words[0]) or refuse("no such waiter"))
    else:
        names = {xform_name(name, "-"): name for name in client.operation_names}
        operation = client.operation_model(names.get(call) or refuse("no such call"))
    known = {xform_name(name, "-") for name in operation.input_shape.members}
    if options - known:
        refuse(f"no such options: {', '.join(sorted(options - known))}; there are {', '.join(sorted(known))}")
    for word in words:
        if word.startswith("file://") and not pathlib.Path(word[7:]).exists():
            refuse(f"there is no {word[7:]}")
    if "--cli-input-json" in words:
        check_input(operation, words[words.index("--cli-input-json") + 1])
    else:
        missing = {xform_name(name, "-") for name in operation.input_shape.required_members} - options
        if missing:
            refuse(f"needs {', '.join(sorted(missing))}")
    if (service, call) in AWS_SAYS:
        print(AWS_SAYS[service, call])


if __name__ == "__main__":
    {name.replace("-", "_"): globals()[name.replace("-", "_").replace("apt_get", "apt")] for name in STAND_INS}[
        sys.argv[1].replace("-", "_")](*sys.argv[2:])
