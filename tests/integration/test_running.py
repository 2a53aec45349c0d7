"""The program as a service: seconds kept, reload, leaving, coming back."""
import contextlib
import json
import signal
import socket
import time

from arrived import ORDERS, WINDOW_S, assert_complete, holds, windows
from ports import free_udp_port
from postgres import Postgres
from wait import wait_until

LONG_S = 10  # of the windows in which a jump of 2 s must show


def test_a_jump_of_two_seconds_shows_in_the_window(agent_for, server, standin):
    agent_for({"orders": server.url()}, standin, agent={"publish_interval": f"{LONG_S}s"}).start()
    wait_until(server.agent_pid)
    window = (int(time.time()) // LONG_S + 1) * LONG_S  # the first that is whole
    wait_until(lambda: time.time() > window + 3, 2 * LONG_S)
    with server.sessions(20):
        wait_until(lambda: time.time() > window + 5)
    wait_until(lambda: window in dict(standin.series("DatabaseConnections", ORDERS)), 2 * LONG_S, what=standin.report)
    point = dict(standin.series("DatabaseConnections", ORDERS))[window]
    assert (point["sample_count"], point["max"], point["min"]) == (LONG_S, 21, 1)
    assert 2 <= point["values"][21] <= 3, "not averaged away"
    assert point["datums"] == 1


def test_sigterm_publishes_what_is_open_and_leaves(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin, agent={"publish_interval": "60s"}).start()
    agent.wait_for_log("connected")
    wait_until(lambda: "alarms in eu-west-1" in agent.log, 15)
    began = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - began < 5
    assert sum(point["sample_count"] for _, point in standin.series("DatabaseUp", ORDERS)) >= 2


def test_sigterm_leaves_in_five_seconds_though_nobody_answers(agent_for, standin):
    with Postgres() as server:
        agent = agent_for({"orders": server.url()}, standin).start()
        windows(standin, 1)
        standin.faults.add("hang", operation="PutMetricData")
        with server.frozen():
            windows_seen = len(standin.series("DatabaseUp", ORDERS))
            wait_until(lambda: any(request.fault for request in standin.requests), 10)
            began = time.monotonic()
            assert agent.terminate() == 0
            assert time.monotonic() - began < 5.5
        assert windows_seen and "datums are lost" in agent.log


def test_reload_loses_no_sample(agent_for, server, standin):
    port = free_udp_port()
    sections = {"pools": {"workers": "orders"}, "statsd": {"listen": f"127.0.0.1:{port}"}}
    agent = agent_for({"orders": server.url()}, standin, **sections).start()
    windows(standin, 1)
    session = server.agent_pid()
    with Postgres() as another:
        agent.configure({"orders": server.url(), "more": another.url()}, **sections)
        agent.reload()
        agent.wait_for_log("configuration reloaded")
        holds(standin, "DatabaseUp", 1, {"DBInstanceIdentifier": "more"})
        assert_complete(windows(standin, 2))
        assert server.agent_pid() == session, "the kept session goes on"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
            statsd.sendto(b"workers.pool_timeout:3|c", ("127.0.0.1", port))
        wait_until(lambda: sum(point["sum"] for _, point in standin.series("PoolTimeout", {})) == 3, 10)
        agent.configure({"orders": server.url()}, **sections)
        agent.reload()
        wait_until(lambda: len(agent.log_lines("configuration reloaded")) == 2)
        assert_complete(windows(standin, 2))
        assert agent.terminate() == 0


def test_a_reload_of_a_bad_file_changes_nothing(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin).start()
    windows(standin, 1)
    agent.configure(None, text="[nonsense]\n")
    agent.reload()
    agent.wait_for_log("not reloaded, the configuration in force stays: .*unknown section")
    assert_complete(windows(standin, 2))
    assert agent.terminate() == 0


def test_a_server_that_comes_back_is_sampled_within_seconds(agent_for, standin):
    with Postgres() as server:
        agent = agent_for({"orders": server.url()}, standin).start()
        holds(standin, "DatabaseUp", 1)
        server.stop()
        holds(standin, "DatabaseUp", 0)
        server.start()
        holds(standin, "DatabaseUp", 1)
        points = standin.series("DatabaseUp", ORDERS)
        assert_complete(points)
        assert agent.terminate() == 0
        assert len(agent.log_lines("WARN")) <= 3, agent.log


def test_the_log_for_programs(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin, agent={"log_format": "json"}).start()
    windows(standin, 1)
    assert agent.terminate() == 0
    rows = [json.loads(line) for line in agent.log.splitlines()]
    assert all({"time", "level", "message"} <= set(row) for row in rows), rows[0]


def test_once_is_a_table_for_people_and_a_document_for_programs(agent_for, server):
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(5))
        agent = agent_for({"orders": server.url()})
        people = agent.run("--once")
        assert (people.returncode, people.stderr) == (0, "")
        assert [line.split() for line in people.stdout.splitlines() if "DatabaseConnections " in line][0][1] == "6"
        [row] = json.loads(agent.run("--once", "--format", "json").stdout)["databases"]
    assert set(row) == {"name", "identifier", "server", "up", "error", "usable_connections", "metrics"}
    assert (row["name"], row["up"], row["error"], row["usable_connections"]) == ("orders", True, None, 47)
    [total] = [metric for metric in row["metrics"]
               if metric["name"] == "DatabaseConnections" and set(metric["dimensions"]) == {"DBInstanceIdentifier"}]
    assert (total["value"], total["unit"]) == (6, "Count")


def test_leaving_right_after_a_reload(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin).start()
    windows(standin, 1)
    for number in (signal.SIGHUP, signal.SIGTERM):
        agent.process.send_signal(number)
    assert agent.wait() == 0
