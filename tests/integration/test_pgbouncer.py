"""Pools of type pgbouncer: a real 1.18 by its console and its log, a newer one's console after a script."""
import pytest

from arrived import ORDERS, holds, newest, total, windows
from console import Console
from pgbouncer import STATS_PASSWORD, PgBouncer
from wait import wait_until

BOUNCER = {**ORDERS, "Pool": "bouncer"}


@pytest.fixture
def bouncer(server):
    with PgBouncer(server) as running:
        yield running


def pool(bouncer=None, **keys):
    return {"cloudwatch": {"metrics": "standard"},
            "pool bouncer": {"type": "pgbouncer", "database": "orders", **({"url": bouncer.url()} if bouncer else {}),
                             **keys}}


def with_log(bouncer, **keys):
    return pool(bouncer, log=bouncer.log, **keys)


def counted(standin, value):
    wait_until(lambda: total(standin, "PoolTimeout", BOUNCER) == value, 15,
               what=lambda: f"not {value}\n{standin.report()}")


def largest(standin, name):
    return max(point["max"] for _, point in standin.series(name, BOUNCER))


def test_everybody_who_was_told_is_counted_and_the_queue_is_seen(agent, standin, bouncer):
    running = agent(**with_log(bouncer))
    running.wait_for_log("pool bouncer: connected to the console of PgBouncer 1\\.")
    windows(standin, 1, "PoolTimeout", BOUNCER)
    told = bouncer.load(12, 5)
    assert told == 10 == bouncer.told_in_log()
    counted(standin, 10)
    assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == 10
    assert largest(standin, "PoolClientsWaiting") == 10
    assert 1 <= largest(standin, "PoolMaxWait") <= 2.5
    assert largest(standin, "PoolUtilization") == 100
    assert largest(standin, "PoolConnectionsBusy") == largest(standin, "PoolSize") == 2
    holds(standin, "PoolClientsWaiting", 0, BOUNCER)
    holds(standin, "PoolConnectionsIdle", 2, BOUNCER)

    bouncer.restart()
    wait_until(lambda: len(running.log_lines("connected to the console")) == 2, 20)
    windows(standin, 2, "PoolTimeout", BOUNCER)
    assert total(standin, "PoolTimeout", BOUNCER) == 10
    assert bouncer.load(4, 3) == 2
    counted(standin, 12)
    assert all(point["min"] >= 0 for _, point in standin.series("PoolTimeout", BOUNCER))


def test_150_clients_at_once(agent, standin, bouncer):
    agent(**with_log(bouncer))
    windows(standin, 1, "PoolTimeout", BOUNCER)
    told = bouncer.load(150, 1)
    assert 100 < told < 150 and told == bouncer.told_in_log()
    counted(standin, told)
    windows(standin, 2, "PoolTimeout", BOUNCER)
    assert total(standin, "PoolTimeout", BOUNCER) == told


def test_an_old_console_alone_says_what_is_missing(agent, standin, bouncer):
    running = agent(**pool(bouncer))
    running.wait_for_log("PoolTimeout is not counted: PgBouncer 1.18.* log = its log file")
    bouncer.load(4, 3)
    windows(standin, 2, "PoolClientsWaiting", BOUNCER)
    assert standin.series("PoolTimeout", BOUNCER) == []
    assert largest(standin, "PoolClientsWaiting") == 2


def test_a_log_that_tells_nothing_is_said(agent, server, standin):
    with PgBouncer(server, log_pooler_errors=0, log_disconnections=0) as silent:
        agent(**with_log(silent)).wait_for_log("log_pooler_errors and log_disconnections are both off")


def test_one_of_several_processes_is_said_unless_it_is_known_which(agent, server, standin):
    with PgBouncer(server, so_reuseport=1) as several:
        socket = f"postgresql://stats:{STATS_PASSWORD}@/pgbouncer?host={several.directory}&port={several.port}"
        known = agent(directory="known", **with_log(several, url=socket))
        windows(standin, 2, "PoolClientsWaiting", BOUNCER)
        assert known.terminate() == 0 and not known.log_lines("so_reuseport")
        agent(**with_log(several)).wait_for_log("pool bouncer: so_reuseport is on in PgBouncer: when several processes")


def test_one_of_the_two_lines_is_enough(agent, server, standin):
    with PgBouncer(server, log_disconnections=0) as bouncer:
        agent(**with_log(bouncer))
        windows(standin, 1, "PoolTimeout", BOUNCER)
        assert bouncer.load(5, 3) == 3
        counted(standin, 3)


def test_only_the_chosen_databases_count(agent, standin, bouncer):
    agent(**with_log(bouncer, databases="other*"))
    windows(standin, 1, "PoolTimeout", BOUNCER)
    assert bouncer.load(4, 3) == 2
    windows(standin, 2, "PoolTimeout", BOUNCER)
    assert total(standin, "PoolTimeout", BOUNCER) == 0
    assert largest(standin, "PoolClientsWaiting") == 0


def test_its_log_alone_is_enough(agent, standin, bouncer):
    agent(**pool(log=bouncer.log))
    windows(standin, 1, "PoolTimeout", BOUNCER)
    assert bouncer.load(4, 3) == 2
    counted(standin, 2)


def test_a_console_that_goes_and_comes(agent, standin, bouncer):
    running = agent(**with_log(bouncer))
    running.wait_for_log("connected to the console")
    bouncer.stop()
    running.wait_for_log("pool bouncer: its console can not be read: .*; trying again")
    windows(standin, 2)
    bouncer.start()
    wait_until(lambda: len(running.log_lines("connected to the console")) == 2, 20)
    assert running.terminate() == 0


def test_a_console_that_is_slow_gives_no_sample_too_late_for_its_window(agent, standin):
    with Console() as console:
        running = agent(**pool(url=console.url()))
        windows(standin, 1, "PoolTimeout", BOUNCER)
        console.delay_s = 2  # each answer in time, four of them not
        console.restart(0, 0, 0)
        running.wait_for_log("its console can not be read: no answer in", 20)
        windows(standin, 2)
        assert running.terminate() == 0
        assert "readings were dropped" not in running.log


def test_a_server_is_no_console_and_a_stranger_is_advised(agent, server, standin, bouncer):
    running = agent(**pool(url=server.url()))
    running.wait_for_log("is no console of PgBouncer .it answers as 1.*give the URL of its database pgbouncer")
    running.configure({"orders": server.url()}, **pool(url=bouncer.url().replace("stats:st4ts", "app:s3cret")))
    running.reload()
    running.wait_for_log("not allowed.*name the user in its stats_users")
    assert "s3cret" not in running.log


# ---- a newer console ----

def test_a_newer_console_counts_those_who_gave_up(agent, standin):
    with Console() as console:
        running = agent(**pool(console))
        running.wait_for_log("PoolTimeout is counted by the console")
        windows(standin, 1, "PoolTimeout", BOUNCER)
        console.totals(12, 2, 10, maxwait=1)
        wait_until(lambda: newest(standin, "PoolMaxWait", BOUNCER)["max"] == 1.5)
        console.totals(12, 2, 0)
        counted(standin, 10)
        console.totals(428, 418, 0)
        windows(standin, 2, "PoolTimeout", BOUNCER)
        assert total(standin, "PoolTimeout", BOUNCER) == 10
        console.restart(7, 2, 0)  # five gave up before we were there again
        wait_until(lambda: len(running.log_lines("connected to the console")) == 2, 20)
        windows(standin, 2, "PoolTimeout", BOUNCER)
        assert total(standin, "PoolTimeout", BOUNCER) == 10
        console.totals(10, 2, 0)
        counted(standin, 13)
        assert total(standin, "PoolTimeout") == 13
        assert set(console.queries) == {"SHOW CONFIG", "SHOW STATS", "SHOW POOLS", "SHOW DATABASES"}
        console.totals(11, 2, 0, mode="session")
        running.wait_for_log("in session pooling the console does not tell")
        assert running.terminate() == 0
