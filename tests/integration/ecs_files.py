"""The files of ecs/ that are made from what the program itself prints, so that they can not say anything else.

    made(binary)                what they must be: {path below ecs/: document}
    UPDATE=1 ...test_ecs.py     writes them anew

A daemon's task definition is printed as it is. Those for Fargate are the same without what Fargate does not have.
"""
import copy
import json
import subprocess

from root import ROOT

ECS = ROOT / "ecs"
SETUP = {"family": "poolwarden-setup-alarms", "role": "poolwarden-setup", "command": ["--setup-alarms"]}
SINGLE = {"family": "poolwarden-single", "role": "poolwarden-task", "command": None}
RESOURCE_ID = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # aws rds describe-db-instances: DbiResourceId


def document(name):
    return json.loads((ECS / name).read_text())


def text_of(made):
    return json.dumps(made, indent=2) + "\n"


def made(binary):
    daemon, single = (printed(binary, "task-definition", name) for name in ("daemon.conf", "single.conf"))
    policy, login = printed(binary, "iam", "daemon.conf"), printed(binary, "iam", "single.conf")
    return {"daemon.task.json": daemon,
            "setup-alarms.task.json": on_fargate(daemon, **SETUP),
            "single.task.json": on_fargate(single, **SINGLE),
            "policy.json": policy,
            "iam/publish.json": part(policy, "Publish"),
            "iam/provision.json": part(policy, "CompareAlarms", "OwnAlarms", "OwnDashboards"),
            "iam/login.json": with_resource_id(part(login, "DbLogin"))}


def printed(binary, what, name):
    done = subprocess.run([binary, "--print", what, "-c", ECS / name], env={"PATH": "/usr/bin:/bin"},
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def printed_for(agent):
    """The policy for an agent.Agent's configuration."""
    done = agent.run("--print", "iam", environment={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def part(policy, *sids):
    """A policy of some of its statements."""
    chosen = [statement for statement in policy["Statement"] if statement["Sid"] in sids]
    assert len(chosen) == len(sids), policy
    return {"Version": policy["Version"], "Statement": chosen}


def with_resource_id(policy):
    """The program can not know it and prints a *."""
    return json.loads(json.dumps(policy).replace("dbuser:*/", f"dbuser:{RESOURCE_ID}/"))


def on_fargate(daemon, family, role, command):
    """Fargate has no host: no directory of it, no ports of it, no tmpfs, no security options. The volumes are the
    task's own, and take their owner from the image."""
    task = copy.deepcopy(daemon)
    [container] = task["containerDefinitions"]
    del container["dockerSecurityOptions"], container["linuxParameters"]["tmpfs"]
    container["portMappings"] = []
    container["mountPoints"].append({"sourceVolume": "run", "containerPath": "/run/poolwarden", "readOnly": False})
    if command:
        container["command"] = command
        del container["healthCheck"]
    account = task["taskRoleArn"].rpartition("/")[0]
    return {**task, "family": family, "taskRoleArn": f"{account}/{role}", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "volumes": [{"name": "state"}, {"name": "run"}]}
