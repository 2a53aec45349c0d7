"""--health, STATUS= and the watchdog of the running agent: it is its own work that is judged."""
import contextlib
import json
import re
import signal
import socket
import time

from arrived import windows
from wait import wait_until


def says(agent, status=0):
    done = agent.run("--health")
    assert done.returncode == status, done.stdout + done.stderr
    [line] = done.stdout.splitlines()
    return line


def test_a_healthy_agent_says_so_in_one_line(agent, standin):
    running = agent()
    windows(standin, 2)
    wait_until(lambda: re.fullmatch(r"healthy: 1 of 1 databases sampled, last sample [0-3] s ago, "
                                    r"last publish acknowledged [0-5] s ago, 0 datums wait \(0 KB\)", says(running)), 5,
               what=lambda: says(running))
    document = json.loads(running.run("--health", "--format", "json").stdout)
    assert document["healthy"] is True and document["last_sample_age_s"] < 5 and document["datums_waiting"] == 0
    assert running.terminate() == 0
    assert "no agent runs" in says(running, 1)


def test_a_database_and_a_cloudwatch_that_are_down_are_told_and_no_fault(agent_for, server, standin):
    standin.stop()
    agent = agent_for({"orders": server.url(), "gone": "postgresql://x@127.0.0.1:1/x"}, standin).start()
    agent.wait_for_log("cannot publish")
    wait_until(lambda: re.search("healthy: 1 of 2 databases sampled, CloudWatch takes nothing: .*[1-9][0-9]* datums wait",
                                 says(agent)), 15, what=lambda: says(agent))
    assert "last publish acknowledged not yet" in says(agent)


def test_an_agent_that_hangs_is_not_healthy(agent, standin):
    running = agent()
    windows(standin, 1)
    running.process.send_signal(signal.SIGSTOP)
    try:
        def told():
            done = running.run("--health")
            return done.returncode == 1 and done.stdout
        line = wait_until(told, 45)
        assert re.match("not healthy: the agent has not moved for 3[0-9] s;", line), line
    finally:
        running.process.send_signal(signal.SIGCONT)
    wait_until(lambda: running.run("--health").returncode == 0, 10)


def test_systemd_is_told_in_words_and_that_we_live(agent_for, server, standin, tmp_path):
    path = tmp_path / "notify"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(path))
        listening.settimeout(0.1)
        agent = agent_for({"orders": server.url()}, standin,
                          environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "4000000"}).start()
        heard = []

        def hear():
            with contextlib.suppress(TimeoutError):
                heard.append((time.monotonic(), listening.recv(1000).decode()))
            return heard
        wait_until(lambda: any("READY=1" in text for _, text in hear()))
        wait_until(lambda: any("STATUS=1 of 1 databases sampled" in text for _, text in hear()))
        with server.frozen():
            known = len(heard)
            wait_until(lambda: any("STATUS=0 of 1 databases sampled" in text for _, text in hear()[known:]), 20,
                       what=lambda: heard)
        wait_until(lambda: hear()[-1][1] == "STATUS=1 of 1 databases sampled", 20, what=lambda: heard)
        assert agent.terminate() == 0
        wait_until(lambda: "STOPPING=1" in hear()[-1][1])
        alive = [at for at, text in heard if text == "WATCHDOG=1"]
        assert len(alive) >= 3
        assert all(after - before < 4 for before, after in zip(alive, alive[1:])), "also while the server was frozen"
