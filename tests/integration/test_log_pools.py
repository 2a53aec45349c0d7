"""PoolTimeout out of logs: each line counted once, over rotation, a killed agent and a command that ends."""
import os
import shutil

import pytest

from arrived import ORDERS, holds, total, windows
from wait import wait_until, watch

WEB = {**ORDERS, "Pool": "web"}
TIMEOUT = "prisma:error timeout exceeded when trying to connect\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "app.log"
    path.write_text("from before\n" + TIMEOUT)
    return path


def write(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def pool(**keys):
    return {"pool web": {"type": "log", "database": "orders", "match": "prisma", **keys}}


def counted(standin, value, name="PoolTimeout"):
    wait_until(lambda: total(standin, name, WEB) == value, 20,
               what=lambda: f"{name} {total(standin, name, WEB)}, not {value}\n{standin.report()}")


def test_lines_are_counted_and_no_lines_are_zero(agent, standin, log):
    agent(cloudwatch={"metrics": "standard"}, **pool(path=log))
    windows(standin, 1, "PoolTimeout", WEB)
    write(log, TIMEOUT * 18 + "Error: timeout exceeded when trying to connect\n" * 18
          + "prisma:error Can't reach database server at 127.0.0.1:5432\n")
    counted(standin, 18)
    counted(standin, 1, "ConnectionErrors")
    assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == 18
    holds(standin, "PoolTimeout", 0, WEB)


def test_rotation_and_a_killed_agent_count_each_line_once(agent_for, server, standin, log):
    rotated = log.with_suffix(".log.1")
    agent = agent_for({"orders": server.url()}, standin, **pool(path=log)).start()
    windows(standin, 1, "PoolTimeout", WEB)
    write(log, TIMEOUT * 3)
    os.rename(log, rotated)
    write(log, TIMEOUT * 2)
    write(rotated, TIMEOUT)
    counted(standin, 6)

    write(log, TIMEOUT * 4)
    shutil.copy(log, rotated)
    os.truncate(log, 0)
    write(log, TIMEOUT * 5)
    counted(standin, 15)

    windows(standin, 1, "PoolTimeout", WEB)
    agent.kill()
    write(log, TIMEOUT * 7)
    os.rename(log, rotated)
    write(log, TIMEOUT * 8 + "prisma:error timeout exc")
    agent.start()
    counted(standin, 30)
    write(log, "eeded when trying to connect\n")
    counted(standin, 31)
    windows(standin, 2, "PoolTimeout", WEB)
    assert total(standin, "PoolTimeout", WEB) == 31

    assert agent.terminate() == 0
    write(log, TIMEOUT)
    agent.start()
    counted(standin, 32)


def test_lines_of_a_window_that_was_never_sent_are_read_again(agent_for, server, standin, log):
    sections = {"agent": {"publish_interval": "60s"}, **pool(path=log)}
    agent = agent_for({"orders": server.url()}, standin, **sections).start()
    agent.wait_for_log("connected")
    wait_until((agent.directory / "log-web.json").exists)
    write(log, TIMEOUT * 3)
    watch(2.5, lambda: None)  # read, and in the open window
    agent.kill()
    agent.configure({"orders": server.url()}, **pool(path=log))
    agent.start()
    counted(standin, 3)


def test_no_file_is_no_number_and_is_said_once(agent, standin, tmp_path):
    path = tmp_path / "later.log"
    running = agent(**pool(path=path))
    running.wait_for_log("pool web: .*later.log: No such file")
    windows(standin, 2)
    assert standin.series("PoolTimeout", WEB) == []
    write(path, TIMEOUT)
    counted(standin, 1)
    assert len(running.log_lines("No such file")) == 1


def test_a_command_is_read_started_again_and_ended_with_the_agent(agent, standin, tmp_path):
    script, runs = tmp_path / "tell", tmp_path / "runs"
    script.write_text(f"#!/bin/sh\necho \"$$ $1 ${{DATABASE_URL-none}} ${{AWS_SECRET_ACCESS_KEY-none}}\" >>{runs}\n"
                      "echo 'prisma:error timeout exceeded when trying to connect'\n"
                      "[ $(wc -l <" + str(runs) + ") -gt 1 ] || exit 3\nexec cat /dev/zero | tail -c 1\n")
    script.chmod(0o755)
    running = agent(**pool(command=f"{script} 'one word'"))
    counted(standin, 2)
    running.wait_for_log("command ended with status 3; started again in 1 s")
    lines = runs.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["one word none none"] * 2
    group = int(lines[1].split()[0])
    assert os.getpgid(group) == group
    assert running.terminate() == 0
    wait_until(lambda: not group_lives(group))


def group_lives(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


def test_a_command_that_does_not_want_to_end_is_killed(agent, standin, tmp_path):
    script, told = tmp_path / "tell", tmp_path / "pid"
    script.write_text(f"#!/bin/sh\ntrap '' TERM\necho $$ >{told}\necho 'prisma:error timeout exceeded when trying to connect'\n"
                      "while :; do sleep 1; done\n")
    script.chmod(0o755)
    running = agent(**pool(command=script))
    counted(standin, 1)
    assert running.terminate(deadline_s=5) == 0
    wait_until(lambda: not group_lives(int(told.read_text())))


def test_a_program_that_is_not_there_is_tried_again(agent, standin):
    running = agent(**pool(command="/nowhere/tool"))
    running.wait_for_log("/nowhere/tool is not started: no such file or directory; again in 2 s", 15)
    assert standin.series("PoolTimeout", WEB) == []
    assert running.terminate() == 0


def test_a_reload_ends_begins_and_keeps(agent_for, server, standin, log, tmp_path):
    other = tmp_path / "other.log"
    agent = agent_for({"orders": server.url()}, standin, **pool(path=log)).start()
    windows(standin, 1, "PoolTimeout", WEB)
    write(log, TIMEOUT)
    counted(standin, 1)
    extra = {"pool extra": {"type": "log", "database": "orders", "path": other, "match": "timed? out"}}
    agent.configure({"orders": server.url()}, **pool(path=log), **extra)
    agent.reload()
    agent.wait_for_log("configuration reloaded")
    agent.wait_for_log("pool extra: .*other.log: No such file")
    write(log, TIMEOUT)
    write(other, "time out\n")
    counted(standin, 2)
    wait_until(lambda: total(standin, "PoolTimeout", {**ORDERS, "Pool": "extra"}) == 1, 10, what=standin.report)
    agent.configure({"orders": server.url()}, **extra)
    agent.reload()
    wait_until(lambda: len(agent.log_lines("configuration reloaded")) == 2)
    write(log, TIMEOUT)
    windows(standin, 2)
    assert total(standin, "PoolTimeout", WEB) == 2
    assert agent.terminate() == 0
