"""Mistakes of people: one sentence each, the right exit status, no password in it."""
import os
import subprocess
import tempfile

import pytest

from ports import free_port
from postgres import PASSWORD, Postgres
from wait import watch

HOST = "postgresql://u:secret@127.0.0.1:5432/x"


def written(*lines):
    return "\n".join(lines) + "\n"


REFUSED = {
    "unknown key": (written("[database orders]", f"url = {HOST}", "leek = 3m"),
                    ":3: [database orders] leek: unknown key; did you mean leak?"),
    "unknown key like none": (written("[agent]", "frobnicate = 3m", "[database orders]", f"url = {HOST}"),
                              ":2: [agent] frobnicate: unknown key; accepted: sample_interval, "),
    "unknown section": (written("[database orders]", f"url = {HOST}", "[cloud]"), ":3: unknown section [cloud]"),
    "Amazon's namespace": (written("[cloudwatch]", "namespace = AWS/RDS", "[database orders]", f"url = {HOST}"),
                           ':2: [cloudwatch] namespace: "AWS/RDS" starts with AWS/'),
    "out of range": (written("[agent]", "sample_interval = 61s", "[database orders]", f"url = {HOST}"),
                     ':2: [agent] sample_interval: "61s" is out of range; accepted: 1s to 60s'),
    "missing variable": (written("[database orders]", "url = ${NOT_THERE}"), "NOT_THERE"),
    "another scheme": (written("[database orders]", "url = mysql://u:secret@h/x"),
                       "begins with postgresql:// or postgres://"),
    "no database": ("", "no database is named"),
}


@pytest.mark.parametrize("text, sentence", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("mode", [[], ["--once"], ["--check-config"], ["--setup-alarms"]], ids=" ".join)
def test_a_configuration_is_refused_in_one_sentence(agent_for, text, sentence, mode):
    done = agent_for(text=text).run(*mode)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert sentence in line and "secret" not in line


def test_all_mistakes_are_told_not_only_the_first(agent_for):
    text = written("[agent]", "sample_interval = 61s", "[database orders]", f"url = {HOST}", "leek = 1m", "leak = x")
    lines = agent_for(text=text).run("--check-config").stderr.splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "5", "6"]


def test_a_file_that_is_not_there_and_one_that_can_not_be_read(agent_for):
    agent = agent_for(text=written("[database orders]", f"url = {HOST}"))
    agent.config.rename(agent.directory / "elsewhere")
    done = agent.run("--once")
    assert (done.returncode, done.stderr) == (2, f"configuration: {agent.config}: no such file\n")
    agent.config.mkdir()  # unreadable for root, too
    done = agent.run("--once")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and str(agent.config) in done.stderr


def test_a_file_without_permission(binary):
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}  # root may read all
    with tempfile.NamedTemporaryFile(dir="/tmp") as config:
        os.chmod(config.name, 0)
        done = subprocess.run([binary, "-c", config.name, "--once"], capture_output=True, text=True, env={}, **nobody)
    assert (done.returncode, done.stderr) == (2, f"configuration: {config.name}: Permission denied\n")


def once(agent_for, url, **keys):
    return agent_for({"orders": {"url": url, **keys}}).run("--once")


def test_a_wrong_password(agent_for, server):
    done = once(agent_for, server.url(password="wr0ng"))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("password authentication failed") == 1
    assert 'user "poolwarden"' in done.stdout and f"127.0.0.1:{server.port}" in done.stdout
    assert "wr0ng" not in done.stdout


def test_an_unknown_host(agent_for):
    done = once(agent_for, f"postgresql://u:{PASSWORD}@no.such.host.invalid/x")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("no.such.host.invalid can not be resolved") == 1
    assert PASSWORD not in done.stdout


def test_a_port_that_nobody_listens_on(agent_for):
    port = free_port()
    done = once(agent_for, f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/x")
    assert done.returncode == 1
    assert f"Connection refused (127.0.0.1:{port}): nobody listens there" in done.stdout


def test_a_server_that_does_not_answer(agent_for):
    with Postgres(max_connections=50) as server, server.frozen():
        done = once(agent_for, server.url(parameters="?connect_timeout=2"))
    assert done.returncode == 1
    assert f"no answer in 2 s (127.0.0.1:{server.port}): check that its security group lets this host in" in done.stdout


def test_a_password_file_that_is_not_there(agent_for, server):
    done = once(agent_for, f"postgresql://u@127.0.0.1:{server.port}/x", password_file="/nonexistent/secret")
    assert (done.returncode, done.stdout.count("/nonexistent/secret")) == (1, 1)


def test_a_running_agent_says_a_wrong_password_once(agent_for, server, standin):
    agent = agent_for({"orders": server.url(password="wr0ng")}, standin).start()
    agent.wait_for_log("password authentication failed")
    watch(5, lambda: None)
    assert agent.terminate() == 0
    assert len(agent.log_lines("authentication failed")) == 1, agent.log
    assert "wr0ng" not in agent.log


def test_no_credentials_and_no_region(agent_for, server):
    agent = agent_for({"orders": server.url()}, environment={"AWS_REGION": "eu-west-1"})
    done = agent.run("--setup-alarms")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.count("no AWS credentials") == 1
    for place in ("AWS_ACCESS_KEY_ID", "container", "IMDS"):
        assert place in line
    del agent.environment["AWS_REGION"]
    done = agent.run("--setup-alarms")
    [line] = done.stderr.splitlines()
    assert (done.returncode, "no AWS region" in line) == (2, True)


def test_an_option_that_is_none(agent_for):
    done = agent_for(text="").run("--bogus")
    assert (done.returncode, done.stderr) == (2, "poolwarden: unknown option --bogus; --help lists them\n")
