"""The numbers are the server's own."""
import contextlib

import psycopg2.extras

from arrived import ORDERS, holds, newest, windows
from postgres import PASSWORD, Postgres
from wait import wait_until


def test_every_number_is_what_the_server_says(agent, server, standin):
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(12))
        stack.enter_context(server.active())
        stack.enter_context(server.active())
        stack.enter_context(server.idle_in_transaction())
        agent(cloudwatch={"metrics": "standard"})
        wait_until(server.agent_pid)
        connections = server.count_client_backends()
        assert connections == 16
        expected = {"DatabaseConnections": connections, "ConnectionUtilization": 100 * connections / 47,
                    "AvailableConnections": 47 - connections, "MaxConnections": 47, "ConnectionsActive": 2,
                    "ConnectionsIdle": 12, "ConnectionsIdleInTransaction": 1, "ConnectionsWaitingOnLock": 0,
                    "ConnectionsRejected": 0, "DatabaseUp": 1}
        for name, value in expected.items():
            holds(standin, name, value)


def test_units_are_what_they_say(agent, standin):
    agent(cloudwatch={"metrics": "standard"})
    wait_until(lambda: newest(standin, "OldestTransactionAge"))
    units = {datum.name: datum.unit for datum in standin.metrics()}
    assert units.pop("ConnectionUtilization") == "Percent"
    assert units.pop("OldestTransactionAge") == "Seconds"
    assert units.pop("DatabaseUp") == "None"
    assert set(units.values()) == {"Count"}


def test_core_is_no_more_than_it_says(agent, standin):
    agent()
    wait_until(lambda: newest(standin, "DatabaseUp"))
    assert {datum.name for datum in standin.metrics()} == {
        "DatabaseConnections", "ConnectionUtilization", "AvailableConnections", "DatabaseUp"}


def test_sessions_that_wait_last_or_were_forgotten_are_counted(agent_for, server, standin):
    server.execute("create table if not exists locked (id int)")
    server.execute("grant all on locked to app")
    keys = {"url": server.url(), "long_query": "1s", "leak": "1s", "stale_idle": "1s"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(3))
        holder = stack.enter_context(server.idle_in_transaction())
        holder.cursor().execute("lock table locked")
        waiter = stack.enter_context(contextlib.closing(psycopg2.connect(server.url("app"), async_=1)))
        wait_until(lambda: waiter.poll() == psycopg2.extensions.POLL_OK)
        waiter.cursor().execute("insert into locked values (1)")
        agent_for({"orders": keys}, standin, cloudwatch={"metrics": "standard"}).start()
        for name, value in {"ConnectionsWaitingOnLock": 1, "LongRunningQueries": 1, "LeakedConnections": 1,
                            "StaleIdleConnections": 3}.items():
            holds(standin, name, value)
        oldest = newest(standin, "OldestTransactionAge")
        assert 1 < oldest["min"] < oldest["max"] < 30


def test_without_pg_monitor_totals_are_right_and_the_grant_is_told_once(agent_for, server, standin):
    with server.sessions(12), server.active():
        agent = agent_for({"orders": server.url("plain")}, standin, cloudwatch={"metrics": "standard"}).start()
        wait_until(server.agent_pid)
        holds(standin, "DatabaseConnections", server.count_client_backends())
        holds(standin, "DatabaseConnections", 14)
        holds(standin, "MaxConnections", 47)
    assert agent.terminate() == 0
    assert len(agent.log_lines('GRANT pg_monitor TO "?plain"?')) == 1
    told = {datum.name for datum in standin.metrics()}
    assert "DatabaseUp" in told
    assert not {"ConnectionsActive", "ConnectionsIdle", "LongRunningQueries", "OldestTransactionAge"} & told


def test_workers_and_walsenders_are_not_counted(agent, server, standin):
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(2))
        stack.enter_context(contextlib.closing(psycopg2.connect(
            server.url("postgres"), connection_factory=psycopg2.extras.PhysicalReplicationConnection)))
        parallel = stack.enter_context(contextlib.closing(psycopg2.connect(server.url("app"), async_=1)))
        wait_until(lambda: parallel.poll() == psycopg2.extensions.POLL_OK)
        cursor = parallel.cursor()
        cursor.execute("""
            select set_config(name, 'on', false) from pg_settings
             where name in ('force_parallel_mode', 'debug_parallel_query')""")
        wait_until(lambda: parallel.poll() == psycopg2.extensions.POLL_OK)
        cursor.execute("select pg_sleep(300)")
        stack.callback(server.execute, "select pg_terminate_backend(%s)", parallel.get_backend_pid())
        agent()
        types = "select backend_type from pg_stat_activity"
        wait_until(lambda: {("parallel worker",), ("walsender",)} <= set(server.execute(types)))
        wait_until(server.agent_pid)
        assert server.count_client_backends() == 4
        holds(standin, "DatabaseConnections", 4)


def test_every_reserved_slot_is_subtracted(agent_for, standin):
    reserves = {"superuser_reserved_connections": 5, "rds.rds_superuser_reserved_connections": 2,
                "rds.rds_reserved_connections": 4}
    with Postgres(max_connections=40, **reserves) as server, server.sessions(10):
        agent_for({"orders": server.url()}, standin, cloudwatch={"metrics": "standard"}).start()
        holds(standin, "MaxConnections", 29)
        holds(standin, "AvailableConnections", 18)


def test_connections_are_broken_down_by_database_application_and_state(agent, server, standin):
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(4, application_name="web"))
        stack.enter_context(server.sessions(2, application_name="jobs", database="template1"))
        stack.enter_context(server.sessions(1, application_name=""))
        stack.enter_context(server.idle_in_transaction(application_name="web"))
        agent(cloudwatch={"metrics": "full"})
        for dimension, value in {("DatabaseName", "postgres"): 7, ("DatabaseName", "template1"): 2,
                                 ("ApplicationName", "web"): 5, ("ApplicationName", "jobs"): 2,
                                 ("ApplicationName", "(none)"): 1, ("ApplicationName", "poolwarden"): 1,
                                 ("State", "idle"): 7, ("State", "idle in transaction"): 1}.items():
            holds(standin, "DatabaseConnections", value, {**ORDERS, dimension[0]: dimension[1]})
        holds(standin, "DatabaseConnections", 9)
        holds(standin, "DatabaseRole", 1)
        assert 0 < newest(standin, "SampleLatency")["max"] < 1000


def test_what_is_beyond_the_bounds_is_other(agent_for, server, standin):
    keys = {"url": server.url(), "per_application": 2, "per_database": "post*"}
    with contextlib.ExitStack() as stack:
        for name, count in {"web": 5, "jobs": 3, "cron": 2}.items():
            stack.enter_context(server.sessions(count, application_name=name, database="template1"))
        agent_for({"orders": keys}, standin, cloudwatch={"metrics": "full"}).start()
        expected = {("ApplicationName", "web"): 5, ("ApplicationName", "jobs"): 3, ("ApplicationName", "other"): 3,
                    ("DatabaseName", "postgres"): 1, ("DatabaseName", "other"): 10}
        for (dimension, value), count in expected.items():
            holds(standin, "DatabaseConnections", count, {**ORDERS, dimension: value})
        told = {tuple(item) for datum in standin.metrics("DatabaseConnections") for item in datum.dimensions.items()}
        assert {item for item in told if item[0] in ("ApplicationName", "DatabaseName")} == set(expected)


def test_one_session_is_kept(agent, server, standin):
    agent()
    pid = wait_until(server.agent_pid)
    windows(standin, 2)
    assert server.execute("select pid from pg_stat_activity where application_name = 'poolwarden'") == [(pid,)]


def test_a_unix_socket_will_do(agent_for, server, standin):
    url = f"postgresql://poolwarden:{PASSWORD}@/postgres?host={server.directory}&port={server.port}"
    agent_for({"orders": url}, standin).start()
    holds(standin, "DatabaseUp", 1)
    assert server.value("select client_addr is null from pg_stat_activity where application_name = 'poolwarden'")


def test_a_password_file_is_read_at_each_connect(agent_for, server, standin, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the first\n")
    server.execute("create role rotated login password 'the first'")
    url = f"postgresql://rotated@127.0.0.1:{server.port}/postgres"
    agent = agent_for({"orders": {"url": url, "password_file": secret}}, standin).start()
    holds(standin, "DatabaseUp", 1)
    server.execute("alter role rotated password 'the second'")
    secret.write_text("the second\n")
    server.execute("select pg_terminate_backend(%s)", server.agent_pid())
    agent.wait_for_log("back after")
    holds(standin, "DatabaseUp", 1)
    assert agent.terminate() == 0
    assert "the first" not in agent.log and "the second" not in agent.log
