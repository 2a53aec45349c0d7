"""Alarms that are to go: ours, and nobody else's."""
import json

import pytest

from test_provisioning import DEFAULTS, HIGH


@pytest.fixture
def poolwarden(agent_for, server, standin):
    """poolwarden(names, arguments, sections): a mode with these databases, all of them the module's server."""
    def run(names, *arguments, **sections):
        return agent_for({name: server.url() for name in names}, standin, **sections).run(*arguments)

    return run


def ours_of(standin, database):
    return {name for name in standin.alarms if name.endswith(f"-{database}")}


def test_what_was_set_up_is_removed(poolwarden, standin):
    assert poolwarden(["orders"], "--setup-alarms").returncode == 0
    pending = poolwarden(["orders"], "--remove-alarms", "--dry-run")
    assert (pending.returncode, set(standin.alarms)) == (3, DEFAULTS)
    assert {line[0] for line in pending.stdout.splitlines()} == {"-"}
    done = poolwarden(["orders"], "--remove-alarms", "--format", "json")
    assert (done.returncode, standin.alarms) == (0, {}), done.stderr
    assert {(row["action"], row["name"]) for row in json.loads(done.stdout)["alarms"]} == {
        ("delete", name) for name in DEFAULTS}
    again = poolwarden(["orders"], "--remove-alarms")
    assert (again.returncode, again.stdout) == (0, "")
    assert poolwarden(["orders"], "--remove-alarms", "-n").returncode == 0


def test_an_alarm_that_is_off_now_goes_too(poolwarden, standin):
    assert poolwarden(["orders"], "--setup-alarms").returncode == 0
    assert poolwarden(["orders"], "--remove-alarms", alarms={"pool_timeout": "off"}).returncode == 0
    assert standin.alarms == {}


def test_somebody_else_s_alarm_stays(poolwarden, standin):
    assert poolwarden(["orders"], "--setup-alarms").returncode == 0
    standin.service.cloudwatch.tags[standin.alarms[HIGH]["AlarmArn"]] = {"team": "somebody else"}
    done = poolwarden(["orders"], "--remove-alarms", alarms={"adopt": "yes"})
    assert (done.returncode, set(standin.alarms)) == (0, {HIGH})
    assert [line for line in done.stdout.splitlines() if line.startswith(f"! {HIGH}")]


def test_without_prune_only_what_is_configured_goes(poolwarden, standin):
    assert poolwarden(["orders", "stock"], "--setup-alarms").returncode == 0
    assert poolwarden(["orders"], "--remove-alarms").returncode == 0
    assert set(standin.alarms) == ours_of(standin, "stock") != set()


def test_prune_takes_those_of_databases_that_are_configured_no_longer(poolwarden, standin):
    sections = {"cloudwatch": {"metrics": "standard"}, "alarms": {"pool_waiting": "5s", "rds_cpu": "70%"}}
    assert poolwarden(["orders", "stock"], "--setup-alarms", pools={"api": "stock"}, **sections).returncode == 0
    assert {"pool-waiting-stock-api", "rds-cpu-stock"} <= set(standin.alarms)
    pending = poolwarden(["orders"], "--remove-alarms", "--prune", "--dry-run", **sections)
    assert pending.returncode == 3 and "- pool-waiting-stock-api" in pending.stdout
    done = poolwarden(["orders"], "--remove-alarms", "--prune", **sections)
    assert (done.returncode, standin.alarms) == (0, {}), done.stdout + done.stderr


def test_prune_leaves_what_only_looks_like_ours(poolwarden, standin):
    """Another namespace, other dimensions, another tag; a name alone says nothing, and neither does a tag alone."""
    assert poolwarden(["stock"], "--setup-alarms", cloudwatch={"namespace": "Staging"},
                      alarms={"name_prefix": "staging-", "rds_cpu": "70%"}).returncode == 0
    assert poolwarden(["stock"], "--setup-alarms", cloudwatch={"dimension.Environment": "test"},
                      alarms={"name_prefix": "test-"}).returncode == 0
    standin.put_alarm({**_plain("rds-high-connections-legacy"), "MetricName": "DatabaseConnections"})
    standin.put_alarm({**_plain("orders-latency"), "MetricName": "Latency"}, tags={"managed-by": "poolwarden"})
    before = set(standin.alarms)
    assert poolwarden(["orders"], "--setup-alarms").returncode == 0
    done = poolwarden(["orders"], "--remove-alarms", "--prune")
    assert (done.returncode, set(standin.alarms)) == (0, before), done.stdout
    assert all(line.startswith("- ") and line.endswith("-orders") for line in done.stdout.splitlines())
    for tags in standin.service.cloudwatch.tags.values():  # as versions before the mark made them
        tags.pop("poolwarden", None)
    production = poolwarden(["orders"], "--remove-alarms", "--prune", cloudwatch={"dimension.Environment": "production"})
    assert (production.returncode, production.stdout, set(standin.alarms)) == (0, "", before)


def _plain(name):
    return {"AlarmName": name, "Namespace": "Application", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 80, "ComparisonOperator": "GreaterThanThreshold",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "legacy"}]}


def test_one_that_can_not_be_deleted_does_not_stop_the_others(poolwarden, standin):
    assert poolwarden(["orders"], "--setup-alarms").returncode == 0
    standin.faults.add("AccessDeniedException", operation="DeleteAlarms", count=1)
    done = poolwarden(["orders"], "--remove-alarms")
    assert (done.returncode, len(standin.alarms)) == (1, 1)
    assert "allow cloudwatch:DeleteAlarms" in done.stdout
    assert poolwarden(["orders"], "--remove-alarms").returncode == 0 and standin.alarms == {}


def test_a_pool_that_is_configured_no_longer(poolwarden, standin):
    sections = {"cloudwatch": {"metrics": "standard"}, "alarms": {"pool_waiting": "5s"}}
    assert poolwarden(["orders"], "--setup-alarms", pools={"api": "orders"}, **sections).returncode == 0
    assert poolwarden(["orders"], "--remove-alarms", **sections).returncode == 0
    assert set(standin.alarms) == {"pool-waiting-orders-api"}
    assert poolwarden(["orders"], "--remove-alarms", "--prune", **sections).returncode == 0
    assert standin.alarms == {}
