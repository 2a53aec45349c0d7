"""The files of ecs/: made from what the program prints, taken by ECS' own model, allowed to do what they must."""
import fnmatch
import json
import os
import re

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

import ecs_files
from ecs_files import ECS, document
from root import ROOT

INPUTS = {"daemon.task.json": "RegisterTaskDefinition", "single.task.json": "RegisterTaskDefinition",
          "setup-alarms.task.json": "RegisterTaskDefinition", "daemon.service.json": "CreateService",
          "single.service.json": "CreateService", "setup-alarms.run.json": "RunTask"}
POLICIES = ["policy.json", *(f"iam/{path.name}" for path in sorted((ECS / "iam").glob("*.json")))]
NOT_ON_FARGATE = ["dockerSecurityOptions", "extraHosts", "links", "privileged", "dnsServers", "disableNetworking"]


def model():
    return ServiceModel(Loader().load_service_model("ecs", "service-2"))


def container_of(name):
    [container] = document(name)["containerDefinitions"]
    return container


# ---- what they are ----


def test_they_say_what_the_program_prints(binary):
    made = ecs_files.made(binary)
    if os.environ.get("UPDATE"):
        for name, wanted in made.items():
            (ECS / name).write_text(ecs_files.text_of(wanted))
    for name, wanted in made.items():
        assert (ECS / name).read_text() == ecs_files.text_of(wanted), f"{name}: write it anew with UPDATE=1"


def test_no_file_is_left_over(binary):
    by_hand = {"daemon.service.json", "single.service.json", "setup-alarms.run.json", "iam/execution.json",
               "iam/secrets.json", "iam/trust.json"}
    found = {str(path.relative_to(ECS)) for path in ECS.rglob("*.json")}
    assert found == by_hand | set(ecs_files.made(binary))
    assert found == set(INPUTS) | set(POLICIES)


@pytest.mark.parametrize("name", INPUTS)
def test_ecs_takes_them(name):
    """The model: every field is known, each required one is there, of the right type, one of the accepted words."""
    shape = model().operation_model(INPUTS[name]).input_shape
    report = ParamValidator().validate(document(name), shape)
    assert not report.has_errors(), report.generate_report()
    assert not list(wrong_words(document(name), shape))


def wrong_words(value, shape, path=""):
    """botocore leaves words to the service."""
    if shape.type_name == "structure":
        for key, item in value.items():
            yield from wrong_words(item, shape.members[key], f"{path}.{key}")
    elif shape.type_name == "list":
        for item in value:
            yield from wrong_words(item, shape.member, path)
    elif shape.type_name == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value}"


@pytest.mark.parametrize("wrong", [{"schedulingStrategy": "DEMON"}, {"deploymentConfiguration": {"maximumPercent": "1"}},
                                   {"clutser": "x"}])
def test_the_model_refuses_what_is_wrong(wrong):
    shape = model().operation_model("CreateService").input_shape
    bad = {**document("daemon.service.json"), **wrong}
    assert ParamValidator().validate(bad, shape).has_errors() or list(wrong_words(bad, shape))


# ---- what the model does not know ----


@pytest.mark.parametrize("name", [name for name in INPUTS if name.endswith(".task.json")])
def test_every_container_is_confined_and_keeps_to_the_limits(name):
    container = container_of(name)
    assert container["readonlyRootFilesystem"] is True and container["user"] == "65532:65532"
    assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
    assert container["memoryReservation"] <= container["memory"] and 5 < container["stopTimeout"] <= 120
    assert not [row for row in container["environment"] if "SECRET" in row["name"] or "PASSWORD" in row["name"]]
    options = container["logConfiguration"]["options"]
    assert options["mode"] == "non-blocking" and options["awslogs-region"] == "eu-west-1"
    writable = {point["containerPath"] for point in container["mountPoints"] if not point["readOnly"]}
    writable |= {row["containerPath"] for row in container["linuxParameters"].get("tmpfs", [])}
    assert writable == {"/var/lib/poolwarden", "/run/poolwarden"}
    assert {point["sourceVolume"] for point in container["mountPoints"]} == {
        volume["name"] for volume in document(name)["volumes"]}


@pytest.mark.parametrize("name", ["daemon.task.json", "single.task.json"])
def test_the_health_check_is_within_ecs_limits(name):
    check = container_of(name)["healthCheck"]
    assert check["command"] == ["CMD", "/usr/bin/poolwarden", "--health"]
    assert 5 <= check["interval"] <= 300 and 2 <= check["timeout"] <= 60
    assert 1 <= check["retries"] <= 10 and 0 <= check["startPeriod"] <= 300


def test_the_daemon_is_one_on_each_instance_and_takes_datagrams_of_its_tasks():
    task, service, container = document("daemon.task.json"), document("daemon.service.json"), container_of("daemon.task.json")
    assert service["schedulingStrategy"] == "DAEMON" and "desiredCount" not in service
    assert service["taskDefinition"] == task["family"] and service["launchType"] in task["requiresCompatibilities"]
    assert service["deploymentConfiguration"]["maximumPercent"] == 100, "two can not have one port"
    assert task["networkMode"] == "host"
    [port] = container["portMappings"]
    assert port == {"containerPort": 8125, "hostPort": 8125, "protocol": "udp"}
    assert {"name": "POOLWARDEN_STATSD_LISTEN", "value": "0.0.0.0:8125"} in container["environment"]
    assert {row["name"] for row in container["secrets"]} == {"DATABASE_URL"}


@pytest.mark.parametrize("name, runs", [("single.task.json", "single.service.json"),
                                        ("setup-alarms.task.json", "setup-alarms.run.json")])
def test_fargate_has_what_these_ask_for(name, runs):
    task, container, run = document(name), container_of(name), document(runs)
    assert task["networkMode"] == "awsvpc" and task["requiresCompatibilities"] == ["FARGATE"]
    assert not [key for key in NOT_ON_FARGATE if key in container] and "tmpfs" not in container["linuxParameters"]
    assert all(set(volume) == {"name"} for volume in task["volumes"])
    assert (task["cpu"], task["memory"]) == ("256", "512") and container["memory"] <= 512
    assert run["taskDefinition"] == task["family"] and run["launchType"] == "FARGATE"
    assert run["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"


def test_the_single_one_is_one_and_has_no_secret():
    assert document("single.service.json")["desiredCount"] == 1
    assert container_of("single.task.json")["secrets"] == []
    assert {"name": "POOLWARDEN_DATABASE_AUTH", "value": "iam"} in container_of("single.task.json")["environment"]


def test_the_step_before_means_the_daemons_alarms():
    step, daemon = container_of("setup-alarms.task.json"), container_of("daemon.task.json")
    assert step["command"] == ["--setup-alarms"] and "healthCheck" not in step
    assert (step["environment"], step["secrets"], step["image"]) == (daemon["environment"], daemon["secrets"], daemon["image"])
    assert {"name": "POOLWARDEN_ALARMS_PROVISION", "value": "off"} in daemon["environment"]
    assert document("setup-alarms.task.json")["taskRoleArn"] != document("daemon.task.json")["taskRoleArn"]


# ---- policies ----

ACTION = re.compile(r"(cloudwatch|ecr|logs|rds-db|secretsmanager|sts):[A-Z]\w+|rds-db:connect")
ARN = re.compile(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d{12}:\S+")
KEYS = {"cloudwatch:PutMetricData": {"cloudwatch:namespace"}, "cloudwatch:PutMetricAlarm": {"cloudwatch:AlarmActions"},
        "sts:AssumeRole": {"aws:SourceAccount", "aws:SourceArn"}}
OPERATORS = {"StringEquals", "StringLike", "ArnLike", "ForAllValues:StringLike"}
ANY_RESOURCE = {"cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms", "ecr:GetAuthorizationToken"}


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(name):
    return document(name)["Statement"]


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_one_by_the_rules(name):
    policy = document(name)
    assert set(policy) == {"Version", "Statement"} and policy["Version"] == "2012-10-17"
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6144
    sids = [statement["Sid"] for statement in statements(name) if "Sid" in statement]
    assert len(set(sids)) == len(sids) and all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
    for statement in statements(name):
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}
        assert statement["Effect"] == "Allow"
        assert all(ACTION.fullmatch(action) for action in as_list(statement["Action"])), "no wildcard"
        assert ("Principal" in statement) == (name == "iam/trust.json") == ("Resource" not in statement)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_as_narrow_as_aws_lets_it_be(name):
    for statement in statements(name):
        actions, condition = as_list(statement["Action"]), statement.get("Condition", {})
        for resource in as_list(statement.get("Resource", [])):
            assert ARN.fullmatch(resource) or (resource == "*" and ANY_RESOURCE.issuperset(actions)), resource
        assert OPERATORS.issuperset(condition)
        keys = {key for rows in condition.values() for key in rows}
        assert keys == set().union(*(KEYS.get(action, set()) for action in actions)), (name, actions)


def test_the_program_calls_every_cloudwatch_action_and_no_other():
    called = set(re.findall(r'"((?:Put|Describe|List|Tag|Delete|Get)[A-Z][A-Za-z]+)"',
                            "".join(path.read_text() for path in (ROOT / "aws").glob("cloudwatch*.c"))))
    given = {action for name in ("iam/publish.json", "iam/provision.json")
             for statement in statements(name) for action in as_list(statement["Action"])}
    assert given == {f"cloudwatch:{name}" for name in called}
    assert [as_list(statement["Action"]) for statement in statements("iam/publish.json")] == [["cloudwatch:PutMetricData"]]


def test_who_starts_a_task_may_read_its_secrets_and_write_its_logs(agent_for):
    [secrets] = statements("iam/secrets.json")
    by_sid = {statement["Sid"]: statement for statement in statements("iam/execution.json")}
    for name in ("daemon.task.json", "setup-alarms.task.json", "single.task.json"):
        container = container_of(name)
        for secret in container["secrets"]:  # Secrets Manager adds six characters to a name
            assert [secret["valueFrom"] + "-??????"] == secrets["Resource"]
        group = container["logConfiguration"]["options"]["awslogs-group"]
        assert all(f":log-group:{group}" in resource for resource in by_sid["WriteLogs"]["Resource"])
        image = container["image"].partition(":")[0]
        assert by_sid["PullImage"]["Resource"] == [f"arn:aws:ecr:eu-west-1:123456789012:repository/{image}"]
    printed = ecs_files.printed_for(agent_for({"orders": {"url": "postgresql://app@orders/x",
                                                          "password_secret": "poolwarden/orders-url"}},
                                              cloudwatch={"region": "eu-west-1", "role_arn": "arn:aws:iam::123456789012:role/x"}))
    assert secrets in printed["Statement"], "for password_secret the agent's own role needs the same"


def test_a_role_stands_for_each_task_and_only_tasks_of_the_account_take_it():
    [trust] = statements("iam/trust.json")
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    account = trust["Condition"]["StringEquals"]["aws:SourceAccount"]
    assert fnmatch.fnmatchcase(f"arn:aws:ecs:eu-west-1:{account}:task/production/0123", trust["Condition"]["ArnLike"]["aws:SourceArn"])
    for name in ("daemon.task.json", "single.task.json", "setup-alarms.task.json"):
        assert f"::{account}:role/" in document(name)["taskRoleArn"]
