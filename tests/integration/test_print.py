"""What --print prints is used as it is: the policy judges real requests, the SQL runs, ECS' own model takes the task."""
import contextlib
import fnmatch
import json
import re
import subprocess

import psycopg2
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from postgres import PASSWORD, SUPERUSER, Postgres

OPS = "arn:aws:sns:eu-west-1:123456789012:ops"
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def printed(agent, what, environment=None):
    done = agent.run("--print", what, environment=environment)
    assert done.returncode == 0, done.stderr
    return done


# ---- iam ----


def statements_of(agent):
    return json.loads(printed(agent, "iam").stdout)["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def allows(statements, request):
    """As IAM judges it: some statement names the action and the resource, and its condition holds."""
    action, body = f"cloudwatch:{request.operation}", request.body
    region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.headers["authorization"])[1]
    resource = body.get("ResourceARN") or (
        f"arn:aws:cloudwatch:{region}:123456789012:alarm:{body['AlarmName']}" if "AlarmName" in body else
        f"arn:aws:cloudwatch:{region}:123456789012:alarm:{body['AlarmNames'][0]}" if request.operation == "DeleteAlarms" else
        f"arn:aws:cloudwatch::123456789012:dashboard/{body['DashboardName']}" if "DashboardName" in body else "*")
    for statement in statements:
        condition = statement.get("Condition", {})
        wanted = condition.get("StringEquals", {}).get("cloudwatch:namespace", body.get("Namespace"))
        patterns = condition.get("ForAllValues:StringLike", {}).get("cloudwatch:AlarmActions", ["*"])
        actions = [arn for key in ("AlarmActions", "OKActions", "InsufficientDataActions") for arn in body.get(key, [])]
        if (action in as_list(statement["Action"]) and body.get("Namespace") == wanted
                and all(any(fnmatch.fnmatchcase(arn, pattern) for pattern in patterns) for arn in actions)
                and any(pattern == "*" or fnmatch.fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))):
            return True
    return False


SECTIONS = {"cloudwatch": {"namespace": "Shop", "metrics": "standard"},
            "alarms": {"actions": OPS, "pool_waiting": "5s", "rds_cpu": "70%", "name_prefix": "prod-"},
            "pools": {"api": "orders"}}


def test_the_policy_allows_what_is_done_and_no_more(agent_for, server, standin):
    ours = agent_for({"orders": server.url()}, standin, **SECTIONS)
    for mode in ("--setup-alarms", "--setup-dashboard", "--remove-alarms"):
        assert ours.run(mode).returncode == 0
    ours.start()
    standin.wait_for(lambda: standin.metrics("DatabaseUp"))
    statements = statements_of(ours)
    assert {request.operation for request in standin.requests} >= {
        "PutMetricData", "PutMetricAlarm", "DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutDashboard"}
    for request in standin.requests:
        assert allows(statements, request), (request.operation, request.body)
    ours.kill()
    standin.reset()
    theirs = agent_for({"stock": server.url()}, standin, directory="theirs", alarms={"name_prefix": "prod-"})
    assert theirs.run("--setup-alarms").returncode == theirs.run("--setup-dashboard").returncode == 0
    allowed = {request.operation for request in standin.requests if allows(statements, request)}
    assert allowed == {"DescribeAlarms"}, "another database's alarms, another namespace's dashboard"


def test_a_policy_of_five_hundred_databases_has_room(agent_for, server, standin):
    many = agent_for({f"db{number:03}": server.url() for number in range(500)}, standin, alarms={"actions": OPS})
    statements = statements_of(many)
    assert len(json.dumps(statements, separators=(",", ":"))) < 6144
    [own] = [statement for statement in statements if statement["Sid"] == "OwnAlarms"]
    assert "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:rds-high-connections-*" in own["Resource"]


def test_alarms_may_tell_topics_and_do_what_is_configured(agent_for):
    elsewhere, function = "arn:aws:sns:us-east-1:123456789012:ops", "arn:aws:lambda:eu-west-1:123456789012:function:page"
    agent = agent_for({"orders": "postgresql://app@orders/x"}, cloudwatch={"region": "eu-west-1"},
                      alarms={"actions": f"{OPS}, {function}", "ok_actions": f"{elsewhere}, {function}"})
    [own] = [statement for statement in statements_of(agent) if statement["Sid"] == "OwnAlarms"]
    assert own["Condition"] == {"ForAllValues:StringLike": {"cloudwatch:AlarmActions": [
        "arn:aws:sns:eu-west-1:123456789012:*", function, elsewhere]}}


def test_logins_and_secrets_stand_in_the_policy(agent_for):
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf"
    host = "orders.abc.eu-west-1.rds.amazonaws.com"
    agent = agent_for({"orders": {"url": f"postgresql://watcher@{host}/x?sslmode=verify-full", "auth": "iam",
                                  "region": "eu-west-1"},
                       "stock": {"url": "postgresql://app@stock/x", "password_secret": secret}})
    by_sid = {statement["Sid"]: statement for statement in statements_of(agent)}
    assert by_sid["DbLogin"]["Resource"] == ["arn:aws:rds-db:eu-west-1:123456789012:dbuser:*/watcher"]
    assert by_sid["ReadSecrets"]["Resource"] == [secret]


# ---- grants ----


def run_sql(server, sql):
    with contextlib.closing(psycopg2.connect(server.url(SUPERUSER))) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute(sql)


@pytest.mark.parametrize("version", [12, 15, 16, 18])
def test_the_grants_run_and_suffice(agent_for, version):
    with Postgres(version, **({"reserved_connections": 2} if version >= 16 else {})) as server:
        agent = agent_for({"orders": server.url(user='wat"ch er')})
        sql = printed(agent, "grants").stdout
        for _ in range(2):
            run_sql(server, sql)
        server.execute(f"""alter role "wat""ch er" password '{PASSWORD}'""")
        reserved = server.value("select count(*) from pg_auth_members m join pg_roles r on r.oid = m.roleid"
                                " where r.rolname = 'pg_use_reserved_connections'")
        assert reserved == (1 if version >= 16 else 0)
        assert not server.value("""select pg_has_role('wat"ch er', 'pg_signal_backend', 'member')"""), "only told of"
        assert '-- GRANT pg_signal_backend TO "wat""ch er";' in sql
        once = agent.run("--once")
        assert once.returncode == 0 and "ConnectionsIdle " in once.stdout, once.stdout + once.stderr
        assert "GRANT pg_monitor" not in once.stderr
        with server.all_slots_taken():
            assert agent.run("--once").returncode == (0 if version >= 16 else 1), "it has a slot of its own from 16 on"


def test_iam_users_are_granted_rds_iam(agent_for, server):
    server.execute("create role rds_iam")
    host = "orders.abc.eu-west-1.rds.amazonaws.com"
    agent = agent_for({"orders": {"url": f"postgresql://watcher@{host}/postgres?sslmode=verify-full", "auth": "iam"}})
    run_sql(server, printed(agent, "grants").stdout)
    assert server.value("select pg_has_role('watcher', 'rds_iam', 'member')")
    assert server.value("select pg_has_role('watcher', 'pg_monitor', 'member')")


# ---- task-definition ----


def task_of(agent, environment=None):
    document = json.loads(printed(agent, "task-definition", environment).stdout)
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    report = ParamValidator().validate(document, model.operation_model("RegisterTaskDefinition").input_shape)
    assert not report.has_errors(), report.generate_report()
    return document


def keys_in_force(binary, environment, *arguments):
    done = subprocess.run([binary, "--check-config", "--format", "json", *arguments], env=environment,
                          capture_output=True, text=True, check=True)
    config = json.loads(done.stdout)["config"]
    return {name: value for name, value in config.items() if name != "file"}


def test_one_database_is_told_by_variables_and_means_the_same(agent_for, binary, tmp_path):
    sections = {"agent": {"sample_interval": "2s", "publish_interval": "20s", "state_dir": "/var/lib/poolwarden",
                          "runtime_dir": "/run/poolwarden"},
                "cloudwatch": {"namespace": "Shop", "metrics": "standard", "dimension.Environment": "production"},
                "alarms": {"high_connections.rule": "Average 300s 1/1", "actions": OPS, "tag.Team": "pay ments"},
                "statsd": {"listen": "0.0.0.0:8130", "database": "orders"}}
    database = {"url": "postgresql://app:s3cret@db.example:5433/shop?sslmode=require", "pool_timeout": "9",
                "identifier": "orders-1", "leak": "3m"}
    agent = agent_for({"orders": database}, **sections)
    environment = {**ENVIRONMENT, "AWS_REGION": "eu-west-1"}
    done = printed(agent, "task-definition", environment)
    assert "s3cret" not in done.stdout + done.stderr
    [container] = task_of(agent, environment)["containerDefinitions"]
    [secret] = container["secrets"]
    assert (secret["name"], secret["valueFrom"]) == (
        "DATABASE_URL", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:poolwarden/orders-url")
    assert container["portMappings"] == [{"containerPort": 8130, "hostPort": 8130, "protocol": "udp"}]
    assert container["healthCheck"]["command"] == ["CMD", "/usr/bin/poolwarden", "--health"]
    variables = {row["name"]: row["value"] for row in container["environment"]}
    assert variables["AWS_REGION"] == "eu-west-1"
    in_container = keys_in_force(binary, {**ENVIRONMENT, **variables, "DATABASE_URL": database["url"]})
    assert in_container == keys_in_force(binary, environment, "-c", agent.config)


def test_more_of_them_take_the_file_along(agent_for, tmp_path):
    agent = agent_for({"orders": "${ORDERS_URL}", "stock": "postgresql://app@stock/x"})
    environment = {**ENVIRONMENT, "ORDERS_URL": "postgresql://app:s3cret@orders/x", "POOLWARDEN_CLOUDWATCH_NAMESPACE": "Shop",
                   "POOLWARDEN_CLOUDWATCH_ENDPOINT_URL": "https://proxy/s3cret"}
    document = task_of(agent, environment)
    [container] = document["containerDefinitions"]
    assert [row["name"] for row in container["secrets"]] == ["ORDERS_URL"]
    assert container["environment"] == [{"name": "POOLWARDEN_CLOUDWATCH_NAMESPACE", "value": "Shop"}]
    assert {"sourceVolume": "configuration", "containerPath": "/etc/poolwarden", "readOnly": True} in container["mountPoints"]
    assert {row["name"] for row in document["volumes"]} == {"configuration", "state"}
    assert "s3cret" not in json.dumps(document)
