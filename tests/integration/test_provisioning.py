"""Alarms: at startup, as a deploy step, and after a resize."""
import json

import pytest

from arrived import WINDOW_S, holds, newest
from postgres import Postgres
from wait import wait_until, watch

HIGH, TIMEOUT = "rds-high-connections-orders", "prisma-pool-timeout-orders"
DEFAULTS = {HIGH, TIMEOUT, "connections-exhausted-orders", "monitoring-silent-orders"}


def puts(standin):
    return standin.calls("PutMetricAlarm")


def put_names(standin):
    return [request.body["AlarmName"] for request in puts(standin)]


def provisioned(standin):
    wait_until(lambda: set(standin.alarms) == DEFAULTS, 15, what=standin.report)
    return standin.alarms


def set_up(agent_for, server, standin, *arguments, **details):
    return agent_for({"orders": server.url()}, standin, **details).run("--setup-alarms", *arguments)


def test_the_threshold_is_computed_from_the_server(agent, standin):
    agent()
    alarm = provisioned(standin)[HIGH]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (pytest.approx(37.6), "GreaterThanThreshold")
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (
        "Maximum", 60, 3, 2)
    assert "Unit" not in alarm
    timeout = standin.alarms[TIMEOUT]
    assert (timeout["Statistic"], timeout["Threshold"], timeout["TreatMissingData"]) == ("Sum", 5, "missing")
    assert all(standin.tags_of(name)["managed-by"] == "poolwarden" for name in DEFAULTS)


def test_the_threshold_follows_a_resize_and_nothing_else_is_written(agent_for, standin):
    with Postgres(max_connections=50) as server:
        agent_for({"orders": server.url()}, standin, cloudwatch={"metrics": "standard"}).start()
        provisioned(standin)
        before = len(puts(standin))
        server.restart(max_connections=100)
        wait_until(lambda: (newest(standin, "MaxConnections") or {}).get("max") == 97, 20, what=standin.report)
        wait_until(lambda: standin.alarms[HIGH]["Threshold"] == pytest.approx(77.6), 2 * WINDOW_S, what=standin.report)
        watch(2 * WINDOW_S, lambda: None)
        assert put_names(standin)[before:] == [HIGH]


def test_a_second_run_changes_nothing(agent_for, server, standin):
    first = set_up(agent_for, server, standin)
    assert first.returncode == 0, first.stderr
    assert [line[0] for line in first.stdout.splitlines()] == ["+"] * 4
    written = len(puts(standin))
    second = set_up(agent_for, server, standin)
    assert (second.returncode, [line[0] for line in second.stdout.splitlines()]) == (0, ["="] * 4)
    assert len(puts(standin)) == written


def test_a_dry_run_says_what_is_pending_and_writes_nothing(agent_for, server, standin):
    pending = set_up(agent_for, server, standin, "--dry-run")
    assert (pending.returncode, standin.alarms) == (3, {})
    assert HIGH in pending.stdout
    assert set_up(agent_for, server, standin).returncode == 0
    done = set_up(agent_for, server, standin, "--dry-run")
    assert (done.returncode, len(puts(standin))) == (0, 4)


def test_only_what_differs_is_written_and_shown_old_and_new(agent_for, server, standin):
    assert set_up(agent_for, server, standin).returncode == 0
    changed = set_up(agent_for, server, standin, alarms={"high_connections": "50%"})
    assert changed.returncode == 0
    [line] = [line for line in changed.stdout.splitlines() if not line.startswith("=")]
    assert line.startswith(f"~ {HIGH}") and "37.6" in line and "23.5" in line and "→" in line
    assert put_names(standin)[4:] == [HIGH]


def test_an_alarm_of_somebody_else_is_left_alone_unless_adopted(agent_for, server, standin):
    assert set_up(agent_for, server, standin).returncode == 0
    arn = standin.alarms[HIGH]["AlarmArn"]
    standin.service.cloudwatch.tags[arn] = {"team": "somebody else"}
    foreign = set_up(agent_for, server, standin, alarms={"high_connections": 40})
    assert foreign.returncode == 0, "not ours is no failure"
    assert [line for line in foreign.stdout.splitlines() if line.startswith(f"! {HIGH}")]
    assert standin.alarms[HIGH]["Threshold"] == pytest.approx(37.6)
    adopted = set_up(agent_for, server, standin, alarms={"high_connections": 40, "adopt": "yes"})
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr
    assert standin.alarms[HIGH]["Threshold"] == 40
    assert standin.tags_of(HIGH)["managed-by"] == "poolwarden"
    assert standin.tags_of(HIGH)["team"] == "somebody else"


def test_the_document_for_programs(agent_for, server, standin):
    done = set_up(agent_for, server, standin, "--format", "json")
    document = json.loads(done.stdout)
    assert document["dry_run"] is False
    assert {(row["action"], row["name"], row["database"], row["region"]) for row in document["alarms"]} == {
        ("create", name, "orders", "eu-west-1") for name in DEFAULTS}


def test_a_server_that_can_not_be_seen_needs_an_absolute_number(agent_for, standin):
    with Postgres() as server:
        url = server.url()
    blind = agent_for({"orders": url}, standin).run("--setup-alarms")
    assert blind.returncode == 1
    assert [line for line in blind.stdout.splitlines() if line.startswith(f"x {HIGH}") and "high_connections" in line]
    assert set(standin.alarms) == DEFAULTS - {HIGH}, "one failure does not stop the others"
    absolute = agent_for({"orders": url}, standin, alarms={"high_connections": 40}).run("--setup-alarms")
    assert (absolute.returncode, standin.alarms[HIGH]["Threshold"]) == (0, 40)


def test_a_role_that_may_not_write_alarms_publishes_all_the_same(agent, standin):
    standin.faults.add("AccessDeniedException", operation="PutMetricAlarm", count=100)
    running = agent()
    holds(standin, "DatabaseUp", 1)
    running.wait_for_log("alarms in eu-west-1: 4 are not provisioned")
    assert len(running.log_lines("AccessDenied|not authorized")) == 1


def test_provision_off_writes_no_alarm(agent, standin):
    agent(alarms={"provision": "off"})
    holds(standin, "DatabaseUp", 1)
    watch(3, lambda: None)
    assert standin.alarms == {} and {request.operation for request in standin.requests} == {"PutMetricData"}
