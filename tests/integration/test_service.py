"""The packaged service under a systemd that runs: what it is told, what it does about it. The database and CloudWatch
are on this host, whose network the machine shares."""
import contextlib
import re

import pytest

import manual
import packages
from arrived import ORDERS, total
from aws_standin import Standin
from clean_root import CleanRoot
from postgres import PASSWORD, Postgres
from wait import wait_until

QUICK = "[Service]\nWatchdogSec=6s\nRestartSec=1s\n"
BOUNCER_LINE = ("2026-11-25 11:05:03.123 UTC [4711] LOG C-0x5606: orders/app@127.0.0.1:40118 "
                "closing because: query_wait_timeout (age=2s)\n")
WEB_LINE = "prisma:error timeout exceeded when trying to connect"


def agent_conf(server, *more):
    """Without a password: root's file has it."""
    url = f"postgresql://poolwarden@127.0.0.1:{server.port}/postgres"
    return "\n".join(["[agent]", "publish_interval = 2s", "[cloudwatch]", "metrics = standard", "[database orders]",
                      f"url = {url}", "password_file = ${CREDENTIALS_DIRECTORY}/password", *more, ""])


POOLS = ("[pool bouncer]", "type = log", "database = orders", "path = /var/log/pgbouncer.log", "match = pgbouncer",
         "[pool web]", "type = log", "database = orders", "command = journalctl -f -n 0 -t app -o cat",
         "match = prisma")


class Service:
    """The unit on its machine, as an administrator sees it."""

    def __init__(self, root, machine):
        self.root, self.machine = root, machine

    def show(self, name, unit="poolwarden"):
        return self.machine.run("systemctl", "show", "-p", name, "--value", unit).strip()

    def status(self):
        return self.machine.run("systemctl", "status", "--no-pager", "--full", "poolwarden", check=False)

    def log(self, unit="poolwarden"):
        return self.machine.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def configure(self, text):
        self.root.write("/etc/poolwarden/agent.conf", text, mode="640")

    def wait_for_status(self, pattern, deadline_s=20):
        return wait_until(lambda: re.search(pattern, self.show("StatusText")), deadline_s,
                          what=lambda: f"STATUS is not {pattern!r}\n{self.status()}{self.log()}")

    @contextlib.contextmanager
    def restarted_within(self, deadline_s):
        """What is done inside ends the process; systemd starts another one."""
        pid, restarts = self.show("MainPID"), int(self.show("NRestarts"))
        yield pid
        wait_until(lambda: int(self.show("NRestarts")) > restarts and self.show("ActiveState") == "active", deadline_s,
                   what=lambda: self.status() + self.log())
        assert self.show("MainPID") not in (pid, "0")
        self.wait_for_status("^1 of 1 databases sampled")


@pytest.fixture(scope="module")
def cloud():
    with Standin() as running:
        yield running


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    packages.release()
    return packages.pack(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def machine_and_root(deb, cloud):
    with CleanRoot() as root:
        root.install(deb)
        variables = "".join(f"{name}={value}\n" for name, value in cloud.environment("eu-west-1").items())
        root.write("/etc/poolwarden/environment", variables, mode="600")
        root.write("/etc/poolwarden/password", PASSWORD + "\n", mode="600")
        root.write("/etc/systemd/system/poolwarden.service.d/quick.conf", QUICK)
        root.write("/var/log/pgbouncer.log", "", mode="640")
        root.run("chgrp", "adm", "/var/log/pgbouncer.log")
        with root.boot() as machine:
            yield machine, root


@pytest.fixture
def service(machine_and_root, server):
    """Started, and sampling."""
    machine, root = machine_and_root
    service = Service(root, machine)
    if service.show("ActiveState") != "active":
        service.configure(agent_conf(server, *POOLS))
        done = machine.run("systemctl", "start", "poolwarden", check=False)
        assert service.show("ActiveState") == "active", done + service.status() + service.log()
    service.wait_for_status("^1 of 1 databases sampled$")
    return service


# ---- started ----

def test_systemctl_status_shows_ready_and_what_it_does(service, server):
    """systemctl start has waited for READY: the unit is of type notify."""
    assert service.show("Type") == "notify"
    told = service.status()
    assert re.search(r"Active: active \(running\)", told) and 'Status: "1 of 1 databases sampled"' in told
    assert server.agent_pid()


def test_the_password_is_a_credential_that_only_root_can_read_elsewhere(service, machine_and_root):
    machine, _ = machine_and_root
    assert machine.run("stat", "-c", "%U %a", "/etc/poolwarden/password").split() == ["root", "600"]
    refused = machine.run("setpriv", "--reuid=poolwarden", "--regid=poolwarden", "--init-groups", "cat",
                          "/etc/poolwarden/password", check=False)
    assert "Permission denied" in refused
    assert PASSWORD not in service.log()


def test_it_may_do_nothing_else(service, machine_and_root):
    machine, _ = machine_and_root
    pid = service.show("MainPID")
    status = dict(line.split(":", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines())
    assert machine.run("stat", "-c", "%U", f"/proc/{pid}").strip() in ("poolwarden", "root")  # not dumpable: root's
    assert status["Uid"].split()[0] == machine.run("id", "-u", "poolwarden").strip()
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
    assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"))
    for path in ("/usr/it", "/etc/it", "/var/it"):
        assert "Read-only file system" in machine.run("nsenter", "-t", pid, "-m", "touch", path, check=False)
    assert machine.run("stat", "-c", "%U %a", "/var/lib/poolwarden").split() == ["poolwarden", "700"]


def test_the_exposure_is_small_with_the_drop_in_too(service, machine_and_root):
    machine, _ = machine_and_root
    assert "adm" in service.show("SupplementaryGroups")
    machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", "poolwarden.service")


def test_pgbouncers_log_and_the_journal_can_be_read(service, machine_and_root, cloud):
    machine, root = machine_and_root
    wait_until(lambda: cloud.series("PoolTimeout", {**ORDERS, "Pool": "bouncer"}), 20, what=service.log)
    machine.run("sh", "-c", f"printf '%s' '{BOUNCER_LINE}' >>/var/log/pgbouncer.log")
    wait_until(lambda: total(cloud, "PoolTimeout", {**ORDERS, "Pool": "bouncer"}) == 1, 20, what=cloud.report)

    def is_counted():
        """journalctl -n 0 does not show what was written before it looked; when that is nobody says."""
        machine.run("sh", "-c", f"echo '{WEB_LINE}' | systemd-cat -t app")
        return total(cloud, "PoolTimeout", {**ORDERS, "Pool": "web"}) >= 1

    wait_until(is_counted, 30, what=lambda: service.log() + cloud.report())


# ---- in trouble ----

def test_a_database_that_is_stopped_shows_in_status(service, server):
    with server.frozen():
        service.wait_for_status("^0 of 1 databases sampled")
        assert "Active: active (running)" in service.status()
    service.wait_for_status("^1 of 1 databases sampled$", 30)


def test_the_watchdog_restarts_a_wedged_process(service, machine_and_root):
    machine, _ = machine_and_root
    with service.restarted_within(40):
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", "poolwarden")
    told = machine.run("journalctl", "--no-pager", "-o", "cat", "_PID=1")
    assert "poolwarden.service: Watchdog timeout" in told
    assert "Failed with result 'watchdog'" in told


def test_a_killed_process_comes_back(service, machine_and_root):
    machine, _ = machine_and_root
    with service.restarted_within(20) as pid:
        machine.run("kill", "-KILL", pid)


# ---- administered ----

def test_reload_takes_what_is_new_and_refuses_what_is_wrong(service, server, machine_and_root):
    machine, _ = machine_and_root
    pid = service.show("MainPID")
    with Postgres() as another:
        service.configure(agent_conf(server, "[database more]", f"url = {another.url()}"))
        machine.run("systemctl", "reload", "poolwarden")
        service.wait_for_status("^2 of 2 databases sampled$")
    service.configure(agent_conf(server, "nonsense = 1"))
    machine.run("systemctl", "reload", "poolwarden")
    wait_until(lambda: "nonsense" in service.log(), what=service.log)
    service.wait_for_status("^1 of 2 databases sampled|not reloaded")
    service.configure(agent_conf(server, *POOLS))
    machine.run("systemctl", "reload", "poolwarden")
    service.wait_for_status("^1 of 1 databases sampled$")
    assert service.show("MainPID") == pid


def test_the_alarms_alone_by_their_own_unit(service, machine_and_root, cloud):
    machine, _ = machine_and_root
    alarm = "rds-high-connections-orders"
    wait_until(lambda: alarm in cloud.alarms, 20, what=service.log)
    cloud.alarms[alarm]["Threshold"] = 1.0
    machine.run("systemctl", "start", "poolwarden-setup-alarms")
    assert cloud.alarms[alarm]["Threshold"] > 30
    assert f"~ {alarm}" in service.log("poolwarden-setup-alarms")
    assert service.show("Result", "poolwarden-setup-alarms") == "success"
    rule = cloud.faults.add("AccessDeniedException", operation="DescribeAlarms", count=99)
    machine.run("systemctl", "start", "poolwarden-setup-alarms", check=False)
    cloud.faults.remove(rule)
    assert service.show("Result", "poolwarden-setup-alarms") == "exit-code"
    machine.run("systemctl", "reset-failed", "poolwarden-setup-alarms")


@pytest.mark.parametrize("command", manual.commands(of_the_service=True))
def test_each_command_of_the_manual_page_does_what_it_is_for(service, machine_and_root, command):
    machine, _ = machine_and_root
    machine.run("sh", "-c", command)
    assert service.show("ActiveState") == "active"


def test_an_upgrade_restarts_what_runs(service, machine_and_root, deb, tmp_path):
    machine, root = machine_and_root
    pid = service.show("MainPID")
    later = packages.newer(deb, tmp_path, "9.9.9", lambda tree: None)
    root.copy(later, "/later.deb")
    machine.run("dpkg", "--install", "/later.deb")
    assert service.show("MainPID") not in (pid, "0")
    service.wait_for_status("^1 of 1 databases sampled$")


def test_stopped_it_leaves_in_order(service, machine_and_root):
    machine, _ = machine_and_root
    machine.run("systemctl", "stop", "poolwarden")
    assert (service.show("ActiveState"), service.show("Result"), service.show("ExecMainStatus")) == \
        ("inactive", "success", "0")


def test_a_mistake_in_the_configuration_is_a_failed_unit_and_no_loop(machine_and_root, server):
    machine, root = machine_and_root
    service = Service(root, machine)
    machine.run("systemctl", "stop", "poolwarden")
    service.configure(agent_conf(server, "nonsense = 1"))
    machine.run("systemctl", "start", "poolwarden", check=False)
    assert (service.show("ActiveState"), service.show("ExecMainStatus")) == ("failed", "2")
    assert "nonsense" in service.status()
    machine.run("systemctl", "reset-failed", "poolwarden")


def test_without_a_password_the_refusal_says_where_to_give_one(machine_and_root, server):
    machine, root = machine_and_root
    service = Service(root, machine)
    machine.run("mv", "/etc/poolwarden/password", "/etc/poolwarden/elsewhere")
    service.configure(agent_conf(server))
    machine.run("systemctl", "start", "poolwarden")
    wait_until(lambda: "password_file" in service.log(), what=service.log)
    service.wait_for_status("^0 of 1 databases sampled")
