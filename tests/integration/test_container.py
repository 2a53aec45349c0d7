"""The image is built from the Dockerfile, and the containers of ecs/ are run from it: by runc, on a real PostgreSQL."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from arrived import holds, total
from aws_standin import Standin
from certificates import make_certificates
from container import Container
from ecs_files import document
from image import DOCKERFILE, Image
from network import Network
from ports import free_udp_port
from root import ROOT
from test_print import allows
from wait import wait_until

NOBODY = 65532
PRODUCTION = {"DBInstanceIdentifier": "orders", "Environment": "production"}
LIMIT_MB = 32
TOLD = ("sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "perl", "python3", "curl", "openssl", "ldd", "env")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def run(image, server, standin, tmp_path):
    """run("daemon.task.json", ...): its container, started, with a server and credentials like those of a task."""
    running = []

    def start(name, environment=None, cloud=standin, **details):
        [definition] = document(name)["containerDefinitions"]
        shorter = {"DATABASE_URL": server.url().replace("127.0.0.1", "localhost"), "POOLWARDEN_AGENT_PUBLISH_INTERVAL": "2s",
                   **cloud.endpoints(), **cloud.identity.container_environment()}
        running.append(Container(image, definition, tmp_path / name, {**shorter, **(environment or {})}, **details))
        return running[-1].start()

    yield start
    with contextlib.ExitStack() as stack:
        for container in running:
            stack.callback(container.remove)


def healthy(container):
    def is_healthy():
        done = container.health()
        return done.returncode == 0 and done.stdout.startswith("healthy: 1 of 1 databases sampled")
    wait_until(is_healthy, 30, what=lambda: container.health().stdout + container.log)


def waiting(container):
    """How many datums."""
    return int(re.search(r"(\d+) datums wait", container.health().stdout)[1])


# ---- the image ----


def test_there_is_the_program_and_nothing_to_work_with(image):
    assert [path.name for path in (image.root / "usr/bin").iterdir()] == ["poolwarden"]
    names = {os.path.basename(path) for path in image.files}
    assert not names.intersection(TOLD)
    executables = {path for path in image.files if os.access(image.root / path, os.X_OK)}
    assert {path for path in executables if ".so." not in path} == {"usr/bin/poolwarden"}
    assert image.size < LIMIT_MB << 20, f"{image.size >> 20} MB"


def test_nothing_of_it_is_the_users_but_two_directories(image):
    owned = set()
    for path in image.root.rglob("*"):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            continue
        assert not found.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH | stat.S_IWGRP), path
        if found.st_uid != 0 or found.st_gid != 0:
            assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, NOBODY, 0o700), path
            owned.add(f"/{path.relative_to(image.root)}")
    assert owned == set(image.config["Volumes"]) == {"/var/lib/poolwarden", "/run/poolwarden"}


def test_image_and_task_definition_say_the_same(image):
    config, [container] = image.config, document("daemon.task.json")["containerDefinitions"]
    assert config["User"] == container["user"] == f"{NOBODY}:{NOBODY}"
    assert config["Entrypoint"] == ["/usr/bin/poolwarden"] and config["StopSignal"] == "SIGTERM"
    assert set(config["ExposedPorts"]) == {f"{row['containerPort']}/{row['protocol']}" for row in container["portMappings"]}
    check, wanted = config["Healthcheck"], container["healthCheck"]
    assert check["Test"] == wanted["command"] and check["Retries"] == wanted["retries"]
    assert [check[key] / 1e9 for key in ("Interval", "Timeout", "StartPeriod")] == [
        wanted[key] for key in ("interval", "timeout", "startPeriod")]


def test_a_scanner_learns_of_each_library(image):
    """Packages as distroless images tell of them, and who has written what."""
    packages = {path.name: path.read_text() for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    assert packages.keys() >= {"libc6", "libssl3", "libcurl4", "libpq5", "libuv1", "libjansson4", "ca-certificates"}
    for name, text in packages.items():
        assert f"Package: {name}\n" in text and re.search(r"^Version: \S+$", text, re.MULTILINE)
        assert (image.root / "usr/share/doc" / name / "copyright").stat().st_size > 0
    assert "VERSION_CODENAME=bookworm" in (image.root / "etc/os-release").read_text()


def test_bundles_of_rds_come_along(tmp_path):
    """What lies in certificates/ of the source tree; the script is that of the Dockerfile's last RUN."""
    assert re.search(r"^RUN scripts/image-root build/release/poolwarden /image$", DOCKERFILE.read_text(), re.MULTILINE)
    source, made = tmp_path / "source", tmp_path / "made"
    (source / "certificates").mkdir(parents=True)
    (source / "certificates" / "eu-west-1-bundle.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    shutil.copytree(ROOT / "scripts", source / "scripts")
    shutil.copy(ROOT / "LICENSE", source)
    subprocess.run([source / "scripts" / "image-root", "/usr/bin/true", made], check=True)
    assert (made / "etc/ssl/rds/eu-west-1-bundle.pem").read_text() == "-----BEGIN CERTIFICATE-----\n"


# ---- the daemon ----


def test_the_daemon_does_its_work_confined(run, server, standin):
    port = free_udp_port()
    daemon = run("daemon.task.json", {"POOLWARDEN_STATSD_LISTEN": f"0.0.0.0:{port}"})
    healthy(daemon)
    with server.sessions(3):
        holds(standin, "DatabaseConnections", 4, PRODUCTION, deadline_s=20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.sendto(b"web.pool_timeout:7|c", ("127.0.0.1", port))
    wait_until(lambda: total(standin, "PoolTimeout", PRODUCTION) == 7, 20, what=lambda: standin.report() + daemon.log)
    assert daemon.status("Uid").split() == daemon.status("Gid").split() == [str(NOBODY)] * 4
    assert {daemon.status(f"Cap{kind}") for kind in ("Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert daemon.status("NoNewPrivs") == "1"
    mounts = {row.split()[4]: row.split()[5] for row in open(f"/proc/{daemon.pid}/mountinfo", encoding="utf-8")}
    assert "ro" in mounts["/"].split(",")
    assert all("rw" in mounts[path].split(",") for path in ("/var/lib/poolwarden", "/run/poolwarden"))
    assert list(daemon.volumes["state"].iterdir()), "what CloudWatch does not have yet outlives the container"
    allowed = document("iam/publish.json")["Statement"]
    assert standin.requests and all(allows(allowed, request) for request in standin.requests)
    assert daemon.terminate() == 0
    assert "memory only" not in daemon.log and "error" not in {json.loads(line)["level"] for line in daemon.log.splitlines()}


def test_what_is_reserved_is_enough(run, server, standin):
    daemon = run("daemon.task.json", {"POOLWARDEN_STATSD_LISTEN": f"0.0.0.0:{free_udp_port()}",
                                      "POOLWARDEN_CLOUDWATCH_METRICS": "full"})
    with server.sessions(30):
        holds(standin, "DatabaseConnections", 31, PRODUCTION, deadline_s=20)
        peak = int(daemon.status("VmHWM").split()[0])
    assert peak <= daemon.definition["memoryReservation"] << 10, f"{peak} kB"


def test_a_daemon_that_hangs_is_told_unhealthy(run, standin):
    daemon = run("daemon.task.json", {"POOLWARDEN_STATSD_LISTEN": f"0.0.0.0:{free_udp_port()}"})
    healthy(daemon)
    os.kill(pid := daemon.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: daemon.health().returncode == 1, 30)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: daemon.health().returncode == 0, 15)


def test_what_cloudwatch_did_not_take_outlives_the_daemon(run, standin):
    port = free_udp_port()
    standin.stop()
    daemon = run("daemon.task.json", {"POOLWARDEN_STATSD_LISTEN": f"0.0.0.0:{port}"})
    daemon.wait_for_log("cannot publish")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.sendto(b"web.pool_timeout:5|c", ("127.0.0.1", port))
    before = waiting(daemon)  # a window has at most seven datums: two windows later the datagram's is closed
    wait_until(lambda: waiting(daemon) > before + 14, 20, what=lambda: daemon.log)
    assert daemon.terminate() == 0
    standin.start()
    again = daemon.start()
    wait_until(lambda: total(standin, "PoolTimeout", PRODUCTION) == 5, 30, what=lambda: standin.report() + again.log)
    assert again.terminate() == 0


def send(network, address, port, text):
    """A datagram from a task with a network of its own; network None: in host mode."""
    program = "import socket, sys\nsocket.socket(type=socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), (sys.argv[2], int(sys.argv[3])))"
    inside = ["ip", "netns", "exec", network.name] if network else []
    subprocess.run([*inside, "/usr/bin/python3", "-c", program, text, address, str(port)], check=True)


@pytest.mark.parametrize("listen, reached", [("0.0.0.0", 111), ("127.0.0.1", 100)])
def test_tasks_of_each_network_mode_reach_it(run, standin, listen, reached):
    """A task in bridge mode by the bridge's gateway, one in awsvpc mode by the instance's own address, one in host mode
    by 127.0.0.1, which is all that a daemon hears which listens there."""
    port = free_udp_port()
    daemon = run("daemon.task.json", {"POOLWARDEN_STATSD_LISTEN": f"{listen}:{port}"})
    healthy(daemon)
    with Network() as bridge, Network() as vpc:
        subprocess.run(["ip", "-n", vpc.name, "route", "add", "default", "via", vpc.outside], check=True)
        send(bridge, bridge.outside, port, "web.pool_timeout:1|c")
        send(vpc, bridge.outside, port, "web.pool_timeout:10|c")
        send(None, "127.0.0.1", port, "web.pool_timeout:100|c")
        wait_until(lambda: total(standin, "PoolTimeout", PRODUCTION) == reached, 20, what=lambda: standin.report() + daemon.log)


# ---- the others ----


def test_the_step_before_sets_the_alarms_up_and_ends(run, standin):
    step = run("setup-alarms.task.json")
    assert step.wait(60) == 0, step.log
    assert set(standin.alarms) == {f"{kind}-orders" for kind in (
        "rds-high-connections", "prisma-pool-timeout", "connections-exhausted", "monitoring-silent")}
    assert step.output.count("+ ") == 4
    allowed = document("iam/provision.json")["Statement"]
    assert all(allows(allowed, request) for request in standin.requests)
    assert "PutMetricData" not in {request.operation for request in standin.requests}


def test_the_single_one_logs_in_by_a_token_and_provisions(run, rds, standin):
    """Its URL is the definition's, with the bundle that it names; only where the name leads is told."""
    [definition] = document("single.task.json")["containerDefinitions"]
    [url] = [row["value"] for row in definition["environment"] if row["name"] == "DATABASE_URL"]
    here = url.replace(":5432/orders?", f":{rds.port}/postgres?hostaddr=127.0.0.1&")
    single = run("single.task.json", {"DATABASE_URL": here}, files={"/etc/ssl/rds/eu-west-1-bundle.pem": rds.ca})
    healthy(single)
    assert {(attempt.user, attempt.encrypted, attempt.refused) for attempt in rds.attempts} == {("poolwarden", True, None)}
    holds(standin, "DatabaseConnections", 1, PRODUCTION, deadline_s=20)
    wait_until(lambda: len(standin.alarms) == 4, 30, what=lambda: single.log)
    allowed = document("iam/publish.json")["Statement"] + document("iam/provision.json")["Statement"]
    assert all(allows(allowed, request) for request in standin.requests)
    assert single.terminate() == 0


def test_who_answers_is_checked_by_the_images_authorities(run, tmp_path):
    ca, certificate, key = make_certificates(tmp_path)
    with Standin(tls_cert=certificate, tls_key=key) as cloud:
        stranger = run("setup-alarms.task.json", cloud=cloud)
        assert stranger.wait(120) == 1
        assert re.search("certificate", stranger.log) and not cloud.requests, stranger.log
        stranger.remove()
        shutil.rmtree(stranger.directory)
        known = run("setup-alarms.task.json", cloud=cloud, files={"/etc/ssl/certs/ca-certificates.crt": ca})
        assert known.wait(60) == 0, known.log
        assert len(cloud.alarms) == 4
