"""--diagnose against servers that were prepared: each trouble is found, none is invented."""
import contextlib
import json
import pathlib
import re
import threading

import psycopg2
import psycopg2.extras
import pytest

from network import Network
from pgbouncer import PgBouncer
from postgres import PASSWORD, Postgres
from versions import VERSIONS
from wait import wait_until

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
WELL_KEPT = {"statement_timeout": "300s", "idle_in_transaction_session_timeout": "300s",
             "log_min_duration_statement": "1s"}
TABLE = "create table rows (id int primary key, v int); insert into rows select g, 0 from generate_series(1, 9) g; " \
        "grant all on rows to app"


@pytest.fixture(scope="module")
def server():
    with Postgres(max_connections=50, **WELL_KEPT) as running:
        running.execute(TABLE)
        yield running


def diagnosis(agent_for, url, status=0, **keys):
    """The document of the one database."""
    done = agent_for({"orders": {"url": url, **keys}}).run("--diagnose", "--format", "json")
    assert (done.returncode, done.stderr) == (status, "")
    assert PASSWORD not in done.stdout
    [database] = json.loads(done.stdout)["databases"]
    return database


def text(agent_for, url, status=0, **keys):
    done = agent_for({"orders": {"url": url, **keys}}).run("--diagnose")
    assert (done.returncode, done.stderr) == (status, "")
    assert PASSWORD not in done.stdout
    return done.stdout


def ids(database):
    return [finding["id"] for finding in database["findings"]]


def found(database, name):
    return next(finding for finding in database["findings"] if finding["id"] == name)


@contextlib.contextmanager
def asynchronous(server, *statements):
    """A session that has been sent each of these; the last may be waiting."""
    with contextlib.closing(psycopg2.connect(server.url("app"), async_=1)) as session:
        wait_until(lambda: session.poll() == psycopg2.extensions.POLL_OK)
        cursor = session.cursor()
        for index, statement in enumerate(statements):
            cursor.execute(statement)
            if index < len(statements) - 1:
                wait_until(lambda: session.poll() == psycopg2.extensions.POLL_OK)
        session.poll()
        yield session


@contextlib.contextmanager
def chain_of_three(server):
    """The pids: the second waits for the first, the third for the second, each for more than a second."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.idle_in_transaction(application_name="worker"))
        first.cursor().execute("update rows set v = 1 where id = 1")
        second = stack.enter_context(asynchronous(
            server, "begin", "update rows set v = 2 where id = 2", "update rows set v = 2 where id = 1"))
        third = stack.enter_context(asynchronous(server, "update rows set v = 3 where id = 2"))
        pids = [session.get_backend_pid() for session in (first, second, third)]
        wait_until(lambda: server.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query_start < now() - interval '1.2s'"
            ) == 2)
        yield pids


def test_a_healthy_server_is_one_line(agent_for, server):
    with server.sessions(8, application_name="web"), server.active():
        assert text(agent_for, server.url()) == \
            "orders: healthy, 10 of 47 usable connections are taken (21 %), nothing to mend\n"
        database = diagnosis(agent_for, server.url())
    assert (database["findings"], database["gaps"], database["healthy"]) == ([], [], True)
    assert database["slots"] == {"max_connections": 50, "reserved": 3, "usable": 47, "used": 10, "available": 37}
    assert database["holders"]["application"][0] == {
        **database["holders"]["application"][0], "name": "web", "connections": 8, "idle": 8, "active": 0}


def test_a_leak(agent_for, server):
    with server.idle_in_transaction(application_name="worker") as session:
        pid = session.get_backend_pid()
        assert ids(diagnosis(agent_for, server.url())) == []  # not long enough
        wait_until(lambda: server.value(
            "select state_change < now() - interval '1.1s' from pg_stat_activity where pid = %s", pid))
        database = diagnosis(agent_for, server.url(), leak="1s")
    assert ids(database) == ["leak"]
    assert f"pid {pid}, worker, app@postgres" in found(database, "leak")["evidence"][0]
    assert f"SELECT pg_terminate_backend({pid});" in found(database, "leak")["remedies"]


def test_a_chain_of_three_and_the_remedy_mends_it(agent_for, server):
    with chain_of_three(server) as (first, second, third):
        database = diagnosis(agent_for, server.url())
        assert ids(database) == ["lock_waits"]
        locks = found(database, "lock_waits")
        assert locks["title"].startswith(f"2 sessions wait for locks behind pid {first}, the longest for ")
        for evidence, start in zip(locks["evidence"], (f"pid {first}, worker", "  blocks, for ", "    blocks, for "),
                                   strict=True):
            assert evidence.startswith(start)
        assert f"pid {second}," in locks["evidence"][1] and f"pid {third}," in locks["evidence"][2]
        [remedy] = locks["remedies"]
        server.execute(remedy)
        wait_until(lambda: server.value("select count(*) from pg_locks where not granted and pid = %s", second) == 0)


def test_the_chain_is_seen_without_pg_monitor(agent_for, server):
    with chain_of_three(server) as (first, *_):
        database = diagnosis(agent_for, server.url("plain"))
    assert ids(database) == ["lock_waits", "no_privilege"]
    assert f"behind pid {first}," in found(database, "lock_waits")["title"]
    assert found(database, "no_privilege")["remedies"] == ["GRANT pg_monitor TO plain;"]


def test_without_pg_monitor_the_grant_mends_it(agent_for, server):
    server.execute(f"create role fresh login password '{PASSWORD}'")
    with server.sessions(3):
        assert ids(diagnosis(agent_for, server.url("fresh"))) == ["no_privilege"]
        server.execute("GRANT pg_monitor TO fresh;")
        assert ids(diagnosis(agent_for, server.url("fresh"))) == []


def test_a_load_of_ninety_percent_by_one_application(agent_for, server):
    with server.sessions(41, application_name="web"):
        database = diagnosis(agent_for, server.url())
        page = text(agent_for, server.url())
    assert ids(database) == ["slots", "budget"]
    assert found(database, "slots")["title"] == "42 of 47 usable connections are taken (89 %), 41 of them by web"
    assert found(database, "budget")["title"] == \
        "applications hold 41 connections, their budget is 28 (60 % of 47 usable)"
    assert database["budget"]["connection_limit"]["2"] == 14
    assert page.startswith("orders  poolwarden@127.0.0.1:")
    assert "  warning   42 of 47 usable connections are taken (89 %), 41 of them by web\n" in page


def test_all_at_once(agent_for, server):
    with chain_of_three(server), server.sessions(40, application_name="web"):
        database = diagnosis(agent_for, server.url("poolwarden"), leak="1s")
    assert ids(database) == ["leak", "slots", "lock_waits", "budget"]


def words_of(page):
    """Without pids, ports and ages, and without the line breaks that their lengths move."""
    page = re.sub(r"\b\d+\s+(s|min|h)\b", "AGE", page)
    page = re.sub(r"pid \d+|backend\(\d+\)", "PID", re.sub(r"127\.0\.0\.1:\d+", "SERVER", page))
    return page.split()


def test_the_page_of_the_readme_is_what_it_says(agent_for, server):
    [page] = re.findall(r"```text\n(orders  poolwarden@.*?)\.\.\.\n```", README, re.DOTALL)
    with server.sessions(40, application_name="web"), server.idle_in_transaction(application_name="worker") as leak:
        leak.cursor().execute("update rows set v = 1 where id = 9")
        wait_until(lambda: server.value("select state_change < now() - interval '1.1s' from pg_stat_activity where pid = %s",
                                        leak.get_backend_pid()))
        told = words_of(text(agent_for, server.url(), leak="1s"))
    assert told[:len(words_of(page))] == words_of(page)


def test_statements_that_run_long_and_sessions_that_nobody_uses(agent_for, server):
    with server.sessions(2, application_name="web"), server.active() as slow:
        wait_until(lambda: server.value(
            "select min(now() - state_change) > interval '1.1s' from pg_stat_activity"
            " where usename = 'app'"))
        database = diagnosis(agent_for, server.url(), long_query="1s", stale_idle="1s")
        assert ids(database) == ["long_queries", "stale_idle"]
        assert f"pid {slow.get_backend_pid()}, (none) of app, app@postgres" in found(database, "long_queries")["evidence"][0]
        assert found(database, "long_queries")["evidence"][0].endswith(": select pg_sleep(?)")
        assert found(database, "stale_idle")["title"].startswith("2 sessions idle longer than 1 s")


def test_a_limit_of_a_role(agent_for, server):
    server.execute(f"create role limited login password '{PASSWORD}' connection limit 3")
    with server.sessions(3, user="limited"):
        database = diagnosis(agent_for, server.url())
        assert ids(database) == ["connection_limit"]
        [remedy] = found(database, "connection_limit")["remedies"]
        server.execute(remedy)
        assert ids(diagnosis(agent_for, server.url())) == []


def test_more_than_the_applications_own_url_allows(agent_for, server):
    url = server.url("app", parameters="?connection_limit=4&pool_timeout=20&connect_timeout=10&schema=public")
    with server.sessions(4, application_name="web"):
        assert ids(diagnosis(agent_for, url)) == ["no_privilege"]
    with server.sessions(5, application_name="web"):
        database = diagnosis(agent_for, url)
    assert ids(database) == ["several_pools", "no_privilege"]
    assert found(database, "several_pools")["evidence"] == ["web from 127.0.0.1: 5 connections"]


def test_settings_that_are_not_set_and_the_remedy(agent_for):
    with Postgres(max_connections=50) as server, server.sessions(2):
        database = diagnosis(agent_for, server.url())
        names = ["idle_in_transaction_session_timeout", "statement_timeout", "log_min_duration_statement"]
        assert ids(database) == names
        assert database["healthy"]
        for name in names[:2]:
            server.execute(found(database, name)["remedies"][0])
        assert ids(diagnosis(agent_for, server.url())) == names[2:]


def test_logins_that_never_end(agent_for, server):
    agent = agent_for({"orders": server.url()}).start("--diagnose", "--format", "json")
    while agent.is_running:
        server.connect().close()
    [database] = json.loads(agent.output)["databases"]
    assert ids(database) == ["pooler_due"]
    assert database["logins_per_second"] > 5


def test_a_network_without_tls(agent_for):
    with Network() as network, Postgres(max_connections=50, listen_addresses="*", **WELL_KEPT) as server:
        address = network.outside
        with open(server.directory / "data" / "pg_hba.conf", "a", encoding="utf-8") as rules:
            rules.write(f"host all all {address}/32 scram-sha-256\n")
        server.execute("select pg_reload_conf()")
        with contextlib.closing(psycopg2.connect(
                server.url("app").replace("127.0.0.1", address) + "?application_name=web")):
            database = diagnosis(agent_for, server.url())
    assert ids(database) == ["no_tls"]
    assert found(database, "no_tls")["evidence"] == [f"web from {address}"]


def test_when_the_slots_are_gone_it_says_how_to_get_in(agent_for, server):
    with server.all_slots_taken():
        database = diagnosis(agent_for, server.url(), status=1)
        assert ids(database) == ["no_slot_left"]
        assert not database["examined"] and database["slots"] is None
        psql, make_room, *_ = found(database, "no_slot_left")["remedies"]
        assert f"psql \"host=127.0.0.1 port={server.port} " in psql
        inside = diagnosis(agent_for, server.url("postgres"))
        assert "slots" in ids(inside) and inside["slots"]["available"] == 0
        assert server.execute(make_room) == []  # none is idle for so long


def test_the_limit_is_known_from_an_earlier_run(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin).start()
    agent.wait_for_log("connected")
    wait_until(lambda: (agent.directory / "limits.json").exists())
    assert agent.terminate() == 0
    with server.all_slots_taken():
        done = agent.run("--diagnose", environment=agent.environment)
    assert done.returncode == 1
    assert "every one of the 47 usable connections is taken" in done.stdout


def test_a_server_that_is_not_there(agent_for, server):
    url = server.url(password="wr0ng")
    done = agent_for({"orders": server.url(), "billing": url}).run("--diagnose")
    assert done.returncode == 1
    assert done.stdout.startswith("orders: healthy,")
    assert "could not be examined: password authentication failed" in done.stdout
    assert "wr0ng" not in done.stdout


def test_a_server_that_hangs_ends_it(agent_for):
    with Postgres(max_connections=50) as server:
        agent = agent_for({"orders": server.url(parameters="?connect_timeout=2")})
        with server.frozen():
            done = agent.run("--diagnose", deadline_s=10)
    assert done.returncode == 1
    assert "no answer in 2 s" in done.stdout


def test_it_takes_one_connection(agent_for, server):
    agent = agent_for({"orders": server.url()}).start("--diagnose")
    most = 0
    while agent.is_running:
        most = max(most, server.value("select count(*) from pg_stat_activity where application_name = 'poolwarden'"))
    assert (agent.wait(), most) == (0, 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version(agent_for, version):
    reserved = {"reserved_connections": 4} if version >= 16 else {}
    with Postgres(version, max_connections=50, **WELL_KEPT, **reserved) as server:
        server.execute(TABLE)
        usable = 43 if version >= 16 else 47
        assert text(agent_for, server.url()) == \
            f"orders: healthy, 1 of {usable} usable connections are taken (2 %), nothing to mend\n"
        with chain_of_three(server) as (first, *_), server.sessions(36, application_name="web"):
            database = diagnosis(agent_for, server.url(), leak="1s")
            plain = diagnosis(agent_for, server.url("plain"))
    assert (database["gaps"], plain["gaps"]) == ([], [])
    assert ids(database) == ["leak", "slots", "lock_waits", "budget"]
    assert database["slots"]["usable"] == usable
    assert f"behind pid {first}," in found(database, "lock_waits")["title"]
    assert "no_privilege" in ids(plain) and "leak" not in ids(plain)


# ---- pools ----

def pool(bouncer):
    keys = {"log": bouncer.directory / "not-for-everybody.log"}  # its console answers all the same
    return {"pool bouncer": {"type": "pgbouncer", "database": "orders", "url": bouncer.url(), **keys}}


def test_a_pool_with_a_queue(agent_for, server):
    with PgBouncer(server, query_wait_timeout=20) as bouncer:
        agent = agent_for({"orders": server.url()}, **pool(bouncer))
        done = agent.run("--diagnose", "--format", "json")
        [database] = json.loads(done.stdout)["databases"]
        assert (ids(database), database["gaps"]) == ([], [])
        loading = threading.Thread(target=bouncer.load, args=(6, 5))
        loading.start()
        try:
            wait_until(lambda: server.value("select count(*) from pg_stat_activity where query like '%pg_sleep(%5%'"
                                            " and state = 'active' and query_start < now() - interval '1s'") >= 2)
            done = agent.run("--diagnose", "--format", "json")
        finally:
            loading.join()
    [database] = json.loads(done.stdout)["databases"]
    assert ids(database) == ["pool_waiting"]
    assert re.fullmatch(r"pool bouncer: 4 clients wait, the longest for [2-5](\.\d+)? s, 2 connections busy of 2",
                        found(database, "pool_waiting")["evidence"][0])
    [row] = database["pools"]
    assert (row["name"], row["waiting"], row["busy"], row["size"]) == ("bouncer", 4, 2, 2)


def test_a_pool_that_could_take_more_than_the_budget(agent_for, server):
    with PgBouncer(server, default_pool_size=40) as bouncer, contextlib.closing(bouncer.connect()):
        done = agent_for({"orders": server.url()}, **pool(bouncer)).run("--diagnose", "--format", "json")
    [database] = json.loads(done.stdout)["databases"]
    assert ids(database) == ["pool_sizes"]
    assert found(database, "pool_sizes")["title"] == \
        "pools may open 40 connections, their budget is 28 (60 % of 47 usable)"


def test_a_pool_by_session(agent_for, server):
    with PgBouncer(server, pool_mode="session") as bouncer, contextlib.closing(bouncer.connect()):
        done = agent_for({"orders": server.url()}, **pool(bouncer)).run("--diagnose", "--format", "json")
    [database] = json.loads(done.stdout)["databases"]
    assert (ids(database), database["healthy"]) == (["pool_mode"], True)
    assert found(database, "pool_mode")["evidence"] == ["pool bouncer: app"]


def test_a_pool_that_does_not_answer_is_no_healthy_one(agent_for, server):
    with PgBouncer(server) as bouncer:
        agent = agent_for({"orders": server.url()}, **pool(bouncer))
        bouncer.stop()
        done = agent.run("--diagnose")
    assert done.returncode == 0
    assert re.search(r"\n  not examined: pool bouncer: its console can not be read: Connection refused", done.stdout)
    assert "healthy" not in done.stdout


# ---- --terminate-idle ----

def terminate(agent_for, url, *arguments, age="1s", status=0):
    done = agent_for({"orders": url}).run("--diagnose", "--terminate-idle", age, *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


def idle_for_a_while(server, *pids):
    for pid in pids:
        wait_until(lambda: server.value(
            "select state = 'idle' and state_change < now() - interval '1.1s' from pg_stat_activity where pid = %s", pid))


@pytest.fixture
def signalling(server):
    """The URL of a role that may end others."""
    server.execute("grant pg_signal_backend to poolwarden")
    yield server.url()
    server.execute("revoke pg_signal_backend from poolwarden")


def is_there(server, session):
    return server.value("select count(*) from pg_stat_activity where pid = %s", session.get_backend_pid()) == 1


def test_idle_sessions_are_ended_only_with_yes(agent_for, server, signalling):
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(server.sessions(3, application_name="web"))
        spared = [*stack.enter_context(server.sessions(1, user="postgres")),
                  *stack.enter_context(server.sessions(1, application_name="poolwarden")),
                  stack.enter_context(server.idle_in_transaction()), stack.enter_context(server.active()),
                  stack.enter_context(contextlib.closing(psycopg2.connect(
                      server.url("postgres"), connection_factory=psycopg2.extras.PhysicalReplicationConnection)))]
        idle_for_a_while(server, *(session.get_backend_pid() for session in [*idle, *spared[:2]]))
        shown = terminate(agent_for, signalling)
        lines = shown.splitlines()
        assert lines[0] == "orders: 3 sessions idle longer than 1 s would be ended; --yes ends them"
        assert [line.split(", idle for ")[0] for line in sorted(lines[1:])] == \
            [f"  pid {pid}, web, app@postgres from 127.0.0.1" for pid in sorted(s.get_backend_pid() for s in idle)]
        assert all(is_there(server, session) for session in [*idle, *spared])

        assert terminate(agent_for, signalling, "--yes", age="1h") == "orders: no session is idle longer than 60 min\n"
        ended = terminate(agent_for, signalling, "--yes")
        assert ended.splitlines()[0] == "orders: 3 sessions idle longer than 1 s ended"
        wait_until(lambda: not any(is_there(server, session) for session in idle))
        assert all(is_there(server, session) for session in spared)


def test_without_the_privilege_it_says_what_is_missing(agent_for, server):
    with server.sessions(1, application_name="web") as [session]:
        idle_for_a_while(server, session.get_backend_pid())
        page = terminate(agent_for, server.url(), "--yes", status=1)
        assert page.splitlines()[0] == "orders: 0 sessions idle longer than 1 s ended"
        assert f"  not ended: pid {session.get_backend_pid()}, web, app@postgres from 127.0.0.1, idle for " in page
        assert "GRANT pg_signal_backend TO poolwarden;" in page
        assert is_there(server, session)
        assert "GRANT pg_monitor TO plain;" in terminate(agent_for, server.url("plain"), "--yes")
        # What belongs to its own role needs no privilege.
        assert "1 session idle longer than 1 s ended" in terminate(agent_for, server.url("app"), "--yes")


def test_terminating_for_programs(agent_for, server, signalling):
    with server.sessions(1, application_name="web") as [session]:
        pid = session.get_backend_pid()
        idle_for_a_while(server, pid)
        shown = json.loads(terminate(agent_for, signalling, "--format", "json"))
        ended = json.loads(terminate(agent_for, signalling, "--format", "json", "--yes"))
        assert json.loads(terminate(agent_for, signalling, "--format", "json"))["databases"][0]["sessions"] == []
    for document, yes, fate in (shown, False, "spared"), (ended, True, "ended"):
        assert document["yes"] is yes
        [row] = document["databases"][0]["sessions"]
        assert (row["pid"], row["application"], row["user"], row["fate"]) == \
            (pid, "web", "app", fate)
        assert row["idle_s"] > 1


def test_terminating_where_nobody_is_idle_or_answers(agent_for, server):
    assert terminate(agent_for, server.url()) == "orders: no session is idle longer than 1 s\n"
    page = terminate(agent_for, server.url(password="wr0ng"), "--yes", status=1)
    assert page.startswith("orders: failed: password authentication failed") and "wr0ng" not in page
