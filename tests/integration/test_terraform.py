"""ecs/terraform says the same as the JSON files beside it: the containers, the tasks, the services, the policies."""
import re
import shutil
import subprocess

import pytest

import ecs_files
from ecs_files import ECS, document
from hcl import Terraform

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:poolwarden/orders-url"


def given():
    """What the JSON files take for the variables, and what AWS would tell."""
    [single] = document("single.task.json")["containerDefinitions"]
    [url] = [row["value"] for row in single["environment"] if row["name"] == "DATABASE_URL"]
    return {"var.region": "eu-west-1", "var.cluster": "production", "var.image": single["image"],
            "var.environment": "production", "var.database": "orders",
            "var.alarm_topic_arn": "arn:aws:sns:eu-west-1:123456789012:ops", "var.subnets": ["subnet-0123456789abcdef0"],
            "var.security_groups": ["sg-0123456789abcdef0"], "var.database_url": url,
            "var.db_resource_id": ecs_files.RESOURCE_ID, "local.account": "123456789012", "local.url_secret": SECRET,
            **{f"aws_iam_role.{name}.arn": f"arn:aws:iam::123456789012:role/poolwarden-{name.partition('[')[0]}"
               for name in ("task", "execution", "setup[0]")}}


@pytest.fixture(scope="module")
def terraform():
    return Terraform(ECS / "terraform")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


# ---- tasks and services ----


def task_of(terraform, name, container):
    """The input of RegisterTaskDefinition that the resource stands for."""
    body = dict(terraform.resource("aws_ecs_task_definition", name))
    assert body.pop("container_definitions") == f"${{jsonencode([local.{container}])}}"
    body.pop("count")
    volumes = [{"name": row["name"], **({"host": {"sourcePath": row["host_path"]}} if "host_path" in row else {})}
               for row in body.pop("volume")]
    platform = [{camel(key): value for key, value in row.items()} for row in body.pop("runtime_platform", [])]
    task = {camel(key): value for key, value in terraform.value(body, given()).items()}
    return {**task, "containerDefinitions": [terraform.value(f"${{local.{container}}}", given())], "volumes": volumes,
            **({"runtimePlatform": platform[0]} if platform else {})}


@pytest.mark.parametrize("name, container, file", [
    ("daemon", "daemon", "daemon.task.json"), ("setup_alarms", "setup_alarms", "setup-alarms.task.json"),
    ("single", "only", "single.task.json")])
def test_a_task_is_the_files(terraform, name, container, file):
    assert task_of(terraform, name, container) == document(file)


NAMES = {"name": "serviceName", "enable_ecs_managed_tags": "enableECSManagedTags"}
DEPLOYMENT = {"deployment_maximum_percent": "maximumPercent", "deployment_minimum_healthy_percent": "minimumHealthyPercent",
              "deployment_circuit_breaker": "deploymentCircuitBreaker"}


def service_of(terraform, name):
    """The input of CreateService that the resource stands for."""
    family = terraform.resource("aws_ecs_task_definition", name)["family"]
    told = {**given(), f"aws_ecs_task_definition.{name}[0].arn": family}
    body = dict(terraform.resource("aws_ecs_service", name))
    assert body.pop("count") == ("${var.single ? 1 : 0}" if name == "single" else "${var.single ? 0 : 1}")
    roles = {"daemon": ["publish", "execution", "secrets"], "single": ["publish", "execution", "login"]}[name]
    assert body.pop("depends_on") == [f"${{aws_iam_role_policy.{role}}}" for role in roles], "a task is refused without"
    network = body.pop("network_configuration", [])
    service, deployment = {}, {}
    for key, value in terraform.value(body, told).items():
        if key in DEPLOYMENT:
            deployment[DEPLOYMENT[key]] = value[0] if isinstance(value, list) else value
        else:
            service[NAMES.get(key, camel(key))] = value
    service["deploymentConfiguration"] = deployment
    for row in terraform.value(network, told):
        public = "ENABLED" if row["assign_public_ip"] else "DISABLED"
        service["networkConfiguration"] = {"awsvpcConfiguration": {
            "subnets": row["subnets"], "securityGroups": row["security_groups"], "assignPublicIp": public}}
    return service


def test_a_service_is_the_files(terraform):
    assert service_of(terraform, "single") == document("single.service.json")
    daemon = service_of(terraform, "daemon")
    daemon["deploymentConfiguration"]["maximumPercent"] = 100  # of a daemon always; the provider does not take it
    assert daemon == document("daemon.service.json")


def test_the_step_before_is_the_files(terraform):
    assert terraform.value("${local.run}", given()) == document("setup-alarms.run.json")
    assert "--cli-input-json '${jsonencode(local.run)}'" in terraform.text


def test_statsd_is_admitted_where_the_daemon_listens(terraform):
    rule = terraform.resource("aws_vpc_security_group_ingress_rule", "statsd")
    [port] = document("daemon.task.json")["containerDefinitions"][0]["portMappings"]
    assert (rule["from_port"], rule["to_port"], rule["ip_protocol"]) == (port["hostPort"], port["hostPort"], port["protocol"])


def test_the_group_of_logs_is_the_containers(terraform):
    [container] = document("daemon.task.json")["containerDefinitions"]
    assert terraform.resource("aws_cloudwatch_log_group", "agent")["name"] == container["logConfiguration"]["options"]["awslogs-group"]


# ---- policies ----


@pytest.mark.parametrize("name", ["publish", "provision", "login", "execution", "secrets", "trust"])
def test_a_policy_is_the_files(terraform, name):
    """The secret's whole ARN, which Terraform can ask for, ends with what the pattern stands for."""
    told = {**given(), "local.url_secret": f"{SECRET}-??????"}
    assert terraform.value(f"${{local.{name}}}", told) == document(f"iam/{name}.json")


def test_each_policy_is_of_the_role_that_needs_it(terraform):
    of = {name: body["role"] for (kind, name), body in terraform.resources.items() if kind == "aws_iam_role_policy"}
    assert of == {"publish": "${aws_iam_role.task.name}", "login": "${aws_iam_role.task.name}",
                  "provision": "${var.single ? aws_iam_role.task.name : aws_iam_role.setup[0].name}",
                  "execution": "${aws_iam_role.execution.name}", "secrets": "${aws_iam_role.execution.name}"}
    for (kind, name), body in terraform.resources.items():
        if kind == "aws_iam_role_policy":
            assert body["policy"] == f"${{jsonencode(local.{name})}}"
        if kind == "aws_iam_role":
            assert body["assume_role_policy"] == "${jsonencode(local.trust)}"
            assert body["name"] == f"poolwarden-{name}"


# ---- the files themselves ----


def test_every_reference_is_to_something_and_everything_is_referred_to(terraform):
    declared = terraform.declared()
    kinds = "|".join(sorted({kind for kind, _ in terraform.resources}))
    referred = set(re.findall(rf"(?<![\w.])(?:var\.\w+|local\.\w+|data\.\w+\.\w+|(?:{kinds})\.\w+)", terraform.text))
    assert referred <= declared
    assert {name for name in declared if name.startswith(("var.", "local.", "data."))} <= referred


def test_an_instance_is_prepared_for_what_the_task_mounts(tmp_path):
    """user-data.sh, run with another root."""
    task = document("daemon.task.json")
    [volume], [container] = task["volumes"], task["containerDefinitions"]
    script = (ECS / "user-data.sh").read_text()
    path = volume["host"]["sourcePath"]
    assert f" {path}\n" in script
    elsewhere = script.replace(path, f"{tmp_path}{path}").replace("/etc/ecs", f"{tmp_path}/etc/ecs")
    (tmp_path / "var/lib").mkdir(parents=True)
    subprocess.run(["sh", "-c", elsewhere], check=True)
    made = (tmp_path / path.lstrip("/")).stat()
    assert (f"{made.st_uid}:{made.st_gid}", made.st_mode & 0o777) == (container["user"], 0o700)
    assert (tmp_path / "etc/ecs/ecs.config").read_text() == "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST=true\n"


def test_the_files_are_laid_out_as_terraform_lays_them_out(terraform):
    """Two spaces, and signs that stand below each other; by the program itself where there is one."""
    assert "\t" not in terraform.text and not re.search(r" +$", terraform.text, re.MULTILINE)
    if program := shutil.which("terraform"):
        done = subprocess.run([program, "fmt", "-check", "-diff", ECS / "terraform"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
