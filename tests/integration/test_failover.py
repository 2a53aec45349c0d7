"""A server that changes its role, a name that changes its server."""
import contextlib
import datetime
import os
import pathlib
import re
import select
import shutil
import socket
import threading

import pytest

from agent import Agent
from arrived import ORDERS, holds, windows
from aws_standin import Standin
from network import Network
from postgres import Postgres, as_other_user
from wait import wait_until

TIME = r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)"


@pytest.fixture
def recorded():
    with Postgres(max_connections=50, log_statement="all", log_line_prefix="%m ") as running:
        yield running


def times_of(server, pattern):
    return [datetime.datetime.fromisoformat(time) for time in
            re.findall(TIME + r".*" + pattern, server.log.read_text(errors="replace"), re.M)]


def become_reader(server):
    server.stop()
    signal_file = server.directory / "data" / "standby.signal"
    signal_file.touch()
    if other := as_other_user():
        os.chown(signal_file, other["user"], other["group"])
    server.start()


def test_a_writer_that_becomes_a_reader_and_back(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch={"metrics": "full"}).start()
    holds(standin, "DatabaseRole", 1)
    become_reader(recorded)
    agent.wait_for_log("WARN.*database orders: failover: it was the writer and is a reader now")
    holds(standin, "DatabaseRole", 0)
    accepting = times_of(recorded, "ready to accept read.only connections")[-1]
    sampled = min(time for time in times_of(recorded, "execute sample") if time >= accepting)
    print(f"sampled {(sampled - accepting).total_seconds():.2f} s after the server accepted")
    assert (sampled - accepting).total_seconds() < 2
    recorded.execute("select pg_promote()")
    agent.wait_for_log("WARN.*database orders: failover: it was a reader and is the writer now")
    holds(standin, "DatabaseRole", 1)
    assert agent.terminate() == 0
    assert len(agent.log_lines("failover")) == 2


@contextlib.contextmanager
def relay(address, port, to):
    """What comes to address:port goes to another port of this machine."""
    ended = threading.Event()
    listening = socket.create_server((address, port))
    listening.settimeout(0.1)

    def carry(near):
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", to)) as far:
            while not ended.is_set():
                for ready in select.select([near, far], [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (far if ready is near else near).sendall(data)

    def serve():
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                threading.Thread(target=carry, args=(listening.accept()[0],), daemon=True).start()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        listening.close()


@contextlib.contextmanager
def hosts_of(network):
    """/etc/hosts in there; to be written in place."""
    directory = pathlib.Path("/etc/netns") / network.name
    directory.mkdir(parents=True)
    try:
        (directory / "nsswitch.conf").write_text("hosts: files\n")
        yield directory / "hosts"
    finally:
        shutil.rmtree(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
def test_a_name_that_moves_to_another_server_is_followed(binary, recorded, tmp_path):
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Postgres(max_connections=30))
        network = stack.enter_context(Network())
        hosts = stack.enter_context(hosts_of(network))
        second = network.outside[:-1] + "3"
        network.add_address(second)
        standin = stack.enter_context(Standin(host=network.outside))
        stack.enter_context(relay(network.outside, 5999, old.port))
        stack.enter_context(relay(second, 5999, recorded.port))
        hosts.write_text(f"{network.outside} db.test\n")
        url = old.url().replace(f"127.0.0.1:{old.port}", "db.test:5999")
        agent = Agent(network.command(binary, tmp_path / "inside"), tmp_path / "agent", {"orders": url}, standin,
                      cloudwatch={"metrics": "standard"})
        stack.callback(agent.check)
        stack.callback(agent.kill)
        agent.start()
        holds(standin, "MaxConnections", 27)
        hosts.write_text(f"{second} db.test\n")
        moved = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        old.kill()
        wait_until(lambda: times_of(recorded, "execute sample"), 10)
        print(f"sampled {(times_of(recorded, 'execute sample')[0] - moved).total_seconds():.2f} s after the old one died")
        assert (times_of(recorded, "execute sample")[0] - moved).total_seconds() < 2
        holds(standin, "MaxConnections", 47)
        windows(standin, 2, dimensions=ORDERS)
        assert agent.terminate() == 0
