"""The program as a service: seconds kept, reload, leaving, coming back."""
import contextlib
import json
import pathlib
import signal
import socket
import time

import pytest

from arrived import ORDERS, assert_complete, holds, windows
from pages import Page
from pgbouncer import PgBouncer
from ports import free_udp_port
from postgres import PASSWORD, Postgres
from wait import wait_until

LONG_S = 10  # of the windows in which a jump of 2 s must show


def test_a_jump_of_two_seconds_shows_in_the_window(agent_for, server, standin):
    agent_for({"orders": server.url()}, standin, agent={"publish_interval": f"{LONG_S}s"}).start()
    wait_until(server.agent_pid)
    window = (int(time.time()) // LONG_S + 1) * LONG_S  # the first that is whole
    wait_until(lambda: time.time() > window + 1, 2 * LONG_S)
    with server.sessions(20):
        since = time.time()
        wait_until(lambda: time.time() > since + 2.2)
    wait_until(lambda: server.count_client_backends() == 1)
    until = time.time()
    wait_until(lambda: window in dict(standin.series("DatabaseConnections", ORDERS)), 2 * LONG_S, what=standin.report)
    point = dict(standin.series("DatabaseConnections", ORDERS))[window]
    assert (point["max"] >= 21, point["min"], point["datums"]) == (True, 1, 1)
    assert 2 <= sum(count for value, count in point["values"].items() if value >= 21) <= until - since + 1, "not averaged away"
    assert dict(standin.series("DatabaseUp", ORDERS))[window]["sample_count"] == LONG_S, "one a second"


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
        assert windows_seen and "are sent at the next start" in agent.log


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


def test_once_samples_pools_too_and_says_which_it_can_not(agent_for, server):
    with PgBouncer(server) as bouncer, contextlib.closing(bouncer.connect()), Page() as page, \
            contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        page.text = "hikaricp_connections_timeout_total 7\nhikaricp_connections_pending 3\n"
        taken.bind(("127.0.0.1", 0))  # by a running agent
        agent = agent_for({"orders": server.url()}, statsd={"listen": "127.0.0.1:%d" % taken.getsockname()[1]},
                          pools={"web": "orders"}, **{
            "pool bouncer": {"type": "pgbouncer", "database": "orders", "url": bouncer.url()},
            "pool api": {"type": "prometheus", "database": "orders", "url": page.url},
            "pool jobs": {"type": "log", "database": "orders", "path": bouncer.log, "match": "prisma"}})
        document = agent.run("--once", "--format", "json")
        people = agent.run("--once")
        page.status = 503
        failed = agent.run("--once")
    assert (document.returncode, people.returncode, failed.returncode) == (0, 0, 1)
    pools = {pool["name"]: pool for pool in json.loads(document.stdout)["pools"]}
    assert all(set(pool) == {"name", "database", "type", "sampled", "error", "metrics"} for pool in pools.values())
    values = {name: {row["name"]: row["value"] for row in pool["metrics"]} for name, pool in pools.items()}
    assert values["bouncer"] == {"PoolClientsWaiting": 0, "PoolMaxWait": 0, "PoolConnectionsBusy": 0,
                                 "PoolConnectionsIdle": values["bouncer"]["PoolConnectionsIdle"], "PoolSize": 2,
                                 "PoolUtilization": 0}
    assert values["api"] == {"PoolTimeout": 0, "PoolClientsWaiting": 3}
    assert pools["api"]["metrics"][0]["dimensions"] == {"DBInstanceIdentifier": "orders", "Pool": "api"}
    assert [pools[name]["sampled"] for name in ("bouncer", "api", "jobs", "web")] == [True, True, False, False]
    assert "StatsD" in pools["web"]["error"] and "log" in pools["jobs"]["error"]
    assert "\npool api (prometheus, database orders)\n  PoolTimeout " in people.stdout
    assert "\npool jobs (log, database orders)\n  not sampled: a log tells " in people.stdout
    assert "\n  not sampled: its metrics can not be read: it answers with status 503\n" in failed.stdout


def test_leaving_right_after_a_reload(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin).start()
    windows(standin, 1)
    for number in (signal.SIGHUP, signal.SIGTERM):
        agent.process.send_signal(number)
    assert agent.wait() == 0


def hanging_names(binary):
    return {"LD_PRELOAD": str(binary.parent / "tests" / "tools" / "libhanging_names.so"),
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


@pytest.mark.parametrize("mode", [[], ["--once"]], ids=["agent", "once"])
def test_a_name_server_that_hangs_does_not_keep_it_from_leaving(agent_for, binary, server, standin, mode):
    databases = {"orders": server.url(), "lost": f"postgresql://u:{PASSWORD}@hangs.invalid/x"}
    agent = agent_for(databases, standin)
    agent.environment.update(hanging_names(binary))
    began = time.monotonic()
    if mode:
        done = agent.run(*mode)
        assert (done.returncode, "hangs.invalid was not resolved" in done.stdout) == (1, True)
        assert time.monotonic() - began < 12
        return
    agent.start()
    agent.wait_for_log("hangs.invalid was not resolved")
    assert_complete(windows(standin, 2))
    holds(standin, "DatabaseUp", 0, {"DBInstanceIdentifier": "lost"})
    began = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - began < 5.5
    assert "all that was sampled is in CloudWatch" in agent.log


@contextlib.contextmanager
def black_hole(address):
    """Whoever connects there gets no answer at all: the line of those who wait is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(address)
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield


def test_an_address_that_swallows_everything_is_not_the_first_for_ever(agent_for, binary, server, standin):
    with black_hole(("127.0.0.2", server.port)):
        agent = agent_for({"orders": server.url().replace("127.0.0.1", "two.invalid")}, standin)
        agent.environment.update(hanging_names(binary))
        agent.start()
        holds(standin, "DatabaseUp", 1, deadline_s=25)


def test_signals_while_leaving_do_not_cut_it_short(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin).start()
    windows(standin, 1)
    standin.faults.add("ThrottlingException", operation="PutMetricData", count=2)
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_for_log("leaving")
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        agent.process.send_signal(number)
    assert agent.wait() == 0
    assert "stopped;" in agent.log and len(agent.log_lines("leaving")) == 1


def alarm_regions(standin):
    return {alarm["AlarmArn"].split(":")[3] for alarm in standin.service.cloudwatch.alarms.values()}


def test_the_same_identifier_in_two_regions_is_two_databases(agent_for, standin):
    with Postgres() as europe, Postgres() as america, europe.sessions(3):
        databases = {name: {"url": one.url(), "identifier": "orders", "region": region}
                     for name, one, region in (("eu", europe, "eu-west-1"), ("us", america, "us-east-1"))}
        agent_for(databases, standin).start()

        def largest(region):
            return max((datum.max for datum in standin.metrics("DatabaseConnections", ORDERS)
                        if datum.region == region), default=None)
        wait_until(lambda: (largest("eu-west-1"), largest("us-east-1")) == (4, 1), 15, what=standin.report)
        wait_until(lambda: alarm_regions(standin) == {"eu-west-1", "us-east-1"}, 15, what=standin.report)


def test_a_reload_may_move_a_database_to_another_region_though_it_is_down(agent_for, standin):
    with Postgres() as server:
        url = server.url()
    keys = {"url": url, "region": "eu-west-1"}
    agent = agent_for({"orders": keys}, standin).start()
    wait_until(lambda: {datum.region for datum in standin.metrics("DatabaseUp")} == {"eu-west-1"}, 10)
    agent.configure({"orders": {**keys, "region": "us-east-1"}})
    agent.reload()
    wait_until(lambda: standin.metrics("DatabaseUp")[-1].region == "us-east-1", 10, what=standin.report)


def test_a_reload_may_move_the_statsd_socket_and_keeps_what_it_knows(agent_for, server, standin):
    port = free_udp_port()
    statsd = {"listen": f"127.0.0.1:{port}", "database": "orders"}
    web = {**ORDERS, "Pool": "web"}
    agent = agent_for({"orders": server.url()}, standin, statsd=statsd).start()
    agent.wait_for_log("connected")

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"web.pool_timeout:2|c", ("127.0.0.1", port))
    send()
    windows(standin, 1, "PoolTimeout", web)
    agent.reload()
    agent.wait_for_log("configuration reloaded")
    assert [point["sum"] for _, point in windows(standin, 2, "PoolTimeout", web)][-1] == 0, "silence is a number"
    agent.configure({"orders": server.url()}, statsd={**statsd, "listen": f"0.0.0.0:{port}"})
    agent.reload()
    wait_until(lambda: len(agent.log_lines("configuration reloaded")) == 2)
    send()
    wait_until(lambda: sum(point["sum"] for _, point in standin.series("PoolTimeout", web)) == 4, 10,
               what=standin.report)
    assert agent.log_lines("WARN.*whoever reaches this address"), "a new warning is said at the reload"


def test_a_number_that_nobody_can_count_is_refused_and_said(agent_for, server, standin):
    port = free_udp_port()
    agent = agent_for({"orders": server.url()}, standin, pools={"web": "orders"},
                      statsd={"listen": f"127.0.0.1:{port}"}).start()
    agent.wait_for_log("connected")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"web.pool_timeout:1e200|c", ("127.0.0.1", port))
    agent.wait_for_log("lines not used: .* 1;")


@pytest.mark.parametrize("set_by_a_person", [None, "glibc.malloc.check=0"])
def test_freed_memory_is_not_kept(agent_for, server, standin, set_by_a_person):
    """It starts itself again to tell the allocator so: as the same process, under the same name."""
    agent = agent_for({"orders": server.url()}, standin)
    agent.environment.update({"GLIBC_TUNABLES": set_by_a_person} if set_by_a_person else {})
    agent.start()
    wait_until(server.agent_pid)
    process = pathlib.Path(f"/proc/{agent.process.pid}")
    tunables = [word for word in (process / "environ").read_text().split("\0") if word.startswith("GLIBC_TUNABLES=")]
    assert tunables == [f"GLIBC_TUNABLES={set_by_a_person or 'glibc.malloc.tcache_count=0'}"]
    assert (process / "comm").read_text() == "poolwarden\n"
