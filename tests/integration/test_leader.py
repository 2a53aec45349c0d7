"""Many agents on one database: one connection, one set of metrics, and another that takes over."""
import contextlib
import os
import re
import signal
import socket
import time

import pytest

from agent import Agent
from arrived import ORDERS, WINDOW_S, total, windows
from aws_standin import Standin
from network import Network
from ports import free_port
from postgres import Postgres
from wait import wait_until, watch

GAP_MAX_S = 60
ATTEMPT_MAX_S = 6  # a follower looks who leads and goes; 5 s are its deadline
SESSIONS = ("select a.pid, exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted) "
            "from pg_stat_activity a where a.application_name = 'poolwarden'")
HELD = ("select count(*) from pg_stat_activity where application_name = 'poolwarden' "
        "and backend_start < clock_timestamp() - interval '1.5 seconds'")


@pytest.fixture
def own():
    """A server of the test's own."""
    with Postgres(max_connections=50) as running:
        yield running


def crowd(agent_for, server, standin, count=5, **details):
    return [agent_for({"orders": server.url()}, standin, directory=f"agent-{number}", **details) for number in range(count)]


def holder(server):
    return server.value("select pid from pg_locks where locktype = 'advisory' and granted")


def leader_of(agents, server):
    """The agent whose socket the session with the lock is."""
    port = wait_until(lambda: server.value("select a.client_port from pg_stat_activity a join pg_locks l on l.pid = a.pid "
                                           "where l.locktype = 'advisory' and l.granted"), 10)
    for agent in agents:
        if agent.is_running and any(f"127.0.0.1:{port}" in line or f":{port:04X} " in line for line in sockets(agent)):
            return agent
    raise AssertionError(f"no agent has port {port}")


def sockets(agent):
    """Lines of /proc/net/tcp that are sockets of this agent."""
    inodes = set()
    for descriptor in os.listdir(f"/proc/{agent.process.pid}/fd"):
        with contextlib.suppress(OSError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{agent.process.pid}/fd/{descriptor}")):
                inodes.add(found[1])
    with open(f"/proc/{agent.process.pid}/net/tcp", encoding="ascii") as table:
        return [line for line in table if len(line.split()) > 9 and line.split()[9] in inodes]


def assert_one_holds(server, seconds):
    """All the while one session has the lock, always the same; the others look in and go."""
    leaders, others = set(), {}

    def look():
        now = time.monotonic()
        rows = server.execute(SESSIONS)
        leaders.add(tuple(pid for pid, leads in rows if leads))
        for pid, leads in rows:
            if not leads:
                others.setdefault(pid, [now, now])[1] = now

    watch(seconds, look)
    assert len(leaders) == 1 and len(leaders.pop()) == 1, leaders
    stayed = {pid: until - since for pid, (since, until) in others.items() if until - since > ATTEMPT_MAX_S}
    assert stayed == {}


def assert_one_set(points):
    """Of each window one datum with a sample a second; the first and the last may be cut."""
    assert len(points) > 3
    doubled = [(timestamp, point) for timestamp, point in points if point["sample_count"] > WINDOW_S or point["datums"] > 1]
    assert doubled == []
    return points


def gap_of(points, since):
    """The longest time between two windows that end after `since`."""
    times = [timestamp for timestamp, _ in points if timestamp >= since - 4 * WINDOW_S]
    return max(after - before for before, after in zip(times, times[1:])) - WINDOW_S


def leads_again(standin, since, what="DatabaseConnections"):
    """Waits for windows after a change of leader; returns the gap."""
    def after():
        return sum(timestamp > since + WINDOW_S for timestamp, _ in standin.series(what, ORDERS)) >= 3
    wait_until(after, GAP_MAX_S + 15, what=standin.report)
    gap = gap_of(standin.series(what, ORDERS), since)
    assert gap <= GAP_MAX_S, gap
    return gap


# ---- five at once ----


def test_five_agents_hold_one_connection_and_publish_one_set(agent_for, own, standin):
    agents = []
    ports = [free_port() for _ in range(5)]
    for number, port in enumerate(ports):
        agents.append(agent_for({"orders": own.url()}, standin, directory=f"agent-{number}", pools={"web": "orders"},
                                statsd={"listen": f"127.0.0.1:{port}"}).start())
    for agent in agents:
        agent.wait_for_log("poolwarden .*: databases 1")
    wait_until(lambda: sum("another agent publishes" in agent.log for agent in agents) == 4, 15)
    windows(standin, 1)
    since = standin.series("DatabaseConnections", ORDERS)[-1][0]
    assert_one_holds(own, ATTEMPT_MAX_S + 4)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for port in ports:
            sender.sendto(b"web.pool_timeout:2|c", ("127.0.0.1", port))
    windows(standin, 3)
    for agent in agents:
        assert agent.terminate() == 0
    points = [(timestamp, point) for timestamp, point in standin.series("DatabaseConnections", ORDERS) if timestamp >= since]
    assert_one_set(points)
    ups = [point for timestamp, point in standin.series("DatabaseUp", ORDERS) if timestamp >= since]
    assert all(point["min"] == 1 and point["sample_count"] <= WINDOW_S for point in ups), "a follower says nothing of it"
    assert total(standin, "PoolTimeout", {**ORDERS, "Pool": "web"}) == 10
    assert total(standin, "PoolTimeout", ORDERS) == 10
    assert total(standin, "PoolTimeout", {}) == 10


def test_one_agent_alone_notices_nothing(agent_for, own, standin):
    agent = agent_for({"orders": own.url()}, standin).start()
    windows(standin, 2)
    own.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'poolwarden'")
    windows(standin, 3)
    assert agent.terminate() == 0
    assert "another agent" not in agent.log and "takes over" not in agent.log
    assert holder(own) is None


def test_another_namespace_is_another_election(agent_for, own, standin):
    one = agent_for({"orders": own.url()}, standin, directory="production").start()
    two = agent_for({"orders": own.url()}, standin, directory="staging", cloudwatch={"namespace": "Staging"}).start()
    three = agent_for({"orders": own.url()}, standin, directory="dimension",
                      cloudwatch={"dimension.Environment": "test"}).start()
    wait_until(lambda: own.value(HELD) == 3, 10)
    for agent in (one, two, three):
        assert agent.terminate() == 0
        assert "another agent" not in agent.log


def test_in_two_databases_of_a_server_the_higher_oid_yields(agent_for, own, standin):
    own.execute("create database other")
    higher = agent_for({"orders": own.url(database="other")}, standin, directory="higher").start()
    windows(standin, 1)
    lower = agent_for({"orders": own.url(database="postgres")}, standin, directory="lower").start()
    higher.wait_for_log("another agent publishes", 15)
    wait_until(lambda: own.execute(HELD.replace("count(*)", "datname")) == [("postgres",)], 10)
    assert "another agent" not in lower.log


def test_leader_election_off_is_everybody_for_himself(agent_for, own, standin):
    agents = [agent.start() for agent in crowd(agent_for, own, standin, 2, agent={"leader_election": "off"})]
    wait_until(lambda: own.value(HELD) == 2, 10)
    assert holder(own) is None
    for agent in agents:
        assert agent.terminate() == 0


# ---- the leader is gone ----


@pytest.mark.parametrize("how", ["kill -9", "SIGSTOP"])
def test_another_takes_over_within_a_minute(agent_for, own, standin, how):
    agents = [agent.start() for agent in crowd(agent_for, own, standin)]
    wait_until(lambda: sum("another agent publishes" in agent.log for agent in agents) == 4, 15)
    windows(standin, 1)
    leader = leader_of(agents, own)
    since = time.time()
    leader.process.send_signal(signal.SIGKILL if how == "kill -9" else signal.SIGSTOP)
    gap = leads_again(standin, since)
    print(f"{how}: gap {gap:.0f} s")
    if how == "SIGSTOP":
        leader.process.send_signal(signal.SIGCONT)
        leader.wait_for_log("another agent publishes", 15)
    wait_until(lambda: own.value(HELD) == 1, 10)
    windows(standin, 3, "DatabaseConnections")
    assert_one_set(standin.series("DatabaseConnections", ORDERS)[2:])
    ups = assert_one_set(standin.series("DatabaseUp", ORDERS)[2:])
    assert all(point["min"] == 1 for _, point in ups), "nobody says that a database is down which is not"


def open_to_networks(server):
    server.restart(listen_addresses="*")
    with open(server.directory / "data" / "pg_hba.conf", "a", encoding="ascii") as file:
        file.write("host all all 10.213.0.0/16 scram-sha-256\n")
    server.execute("select pg_reload_conf()")


def test_a_reload_while_the_network_is_gone_does_not_make_it_wait_for_itself(binary, own, tmp_path):
    """The server still has the session of before, and with it the lock."""
    with Network() as network, Standin(host=network.outside) as standin:
        open_to_networks(own)
        databases = {"orders": own.url().replace("127.0.0.1", network.outside)}
        agent = Agent(network.command(binary, tmp_path / "inside"), tmp_path / "alone", databases, standin)
        try:
            agent.start()
            windows(standin, 1)
            former = wait_until(lambda: holder(own))
            with network.cut():
                agent.wait_for_log("lost: no answer", 15)
                agent.configure(databases, cloudwatch={"metrics": "full"})
                agent.reload()
            wait_until(lambda: holder(own) not in (None, former), 5, what=lambda: agent.log)
            assert agent.terminate() == 0
            assert "another agent" not in agent.log
        finally:
            agent.kill()
            agent.check()


def test_a_leader_that_is_cut_off_is_replaced_and_comes_back_as_a_follower(binary, agent_for, own, tmp_path):
    with Network() as network, Standin(host=network.outside) as standin:
        open_to_networks(own)
        url = own.url().replace("127.0.0.1", network.outside)
        inside = Agent(network.command(binary, tmp_path / "inside"), tmp_path / "cut", {"orders": url}, standin)
        try:
            inside.start()
            windows(standin, 1)
            agents = [agent_for({"orders": url}, standin, directory=f"agent-{number}").start() for number in range(4)]
            wait_until(lambda: sum("another agent publishes" in agent.log for agent in agents) == 4, 15)
            since = time.time()
            with network.cut():
                gap = leads_again(standin, since)
                print(f"cut off: gap {gap:.0f} s")
                assert sum("this agent publishes its metrics now" in agent.log for agent in agents) == 1
            inside.wait_for_log("another agent publishes", 60)
            wait_until(lambda: own.value(HELD) == 1, 10)
            windows(standin, 3, "DatabaseConnections")
            assert_one_set(standin.series("DatabaseConnections", ORDERS)[2:])
        finally:
            inside.kill()
            inside.check()


# ---- the leader is at fault ----


def test_a_leader_without_permission_gives_way_and_never_for_5xx(agent_for, own, standin):
    standin.add_key("AKIDDENIED", "no secret")
    first = agent_for({"orders": own.url()}, standin, directory="denied",
                      environment={"AWS_ACCESS_KEY_ID": "AKIDNOBODY", "AWS_SECRET_ACCESS_KEY": "wrong"}).start()
    wait_until(lambda: own.value(HELD) == 1, 10)
    second = agent_for({"orders": own.url()}, standin, directory="allowed").start()
    second.wait_for_log("another agent publishes", 15)
    second.wait_for_log("this agent publishes its metrics now", 150)
    first.wait_for_log("another agent publishes", 20)
    windows(standin, 3, "DatabaseConnections")
    wait_until(lambda: own.value(HELD) == 1, 10)
    standin.faults.add("InternalServiceFault", operation="PutMetricData", count=None)
    until = time.monotonic() + 90
    wait_until(lambda: time.monotonic() > until, 100)
    assert holder(own) is not None
    assert len(second.log_lines("another agent publishes")) == 1
