"""--watch in a real terminal (tmux), and where there is none."""
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import threading

import pytest

from pgbouncer import PgBouncer
from postgres import Postgres
from terminal import Terminal
from wait import wait_until, watch

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
RESTORED = ["0", "1"]  # no other screen, a cursor


def watching(agent_for, databases, **sections):
    """The command line, with a configuration of its own."""
    agent = agent_for(databases, **sections)
    return shlex.join([str(agent.binary), "-c", str(agent.config), "--watch"])


def pid_of_watch(terminal_command):
    """The process of that command line, not its shell."""
    config = shlex.split(terminal_command)[2]
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = line.read_bytes().split(b"\0")
            if words[0].endswith(b"poolwarden") and config.encode() in words:
                return int(line.parent.name)
    return None


@contextlib.contextmanager
def watched(agent_for, databases, columns=80, rows=24, wait_for=r"\d+/47"):
    command = watching(agent_for, databases)
    with Terminal(columns, rows) as terminal:
        terminal.settled = terminal.settings()
        terminal.type(f"{command}; echo ended with $?")
        wait_until(lambda: re.search(wait_for, terminal.screen()), what=terminal.screen)
        terminal.pid = pid_of_watch(command)
        yield terminal


@contextlib.contextmanager
def load(server):
    """42 of 47: 36 web, 3 jobs, one in a transaction, one that works, one that watches."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(36, application_name="web"))
        stack.enter_context(server.sessions(3, application_name="jobs", database="template1"))
        stack.enter_context(server.idle_in_transaction(application_name="worker"))
        stack.enter_context(server.active())
        yield


def test_at_80_by_24(agent_for, server):
    with load(server), watched(agent_for, {"orders": server.url()}, wait_for=r"42/47") as terminal:
        lines = terminal.screen().split("\n")
        assert re.fullmatch(r"poolwarden  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  1 database, q quits", lines[0])
        assert lines[1] == f"orders  poolwarden@127.0.0.1:{server.port}/postgres  up"
        assert lines[2] == "  42/47  89 %   [" + "█" * 41 + "│" + "█" * 4 + "░" * 6 + "] 5 left"
        assert re.fullmatch(r"  last 5 min +█+ max 42", lines[3])
        assert lines[4] == "  active 1  idle 39  idle in transaction 1  waiting for a lock 0"
        assert re.fullmatch(r"  long 0  leaked 0  stale 0  oldest transaction \d+ s", lines[5])
        assert lines[6] == "  applications                            databases"
        assert lines[7] == "  web                       36  77 %      postgres                  39  83 %"
        assert lines[8] == "  jobs                       3   6 %      template1                  3   6 %"
        assert max(map(len, lines)) <= 80


def without_what_differs(picture):
    """Clock, port and ages; how the last minutes went; blank lines at the end."""
    for pattern, same in ((r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "NOW"), (r"127\.0\.0\.1:\d+", "SERVER"),
                          (r"transaction \d+ (s|min)", "transaction AGE"), (r"min [ ▁-█]+ max", "min ... max")):
        picture, count = re.subn(pattern, same, picture)
        assert count == 1, pattern
    return picture.rstrip("\n")


def test_the_picture_of_the_readme_is_what_it_looks_like(agent_for, server):
    [picture] = re.findall(r"```text\n(poolwarden  \d.*?)```", README, re.DOTALL)
    assert {len(line) for line in picture.splitlines() if "max 42" in line} == {76}
    keys = {"url": server.url(), "long_query": "1s"}
    with load(server), watched(agent_for, {"orders": keys}, wait_for=r"42/47(.|\n)*long 1 ") as terminal:
        assert without_what_differs(terminal.screen()) == without_what_differs(picture)


def test_at_200_by_50(agent_for, server):
    databases = {"orders": server.url(), "billing": server.url("plain")}
    with load(server), watched(agent_for, databases, 200, 50, wait_for=r"43/47(.|\n)*43/47") as terminal:
        lines = terminal.screen().split("\n")
        bars = [line for line in lines if "[" in line]
        assert [bar.index("│") for bar in bars] == [bars[0].index("[") + 1 + 172 * 80 // 100] * 2
        assert {len(bar.split("]")[0]) for bar in bars} == {189}
        assert any(line.startswith("  states can not be seen: GRANT pg_monitor") for line in lines)
        assert sum("  applications" in line for line in lines) == 2


def test_a_change_is_seen_within_seconds(agent_for, server):
    with watched(agent_for, {"orders": server.url()}, wait_for=r" 1/47") as terminal:
        with server.sessions(10):
            wait_until(lambda: "11/47" in terminal.screen(), 4, what=terminal.screen)
        wait_until(lambda: " 1/47" in terminal.screen(), 4, what=terminal.screen)
        assert "max 11" in terminal.screen()


def test_it_follows_the_size(agent_for, server):
    with watched(agent_for, {"orders": server.url()}) as terminal:
        for columns, rows in (200, 50), (40, 10), (20, 3), (80, 24):
            terminal.resize(columns, rows)

            def fits():
                lines = terminal.screen().rstrip("\n").split("\n")
                bar = next((line for line in lines if "/47" in line), "")
                return lines[0].startswith("poolwarden") and len(lines) <= rows and \
                    (len(bar.split("]")[0]) == columns - 11 or columns < 40)
            wait_until(fits, 3, what=terminal.screen)


def test_a_database_goes_away_and_comes_back(agent_for):
    with Postgres(max_connections=50) as lost, Postgres(max_connections=50) as kept, \
            watched(agent_for, {"lost": lost.url(), "kept": kept.url()}, wait_for=r"1/47(.|\n)*1/47") as terminal:
        lost.stop()
        wait_until(lambda: re.search(r"lost  DOWN for \d+ s: .*refused", terminal.screen()), what=terminal.screen)
        wait_until(lambda: re.search(r"lost  DOWN for [3-9] s", terminal.screen()), what=terminal.screen)
        assert re.search(r"kept .* up\n  1/47 ", terminal.screen())
        lost.start()
        wait_until(lambda: re.search(r"lost .* up\n  1/47 ", terminal.screen()), what=terminal.screen)


def test_every_slot_taken(agent_for, server):
    with server.all_slots_taken(), watched(agent_for, {"orders": server.url()}, wait_for="FULL for") as terminal:
        assert "slots are reserved" in terminal.screen()
    with watched(agent_for, {"orders": server.url()}) as terminal:
        with server.all_slots_taken():
            wait_until(lambda: re.search(r"47/47  100 % .* 0 left", terminal.screen()), what=terminal.screen)


def ended(terminal, status):
    wait_until(lambda: f"ended with {status}\n" in terminal.screen(), what=terminal.screen)
    assert terminal.mode() == RESTORED
    wait_until(lambda: terminal.settings() == terminal.settled, what="other settings than before")
    terminal.type("echo still $((40 + 2)) there")
    wait_until(lambda: "still 42 there" in terminal.screen(), what=terminal.screen)


@pytest.mark.parametrize("key", ["q", "C-c", "C-\\"])
def test_a_key_ends_it_and_the_terminal_is_as_it_was(agent_for, server, key):
    with watched(agent_for, {"orders": server.url()}) as terminal:
        assert terminal.mode() == ["1", "0"]
        terminal.key(key)
        ended(terminal, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(agent_for, server, number):
    with watched(agent_for, {"orders": server.url()}) as terminal:
        os.kill(terminal.pid, number)
        ended(terminal, 0)


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS])
def test_a_crash_leaves_the_terminal_as_it_was(agent_for, server, number):
    with watched(agent_for, {"orders": server.url()}) as terminal:
        os.kill(terminal.pid, number)
        wait_until(lambda: "ended with" in terminal.screen(), what=terminal.screen)
        assert "ended with 0" not in terminal.screen()
        assert terminal.mode() == RESTORED
        wait_until(lambda: terminal.settings() == terminal.settled)


def test_it_pauses_and_goes_on(agent_for, server):
    with watched(agent_for, {"orders": server.url()}) as terminal:
        terminal.key("C-z")
        wait_until(lambda: "Stopped" in terminal.screen(), what=terminal.screen)
        assert terminal.mode() == RESTORED
        terminal.type("fg")
        wait_until(lambda: re.search(r"up\n  1/47 ", terminal.screen()), what=terminal.screen)
        assert terminal.mode() == ["1", "0"]
        terminal.key("q")
        wait_until(lambda: terminal.mode() == RESTORED)


def test_pools_with_waiting_and_timeouts(agent_for, server):
    with PgBouncer(server, query_wait_timeout=3) as bouncer:
        keys = {"type": "pgbouncer", "database": "orders", "url": bouncer.url(), "log": bouncer.log}
        command = watching(agent_for, {"orders": server.url()}, **{"pool bouncer": keys})
        with Terminal(80, 24) as terminal:
            terminal.type(command)
            wait_until(lambda: "  pool bouncer " in terminal.screen(), what=terminal.screen)
            loading = threading.Thread(target=bouncer.load, args=(6, 5))
            loading.start()
            try:
                wait_until(lambda: re.search(r"pool bouncer +waiting 4  longest [0-3]\.\d s  busy 2/2  timeouts/min 0",
                                             terminal.screen()), what=terminal.screen)
                wait_until(lambda: re.search(r"pool bouncer .* timeouts/min 4", terminal.screen()), what=terminal.screen)
            finally:
                loading.join()
            terminal.key("q")


def test_lines_where_there_is_no_terminal(agent_for, server):
    with load(server):
        agent = agent_for({"orders": server.url()}).start("--watch")
        wait_until(lambda: agent.output.count(" 42/47 (89 %)") >= 3, what=lambda: agent.output)
        assert agent.terminate() == 0
    line = next(line for line in agent.output.splitlines() if " 42/47" in line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ orders 42/47 \(89 %\), active 1, idle 39, idle in transaction 1, "
                        r"waiting for a lock 0, long 0, leaked 0, stale 0, oldest transaction \d+ s; web 36, jobs 3, "
                        r"\(none\) 1", line)
    assert "\x1b" not in agent.output
    seconds = [line[:20] for line in agent.output.splitlines()]
    assert len(set(seconds)) == len(seconds)


def test_objects_for_programs(agent_for, server):
    agent = agent_for({"orders": server.url()}).start("--watch", "--format", "json")
    wait_until(lambda: agent.output.count('"connections":1,') >= 2, what=lambda: agent.output)
    assert agent.terminate() == 0
    [database] = json.loads(agent.output.splitlines()[-1])["databases"]
    assert (database["name"], database["up"], database["connections"], database["usable"]) == ("orders", True, 1, 47)
    assert database["applications"] == {"poolwarden": 1}
    assert database["metrics"]["ConnectionsActive"] == 0


def test_a_reader_that_leaves_ends_it(agent_for, server):
    agent = agent_for({"orders": server.url()})
    process = subprocess.Popen([agent.binary, "-c", agent.config, "--watch"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=agent.environment)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 0


def test_it_takes_one_connection(agent_for, server):
    agent = agent_for({"orders": server.url()}).start("--watch")
    wait_until(server.agent_pid)
    pids = set()
    watch(2.5, lambda: pids.update(server.execute(
        "select pid from pg_stat_activity where application_name = 'poolwarden'")))
    assert agent.terminate() == 0
    assert len(pids) == 1
