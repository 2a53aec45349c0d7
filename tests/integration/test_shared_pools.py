"""Pools that many agents know: read by the one that leads their database, counted once."""
import signal
import time

import pytest

from arrived import ORDERS, newest, total, windows
from console import Console
from pages import Page
from pgbouncer import PgBouncer
from postgres import Postgres
from wait import wait_until, watch

BOUNCER, API = {**ORDERS, "Pool": "bouncer"}, {**ORDERS, "Pool": "api"}
STARTED = 1000.0  # long ago
CONNECTED = "connected to the console"


@pytest.fixture
def own():
    """A server of the test's own."""
    with Postgres(max_connections=50) as running:
        yield running


def page_of(timeouts):
    return f"process_start_time_seconds {STARTED}\nhikaricp_connections_timeout_total {timeouts}\n"


def shared(console, page, **more):
    return {"cloudwatch": {"metrics": "standard"}, **more,
            "pool bouncer": {"type": "pgbouncer", "database": "orders", "url": console.url(), "scope": "shared"},
            "pool api": {"type": "prometheus", "database": "orders", "url": page.url, "scope": "shared"}}


def crowd(agent_for, server, standin, count, **sections):
    agents = [agent_for({"orders": server.url()}, standin, directory=f"agent-{number}", **sections).start()
              for number in range(count)]
    wait_until(lambda: sum("another agent publishes" in agent.log for agent in agents) == count - 1, 20)
    return agents


def reader_of(agents):
    """The one running agent that was connected to the console last."""
    [reader] = [agent for agent in agents if agent.is_running and agent.log_lines(CONNECTED)]
    return reader


def counted(standin, bouncer, api):
    def both():
        return total(standin, "PoolTimeout", BOUNCER) == bouncer and total(standin, "PoolTimeout", API) == api
    wait_until(both, 20, what=standin.report)
    seen = len(standin.series("PoolTimeout", BOUNCER))
    wait_until(lambda: len(standin.series("PoolTimeout", BOUNCER)) >= seen + 2, 15)
    assert both(), standin.report()
    assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == bouncer + api


@pytest.mark.parametrize("how", ["kill -9", "SIGSTOP"])
def test_five_agents_count_once_and_the_next_leader_goes_on(agent_for, own, standin, how):
    with Console() as console, Page() as page:
        page.text = page_of(40)
        agents = crowd(agent_for, own, standin, 5, **shared(console, page))
        windows(standin, 2, "PoolTimeout", BOUNCER)
        windows(standin, 2, "PoolTimeout", API)
        first = reader_of(agents)
        assert all(agent.log_lines("pool api: of many agents the one that leads database orders reads it") for agent in agents)
        assert console.sessions == 1
        console.totals(xacts=12, assignments=2, waiting=0)
        page.text = page_of(47)
        counted(standin, 10, 7)
        first.process.send_signal(signal.SIGKILL if how == "kill -9" else signal.SIGSTOP)
        console.totals(xacts=15, assignments=2, waiting=0)  # nobody is there to read these three
        page.text = page_of(50)
        others = [agent for agent in agents if agent is not first]
        wait_until(lambda: any(agent.log_lines(CONNECTED) for agent in others), 70)
        since = time.time()
        wait_until(lambda: [stamp for stamp, _ in standin.series("PoolTimeout", API) if stamp > since] and
                   [stamp for stamp, _ in standin.series("PoolTimeout", BOUNCER) if stamp > since], 20)
        reader_of(others)
        console.totals(xacts=20, assignments=2, waiting=0)
        page.text = page_of(53)
        counted(standin, 15, 10)
        if how == "SIGSTOP":
            first.process.send_signal(signal.SIGCONT)
            first.wait_for_log("another agent publishes", 15)
            wait_until(lambda: console.sessions == 1, 15)
            counted(standin, 15, 10)
            console.totals(xacts=22, assignments=2, waiting=0)
            counted(standin, 17, 10)


def test_without_an_election_each_reads(agent_for, own, standin):
    with Console() as console, Page() as page:
        for number in range(2):
            agent_for({"orders": own.url()}, standin, directory=f"agent-{number}",
                      **shared(console, page, agent={"leader_election": "off"})).start()
        wait_until(lambda: console.sessions == 2, 15)


def test_a_reload_makes_it_shared(agent_for, own, standin):
    def sections(scope):
        keys = {"type": "pgbouncer", "database": "orders", "url": console.url(), "scope": scope}
        return {"cloudwatch": {"metrics": "standard"}, "pool bouncer": keys}

    with Console() as console:
        agents = crowd(agent_for, own, standin, 2, **sections("host"))
        wait_until(lambda: console.sessions == 2, 15)
        for agent in agents:
            agent.configure({"orders": own.url()}, **sections("shared"))
            agent.reload()
        wait_until(lambda: console.sessions == 1, 15)
        for agent in agents:
            agent.configure({"orders": own.url()}, **sections("host"))
            agent.reload()
        wait_until(lambda: console.sessions == 2, 15)


def test_one_agent_alone_reads_while_the_database_is_down(agent_for, own, standin):
    with Console() as console, Page() as page:
        page.text = page_of(1)
        own.stop()
        agent = agent_for({"orders": own.url()}, standin, **shared(console, page)).start()
        agent.wait_for_log(CONNECTED, 15)
        windows(standin, 1, "PoolTimeout", API)
        own.start()
        agent.wait_for_log("database orders: connected", 20)
        page.text = page_of(4)
        counted(standin, 0, 3)
        assert len(agent.log_lines(CONNECTED)) == 1


def test_a_log_that_is_shared_is_counted_once_and_the_next_leader_goes_on(agent_for, own, standin):
    with PgBouncer(own) as bouncer:
        agents = crowd(agent_for, own, standin, 5, cloudwatch={"metrics": "standard"},
                       **{"pool bouncer": {"type": "pgbouncer", "database": "orders", "url": bouncer.url(),
                                           "log": bouncer.log, "scope": "shared"}})
        windows(standin, 1, "PoolTimeout", BOUNCER)
        assert bouncer.load(12, 5) == 10
        wait_until(lambda: total(standin, "PoolTimeout", BOUNCER) == 10, 20, what=standin.report)
        first = reader_of(agents)
        first.kill()
        wait_until(lambda: [agent for agent in agents if agent.is_running and agent.log_lines(CONNECTED)], 70)
        since = time.time()
        wait_until(lambda: [stamp for stamp, _ in standin.series("PoolTimeout", BOUNCER) if stamp > since], 20)
        assert total(standin, "PoolTimeout", BOUNCER) == 10
        assert bouncer.load(12, 5) == 10
        wait_until(lambda: total(standin, "PoolTimeout", BOUNCER) == 20, 20, what=standin.report)
        watch(5, lambda: None)
        assert total(standin, "PoolTimeout", BOUNCER) == 20
        assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == 20


def test_a_log_that_is_shared_is_gone_on_with_after_a_kill(agent_for, own, standin, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("")
    agent = agent_for({"orders": own.url()}, standin,
                      **{"pool api": {"type": "log", "database": "orders", "path": log, "match": "out of sessions",
                                      "scope": "shared"}}).start()
    windows(standin, 2, "PoolTimeout", API)
    with log.open("a") as file:
        print("out of sessions", file=file)
    wait_until(lambda: total(standin, "PoolTimeout", API) == 1, 20, what=standin.report)
    agent.kill()
    with log.open("a") as file:
        print("out of sessions\nout of sessions", file=file)
    agent.start()
    wait_until(lambda: total(standin, "PoolTimeout", API) == 3, 30, what=standin.report)


def test_a_log_is_read_where_it_is_and_the_console_by_the_leader(agent_for, own, standin):
    with PgBouncer(own) as bouncer:
        # An address that is this host's own, and does not look so.
        keys = {"type": "pgbouncer", "database": "orders", "url": bouncer.url(host="0.0.0.0")}
        sections = {"cloudwatch": {"metrics": "standard"}}
        leader = agent_for({"orders": own.url()}, standin, directory="leader", **sections,
                           **{"pool bouncer": {**keys, "log": bouncer.directory / "of-another-host.log"}}).start()
        leader.wait_for_log(CONNECTED, 15)
        holder = agent_for({"orders": own.url()}, standin, directory="holder", **sections,
                           **{"pool bouncer": {**keys, "log": bouncer.log}}).start()
        holder.wait_for_log("another agent publishes", 15)
        windows(standin, 1, "PoolTimeout", BOUNCER)
        told = bouncer.load(12, 5)
        wait_until(lambda: total(standin, "PoolTimeout", BOUNCER) == told == 10, 20, what=standin.report)
        watch(5, lambda: None)
        assert total(standin, "PoolTimeout", BOUNCER) == 10
        assert newest(standin, "PoolSize", BOUNCER)["max"] == 2
        assert not holder.log_lines(CONNECTED)
        assert len(leader.log_lines("its PoolTimeout is not published until the file can be read")) == 1
