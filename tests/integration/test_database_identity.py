"""How the agent logs in to a database: IAM tokens, secrets, files; all of them rotate; none of them shows."""
import json
import os
import subprocess
from urllib.parse import quote

import pytest

from agent import wrong_clock
from arrived import assert_complete, holds, windows
from certificates import make_certificates
from identities import key_printer
from postgres import PASSWORD
from wait import wait_until, watch

OFF = {"provision": "off"}


def iam(rds, host=None, parameters="sslmode=verify-full", user="poolwarden", ca=None, **keys):
    """The keys of a database that is reached through a tunnel: its own name in the URL, hostaddr beside it."""
    url = (f"postgresql://{user}@{host or rds.host}:{rds.port}/postgres?hostaddr=127.0.0.1"
           f"&sslrootcert={ca or rds.ca}&{parameters}")
    return {"url": url, "auth": "iam", **keys}


def lose_session(server):
    """Ends the agent's session and waits for the next."""
    pid = wait_until(server.agent_pid)
    server.execute("select pg_terminate_backend(%s)", pid)
    wait_until(lambda: server.agent_pid() not in (None, pid), 20, what="no new session")


# ---- IAM ----


def test_a_token_is_the_password(agent_for, rds, standin, trusting):
    agent = agent_for({"orders": iam(rds)}, standin, alarms=OFF).start("--log-level", "debug")
    holds(standin, "DatabaseUp", 1)
    assert_complete(windows(standin, 2))
    [attempt] = rds.attempts
    assert (attempt.user, attempt.encrypted, attempt.refused) == ("poolwarden", True, None)
    assert trusting.agent_pid()
    signature = attempt.token.split("X-Amz-Signature=")[1]
    with open(f"/proc/{agent.process.pid}/cmdline", encoding="utf-8") as cmdline:
        assert signature not in cmdline.read()
    assert agent.terminate() == 0
    assert signature not in agent.log and standin.secret_key not in agent.log


def test_once_and_the_alarms_log_in_by_it_too(agent_for, rds, standin):
    agent = agent_for({"orders": iam(rds)}, standin)
    done = agent.run("--once")
    assert (done.returncode, "DatabaseConnections" in done.stdout) == (0, True), done.stdout + done.stderr
    done = agent.run("--setup-alarms")
    assert done.returncode == 0, done.stderr
    assert standin.alarms["rds-high-connections-orders"]["Threshold"] == pytest.approx(0.8 * 47)


def test_each_connection_has_a_token_of_its_own_and_of_the_keys_of_the_moment(agent_for, rds, standin, trusting):
    environment = {**standin.endpoints(), "AWS_REGION": "eu-west-1", **standin.identity.container_environment()}
    agent_for({"orders": iam(rds)}, environment=environment, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    first = standin.identity.current
    lose_session(trusting)
    assert f"X-Amz-Credential={first.access_key}%2F" in rds.attempts[-1].token
    assert f"X-Amz-Security-Token={quote(first.session_token, safe='')}" in rds.attempts[-1].token
    second = standin.identity.issue()
    del standin.keys[first.access_key]  # CloudWatch says so, and the next token is of the new ones
    wait_until(lambda: second.access_key in standin.requests[-1].headers["authorization"], 20)
    lose_session(trusting)
    assert f"X-Amz-Credential={second.access_key}%2F" in rds.attempts[-1].token
    assert len({attempt.token for attempt in rds.attempts}) == len(rds.attempts)
    assert [attempt.refused for attempt in rds.attempts] == [None] * 3


def test_a_role_s_keys_sign_it(agent_for, rds, standin):
    role = standin.sts.allow("connector", source=standin.access_key)
    agent_for({"orders": iam(rds)}, standin, alarms=OFF, cloudwatch={"role_arn": role}).start()
    holds(standin, "DatabaseUp", 1)
    key = rds.attempts[0].token.split("X-Amz-Credential=")[1].split("%2F")[0]
    assert standin.keys[key].role == "connector"


def test_the_region_is_the_instance_s_not_the_agent_s(agent_for, rds, standin):
    agent_for({"orders": iam(rds)}, standin, alarms=OFF, environment={"AWS_REGION": "us-east-1"}).start()
    holds(standin, "DatabaseUp", 1)
    assert {datum.region for datum in standin.metrics()} == {"us-east-1"}
    assert "%2Feu-west-1%2Frds-db%2F" in rds.attempts[0].token


def test_behind_another_name_the_region_is_configured(agent_for, rds, standin):
    rds.host = "orders.example.com"
    agent_for({"orders": iam(rds, region="eu-west-1")}, standin, alarms=OFF,
              environment={"AWS_REGION": "us-east-1"}).start()
    holds(standin, "DatabaseUp", 1)


@pytest.mark.parametrize("mode", ["", "sslmode=disable", "sslmode=prefer", "sslmode=require", "sslmode=verify-ca"])
def test_without_verified_tls_it_is_refused(agent_for, rds, standin, mode):
    done = agent_for({"orders": iam(rds, parameters=mode)}, standin).run("--once")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "auth" in line and "sslmode=verify-full" in line and "sslrootcert" in line
    assert rds.attempts == []


def test_a_token_goes_to_nobody_who_is_not_the_instance(agent_for, rds, standin, tmp_path):
    (tmp_path / "others").mkdir()
    other_ca, _, _ = make_certificates(tmp_path / "others")
    databases = {"unknown-ca": iam(rds, ca=other_ca), "another-name": iam(rds, host="orders.example.org")}
    agent = agent_for(databases, standin, alarms=OFF)
    done = agent.run("--once")
    assert done.returncode == 1
    assert done.stdout.count("certificate") >= 2, done.stdout
    assert [attempt for attempt in rds.attempts if attempt.token] == []


def test_what_is_refused_says_what_to_do_and_is_tried_again(agent_for, rds, standin):
    rds.users = []
    agent = agent_for({"orders": iam(rds)}, standin, alarms=OFF).start()
    agent.wait_for_log('PAM authentication failed for user "poolwarden"')
    [line] = agent.log_lines("PAM authentication failed")
    assert "rds_iam" in line and "rds-db:connect" in line
    holds(standin, "DatabaseUp", 0)
    rds.users = ["poolwarden"]
    holds(standin, "DatabaseUp", 1, deadline_s=90)
    assert len(agent.log_lines("PAM authentication failed")) == 1
    assert not any(attempt.token and attempt.token.split("Signature=")[1] in agent.log for attempt in rds.attempts)


def test_without_keys_it_says_so(agent_for, rds):
    done = agent_for({"orders": iam(rds)}, environment={"AWS_REGION": "eu-west-1"}).run("--once")
    assert done.returncode == 1
    assert "no AWS credentials" in done.stdout + done.stderr
    assert [attempt for attempt in rds.attempts if attempt.token] == []


@pytest.mark.parametrize("shift", ["+20m", "-20m"])
def test_a_token_by_a_clock_that_is_twenty_minutes_wrong(agent_for, rds, standin, shift):
    agent_for({"orders": iam(rds)}, standin, alarms=OFF, environment=wrong_clock(shift)).start()
    wait_until(lambda: rds.admitted, 40, what=lambda: str(rds.attempts))
    assert [attempt.refused is None for attempt in rds.attempts][-1]
    assert_complete(windows(standin, 2))


def test_an_odd_user(agent_for, rds, standin, trusting):
    trusting.execute('create role "svc user+\u00e9@corp" login; grant pg_monitor to "svc user+\u00e9@corp"')
    agent_for({"orders": iam(rds, user=quote("svc user+\u00e9@corp"))}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    assert rds.attempts[0].user == "svc user+\u00e9@corp"


# ---- Secrets Manager ----


def secret(server, arn, user="poolwarden", **keys):
    return {"url": f"postgresql://{user}@127.0.0.1:{server.port}/postgres", "password_secret": arn, **keys}


RDS_FORM = {"username": "poolwarden", "password": PASSWORD, "engine": "postgres", "host": "somewhere.else",
            "port": 5432, "dbname": "another", "dbInstanceIdentifier": "orders"}
FORMS = {
    "plain": (PASSWORD, "poolwarden"),
    "plain with a newline": (PASSWORD + "\n", "poolwarden"),
    "as RDS writes it": (RDS_FORM, "poolwarden"),
    "as RDS writes it, its user counts": (RDS_FORM, "nobody"),
}


@pytest.mark.parametrize("value, user", FORMS.values(), ids=FORMS.keys())
def test_a_secret_is_the_password(agent_for, server, standin, value, user):
    arn = standin.secrets.put("orders", value)
    agent = agent_for({"orders": secret(server, arn, user)}, standin, alarms=OFF).start("--log-level", "debug")
    holds(standin, "DatabaseUp", 1)
    [request] = standin.secrets.requests
    assert (request.verified, request.accepted, request.body) == (True, True, {"SecretId": arn})
    assert request.headers["host"] == standin.secrets_url.removeprefix("http://")
    assert agent.terminate() == 0
    assert PASSWORD not in agent.log


def test_once_uses_it_too(agent_for, server, standin):
    arn = standin.secrets.put("orders", PASSWORD)
    done = agent_for({"orders": secret(server, arn)}, standin).run("--once")
    assert (done.returncode, "DatabaseConnections" in done.stdout) == (0, True), done.stdout + done.stderr
    assert PASSWORD not in done.stdout


def test_a_secret_may_be_named(agent_for, server, standin):
    standin.secrets.put("prod/orders", PASSWORD)
    agent_for({"orders": secret(server, "prod/orders")}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)


def test_a_secret_is_asked_for_in_its_own_region(agent_for, server, standin):
    arn = standin.secrets.put("orders", PASSWORD, region="us-east-1")
    agent_for({"orders": secret(server, arn)}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    assert "/us-east-1/secretsmanager/aws4_request" in standin.secrets.requests[0].headers["authorization"]


def test_a_secret_that_rotates_needs_no_restart(agent_for, server, standin):
    server.execute("create role rotating login password 'the first'; grant pg_monitor to rotating")
    arn = standin.secrets.put("orders", "the first")
    agent = agent_for({"orders": secret(server, arn, "rotating")}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    lose_session(server)
    assert len(standin.secrets.requests) == 1, "fetched once while it is good"
    server.execute("alter role rotating password 'the second'")
    standin.secrets.put("orders", "the second")
    lose_session(server)
    holds(standin, "DatabaseUp", 1)
    assert len(standin.secrets.requests) == 2
    assert agent.terminate() == 0
    assert "the first" not in agent.log and "the second" not in agent.log


def test_a_secret_that_rotates_later_than_the_server_is_waited_for(agent_for, server, standin):
    server.execute("create role lagging login password 'the first'; grant pg_monitor to lagging")
    arn = standin.secrets.put("orders", "the first")
    agent = agent_for({"orders": secret(server, arn, "lagging")}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    server.execute("alter role lagging password 'the second'")
    server.execute("select pg_terminate_backend(%s)", server.agent_pid())
    agent.wait_for_log("password authentication failed")
    holds(standin, "DatabaseUp", 0)
    asked = len(standin.secrets.requests)
    watch(5, lambda: None)
    assert len(standin.secrets.requests) - asked <= 3, "Secrets Manager costs money"
    standin.secrets.put("orders", "the second")
    holds(standin, "DatabaseUp", 1, deadline_s=90)


NOT_USED = {
    "one that is not there": (lambda secrets: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-AbCdEf",
                              ["ResourceNotFoundException"]),
    "one that it may not read": (lambda secrets: denied(secrets), ["AccessDeniedException",
                                                                   "secretsmanager:GetSecretValue"]),
    "a binary one": (lambda secrets: secrets.put("orders", b"\0HIDDEN"), ["binary"]),
    "JSON without a password": (lambda secrets: secrets.put("orders", {"username": "HIDDEN"}), ["password"]),
}


def denied(secrets):
    secrets.denied.add("orders")
    return secrets.put("orders", "HIDDEN")


@pytest.mark.parametrize("make, words", NOT_USED.values(), ids=NOT_USED.keys())
def test_a_secret_that_can_not_be_used_is_told(agent_for, server, standin, make, words):
    done = agent_for({"orders": secret(server, make(standin.secrets))}, standin).run("--once")
    assert (done.returncode, done.stderr) == (1, "")
    for word in ["password_secret", *words]:
        assert word in done.stdout
    assert "HIDDEN" not in done.stdout


@pytest.mark.parametrize("fault", ["ThrottlingException", "InternalServiceError", "html", "empty", "truncated", "close",
                                   "oversize"])
def test_a_secret_that_comes_at_the_second_attempt(agent_for, server, standin, fault):
    rule = standin.faults.add(fault, operation="GetSecretValue")
    arn = standin.secrets.put("orders", PASSWORD)
    agent_for({"orders": secret(server, arn)}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1, deadline_s=30)
    assert rule.hits == 1


def test_a_secrets_manager_that_is_silent_holds_nothing_up(agent_for, server, standin):
    hanging = standin.faults.add("hang", operation="GetSecretValue", count=None)
    arn = standin.secrets.put("orders", PASSWORD)
    agent = agent_for({"orders": secret(server, arn), "other": server.url()}, standin, alarms=OFF).start()
    assert_complete(windows(standin, 4, dimensions={"DBInstanceIdentifier": "other"}))
    holds(standin, "DatabaseUp", 0)
    standin.faults.remove(hanging)
    holds(standin, "DatabaseUp", 1, deadline_s=60)
    assert agent.terminate() == 0


def test_a_reload_may_change_how_it_logs_in(agent_for, server, standin):
    arn = standin.secrets.put("orders", PASSWORD)
    agent = agent_for({"orders": server.url()}, standin, alarms=OFF).start()
    holds(standin, "DatabaseUp", 1)
    agent.configure({"orders": secret(server, arn)}, alarms=OFF)
    agent.reload()
    agent.wait_for_log("configuration reloaded")
    lose_session(server)
    assert_complete(windows(standin, 2))
    assert [request.accepted for request in standin.secrets.requests] == [True]


def test_one_way_to_a_password(agent_for, server, standin, tmp_path):
    keys = secret(server, "orders", password_file=tmp_path / "password")
    done = agent_for({"orders": keys}, standin).run("--check-config")
    assert done.returncode == 2
    assert "password_file" in done.stderr and "password_secret" in done.stderr


# ---- a file ----


def test_a_password_file_is_read_again_after_a_refusal(agent_for, server, standin, home):
    file = home.file("password", "wr0ng\n")
    url = f"postgresql://poolwarden@127.0.0.1:{server.port}/postgres"
    agent = agent_for({"orders": {"url": url, "password_file": file}}, standin, alarms=OFF).start()
    agent.wait_for_log("password authentication failed")
    file.write_text(PASSWORD + "\n")
    holds(standin, "DatabaseUp", 1, deadline_s=90)
    assert agent.terminate() == 0
    assert "wr0ng" not in agent.log and PASSWORD not in agent.log


# ---- what is said of TLS ----

HOST = "orders.abcdefghijkl.eu-west-1.rds.amazonaws.com"
WARNED = {
    "nothing said": (HOST, "", True),
    "encrypted for whoever answers": (HOST, "?sslmode=require", True),
    "its certificate looked at": (HOST, "?sslmode=verify-ca&sslrootcert=/ca.pem", False),
    "its name looked at, too": (HOST, "?sslmode=verify-full&sslrootcert=/ca.pem", False),
    "in China": (HOST + ".cn", "", True),
    "another server": ("db.example.com", "", False),
}


@pytest.mark.parametrize("host, parameters, is_warned", WARNED.values(), ids=WARNED.keys())
def test_rds_without_verification_is_warned_about(agent_for, host, parameters, is_warned):
    agent = agent_for({"orders": f"postgresql://u:{PASSWORD}@{host}/x{parameters}"})
    done = agent.run("--check-config", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert any("sslmode=verify-full" in warning for warning in json.loads(done.stdout)["warnings"]) == is_warned
    assert PASSWORD not in done.stdout + done.stderr


# ---- nothing shows ----


def test_nothing_secret_shows_anywhere(agent_for, server, standin, home):
    """Neither in the log at its most talkative, nor in what --check-config prints, nor to a child."""
    standin.secrets.put("orders", PASSWORD)
    home.config("default", credential_process=key_printer(home, standin), region="eu-west-1")
    variables = {**home.environment, **standin.endpoints(), "DATABASE_URL": server.url(), "PGPASSWORD": PASSWORD}
    databases = {"orders": secret(server, "orders"), "url": "${DATABASE_URL}"}
    agent = agent_for(databases, environment=variables).start("--log-level", "debug")
    for name in databases:
        holds(standin, "DatabaseUp", 1, {"DBInstanceIdentifier": name})
    with open(f"/proc/{agent.process.pid}/cmdline", encoding="utf-8") as cmdline:
        assert PASSWORD not in cmdline.read()
    lose_session(server)
    assert agent.terminate() == 0
    told = agent.log + agent.output + agent.run("--check-config").stdout + agent.run("--once").stdout
    told += (home.directory / "environment").read_text() + (home.directory / "arguments").read_text()
    for word in [PASSWORD, *(key.secret_key for key in standin.keys.values()), "process/token=="]:
        assert word not in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user and still look")
def test_no_other_process_of_its_user_may_look_into_it(binary, server, standin):
    """As a core dump, /proc/PID/mem and environ are root's then."""
    environment = {**standin.environment(), "DATABASE_URL": server.url(), "STATE_DIRECTORY": "/nonexistent"}
    with subprocess.Popen([binary, "--log-level", "error"], env=environment, user=65534, group=65534, extra_groups=[],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(server.agent_pid)
            assert os.stat(f"/proc/{process.pid}/mem").st_uid == 0
            assert os.stat(f"/proc/{process.pid}/environ").st_uid == 0
        finally:
            process.terminate()
