"""Alarms: at startup, as a deploy step, and after a resize."""
import json
import os
import time

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


OPS, NEW, ME = (f"arn:aws:sns:eu-west-1:123456789012:{name}" for name in ("ops", "new", "me"))


def test_a_threshold_changed_by_hand_is_one_put_and_the_person_s_action_stays(agent_for, server, standin):
    assert set_up(agent_for, server, standin, alarms={"actions": OPS}).returncode == 0
    arn = standin.alarms[HIGH]["AlarmArn"]
    standin.service.cloudwatch.alarms[arn].update(Threshold=90.0, AlarmActions=[ME, OPS])
    before = len(puts(standin))
    mended = set_up(agent_for, server, standin, alarms={"actions": OPS})
    changed = [line for line in mended.stdout.splitlines() if not line.startswith("=")]
    assert changed == [f"~ {HIGH}  (threshold: 90 → 37.6)"]
    assert put_names(standin)[before:] == [HIGH]
    assert (standin.alarms[HIGH]["Threshold"], set(standin.alarms[HIGH]["AlarmActions"])) == (
        pytest.approx(37.6), {ME, OPS})


def test_an_action_that_is_configured_no_longer_is_taken_back(agent_for, server, standin):
    assert set_up(agent_for, server, standin, alarms={"actions": OPS}).returncode == 0
    arn = standin.alarms[HIGH]["AlarmArn"]
    standin.service.cloudwatch.alarms[arn].update(AlarmActions=[ME, OPS])
    assert set_up(agent_for, server, standin, alarms={"actions": NEW}).returncode == 0
    assert set(standin.alarms[HIGH]["AlarmActions"]) == {ME, NEW}
    assert standin.alarms[TIMEOUT]["AlarmActions"] == [NEW]
    assert set_up(agent_for, server, standin).returncode == 0
    assert standin.alarms[HIGH]["AlarmActions"] == [ME]
    before = len(standin.requests)
    assert set_up(agent_for, server, standin).returncode == 0
    assert {request.operation for request in standin.requests[before:]} == {"DescribeAlarms", "ListTagsForResource"}


ALL_ON = {"connection_leak": 0, "pool_waiting": "5s", "rds_cpu": "70%", "rds_memory": "256MB",
          "proxy_borrow_latency": "100ms", "proxy_name": "orders-proxy"}


def test_every_alarm_there_is(agent_for, server, standin):
    done = set_up(agent_for, server, standin, alarms=ALL_ON, cloudwatch={"metrics": "standard"},
                  pools={"api": "orders", "jobs": "orders"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(standin.alarms) == DEFAULTS | {
        "connection-leak-orders", "pool-waiting-orders-api", "pool-waiting-orders-jobs", "rds-cpu-orders",
        "rds-memory-orders", "rds-proxy-borrow-latency-orders"}
    watched = {name: (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"],
                      {row["Name"]: row["Value"] for row in alarm["Dimensions"]})
               for name, alarm in standin.alarms.items()}
    assert watched["pool-waiting-orders-jobs"] == (
        "Application", "PoolMaxWait", 5, {"DBInstanceIdentifier": "orders", "Pool": "jobs"})
    assert watched["rds-memory-orders"] == (
        "AWS/RDS", "FreeableMemory", 256 << 20, {"DBInstanceIdentifier": "orders"})
    assert watched["rds-proxy-borrow-latency-orders"] == (
        "AWS/RDS", "DatabaseConnectionsBorrowLatency", 100_000, {"ProxyName": "orders-proxy"})
    for name, alarm in standin.alarms.items():
        assert "poolwarden --diagnose" in alarm["AlarmDescription"], name


def test_one_database_may_differ_and_the_classic_rule_is_one_line(agent_for, server, standin):
    own = {"url": server.url(), "high_connections.rule": "Average 300s 1/1", "pool_timeout": "off"}
    databases = {"orders": server.url(), "stock": own}
    done = agent_for(databases, standin, alarms={"high_connections": 40}).run("--setup-alarms")
    assert done.returncode == 0, done.stderr
    assert "prisma-pool-timeout-stock" not in standin.alarms and TIMEOUT in standin.alarms
    rules = {name: [standin.alarms[f"rds-high-connections-{name}"][field] for field in
                    ("Statistic", "Period", "DatapointsToAlarm", "EvaluationPeriods", "Threshold")] for name in databases}
    assert rules == {"orders": ["Maximum", 60, 2, 3, 40], "stock": ["Average", 300, 1, 1, 40]}


def test_an_aurora_instance_tells_its_own_name(agent_for, standin):
    """The function is what Aurora has and PostgreSQL has not; the server is a real one all the same."""
    with Postgres() as server:
        server.execute("create function pg_catalog.aurora_db_instance_identifier() returns text language sql"
                       " as $$ select 'orders-instance-2' $$")
        done = agent_for({"orders": server.url()}, standin, alarms={"rds_cpu": "70%"}).run("--setup-alarms")
        assert done.returncode == 0, done.stdout + done.stderr
        assert standin.alarms["rds-cpu-orders"]["Dimensions"] == [
            {"Name": "DBInstanceIdentifier", "Value": "orders-instance-2"}]
        assert standin.alarms[HIGH]["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "orders"}]
        standin.reset()
        agent_for({"orders": server.url()}, standin, alarms={"rds_cpu": "70%"}).start()
        wait_until(lambda: "rds-cpu-orders" in standin.alarms, 15, what=standin.report)
        assert standin.alarms["rds-cpu-orders"]["Dimensions"][0]["Value"] == "orders-instance-2"
        server.execute("create or replace function pg_catalog.aurora_db_instance_identifier() returns text language sql"
                       " as $$ select 'orders-instance-1' $$")  # as after a failover behind a cluster's endpoint
        server.execute("select pg_terminate_backend(%s)", server.agent_pid())
        wait_until(lambda: standin.alarms["rds-cpu-orders"]["Dimensions"][0]["Value"] == "orders-instance-1", 20,
                   what=standin.report)


def test_alarms_live_where_their_database_lives(agent_for, server, standin):
    databases = {"orders": server.url(), "far": {"url": server.url(), "region": "us-east-1"}}
    done = agent_for(databases, standin).run("--setup-alarms")
    assert done.returncode == 0, done.stderr
    regions = {alarm["AlarmArn"].split(":")[3] for name, alarm in standin.alarms.items() if name.endswith("-far")}
    assert regions == {"us-east-1"}
    assert standin.alarms[HIGH]["AlarmArn"].split(":")[3] == "eu-west-1"


def test_throttling_makes_it_slower_and_nothing_fails(agent_for, server, standin):
    standin.faults.add("ThrottlingException", operation="PutMetricAlarm", count=4)
    done = set_up(agent_for, server, standin)
    assert (done.returncode, set(standin.alarms)) == (0, DEFAULTS), done.stdout


def test_many_databases_broken_off_in_between(agent_for, standin):
    """40 of them; POOLWARDEN_DATABASES=500 for as many as ten minutes must do for: two writes a second."""
    count = int(os.environ.get("POOLWARDEN_DATABASES", 40))
    alarms = {"connections_exhausted": "off", "monitoring_silent": "off"}
    with Postgres(max_connections=700) as server:
        databases = {f"db{number:03}": server.url() for number in range(count)}
        started = time.monotonic()
        first = agent_for(databases, standin, alarms=alarms).start("--setup-alarms")
        wait_until(lambda: len(puts(standin)) >= count / 5, 120, what=standin.report)
        first.kill()
        done = agent_for(databases, standin, alarms=alarms).run("--setup-alarms", deadline_s=600)
        took_s = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert len(standin.alarms) == 2 * count and took_s < max(60, 600 * count / 500), took_s
    assert len(put_names(standin)) - len(set(put_names(standin))) <= 1, "what is in place is not written again"
    arrived = [request.arrived for request in puts(standin)]
    assert all(later - earlier > 0.9 for earlier, later in zip(arrived, arrived[2:])), "two a second at most"


def test_the_document_for_programs(agent_for, server, standin):
    done = set_up(agent_for, server, standin, "--format", "json")
    document = json.loads(done.stdout)
    assert document["dry_run"] is False
    assert {(row["action"], row["name"], row["database"], row["region"]) for row in document["alarms"]} == {
        ("create", name, "orders", "eu-west-1") for name in DEFAULTS}
    [created] = [row for row in document["alarms"] if row["name"] == HIGH]
    fields = {change["field"]: (change["old"], change["new"]) for change in created["changes"]}
    assert fields["threshold"] == (None, pytest.approx(37.6)) and fields["statistic"] == (None, "Maximum")
    changed = json.loads(set_up(agent_for, server, standin, "--format", "json", "--dry-run",
                                alarms={"high_connections": "50%"}).stdout)
    [row] = [row for row in changed["alarms"] if row["action"] == "change"]
    fields = {change["field"]: (change["old"], change["new"]) for change in row["changes"]}
    assert fields["threshold"] == (pytest.approx(37.6), pytest.approx(23.5))
    assert fields["description"][0].startswith("More than 37.6") and fields["description"][1].startswith("More than 23.5")
    assert set(fields) == {"threshold", "description"}


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
