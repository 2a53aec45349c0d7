"""Credentials are found where AWS software finds them, in botocore's order, and kept good."""
import dataclasses
import os
import socket
import time

import pytest

from agent import wrong_clock
from arrived import ORDERS, WINDOW_S, assert_complete, windows
from aws_standin import Standin
from certificates import make_certificates
from identities import ACCOUNT_ROLE, in_environment, key_printer, signer, signers, static_key
from postgres import PASSWORD
from wait import wait_until

OFF = {"provision": "off"}


@pytest.fixture
def agent_with(agent_for, server, standin):
    """agent_with(environment, **sections): an agent that must find its keys by itself; not started."""
    def make(environment, **sections):
        known = {**standin.endpoints(), "AWS_REGION": "eu-west-1"}
        return agent_for({"orders": server.url()}, environment={**known, **environment},
                         **{"alarms": OFF, **sections})

    return make


def look(agent):
    """Has it ask CloudWatch something and end: the quick way to see whose keys it finds."""
    done = agent.run("--setup-alarms", "--dry-run")
    assert (done.returncode, done.stderr) == (3, ""), done.stderr


# ---- the places. Each gives an environment, and whose the keys there are. ----


def environment(standin, _):
    return in_environment(static_key(standin, "AKIDENVIRONMENT")), "AKIDENVIRONMENT"


def credentials_file(standin, home):
    home.credentials("default", **static_key(standin, "AKIDCREDENTIALS"))
    return home.environment, "AKIDCREDENTIALS"


def config_file(standin, home):
    home.config("default", **static_key(standin, "AKIDCONFIG"))
    return home.environment, "AKIDCONFIG"


def named_profile(standin, home):
    home.config("default", **static_key(standin, "AKIDDEFAULT"))
    home.config("profile work", **static_key(standin, "AKIDWORK"))
    return {**home.environment, "AWS_PROFILE": "work"}, "AKIDWORK"


def profile_with_a_blank(standin, home):
    home.config('profile "at work"', **static_key(standin, "AKIDBLANK"))
    return {**home.environment, "AWS_PROFILE": "at work"}, "AKIDBLANK"


def files_elsewhere(standin, home):
    home.config("default", **static_key(standin, "AKIDNOT"))
    keys = "".join(f"{name}={value}\n" for name, value in static_key(standin, "AKIDELSEWHERE").items())
    home.file("elsewhere/keys", f"; keys\n[default]\n{keys}")
    return {**home.environment, "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "~/elsewhere/keys"}, "AKIDELSEWHERE"


def role_of_a_profile(standin, home):
    standin.sts.allow("first", source="AKIDBASE")
    standin.sts.allow("second", source="first", external_id="orders/1")
    home.credentials("base", **static_key(standin, "AKIDBASE"))
    home.config("profile between", role_arn=ACCOUNT_ROLE("first"), source_profile="base")
    home.config("default", role_arn=ACCOUNT_ROLE("second"), source_profile="between", external_id="orders/1",
                role_session_name="orders@prod", duration_seconds=900)
    return home.environment, "second"


def role_of_a_profile_that_names_itself(standin, home):
    standin.sts.allow("itself", source="AKIDSELF")
    home.config("default", role_arn=ACCOUNT_ROLE("itself"), source_profile="default", **static_key(standin, "AKIDSELF"))
    return home.environment, "itself"


def credential_source_environment(standin, home):
    standin.sts.allow("over-environment", source="AKIDSOURCE")
    home.config("profile over", role_arn=ACCOUNT_ROLE("over-environment"), credential_source="Environment")
    return {**home.environment, **in_environment(static_key(standin, "AKIDSOURCE"))}, "over-environment"


def credential_source_container(standin, home):
    standin.sts.allow("over-container", source="poolwarden")
    home.config("default", role_arn=ACCOUNT_ROLE("over-container"), credential_source="EcsContainer")
    return {**home.environment, **standin.identity.container_environment()}, "over-container"


def credential_source_instance(standin, home):
    standin.sts.allow("over-instance", source="poolwarden")
    home.config("default", role_arn=ACCOUNT_ROLE("over-instance"), credential_source="Ec2InstanceMetadata")
    return {**home.environment, **instance(standin, home)[0]}, "over-instance"


def web_identity(standin, home):
    token = home.file("token", standin.sts.issue_token("pod") + "\n")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ACCOUNT_ROLE("pod")}, "pod"


def web_identity_of_a_profile(standin, home):
    token = home.file("token", standin.sts.issue_token("pod"))
    home.config("default", role_arn=ACCOUNT_ROLE("pod"), web_identity_token_file=token, role_session_name="orders")
    return home.environment, "pod"


def source_profile_with_a_web_identity(standin, home):
    token = home.file("token", standin.sts.issue_token("pod"))
    standin.sts.allow("over-pod", source="pod")
    home.config("profile pod", role_arn=ACCOUNT_ROLE("pod"), web_identity_token_file=token)
    home.config("default", role_arn=ACCOUNT_ROLE("over-pod"), source_profile="pod")
    return home.environment, "over-pod"


def process(standin, home):
    home.config("default", credential_process=key_printer(home, standin))
    return home.environment, "AKIDPROCESS"


def container(standin, _):
    standin.identity.role = "poolwarden"
    return standin.identity.container_environment(), "poolwarden"


def container_with_a_token_file(standin, home):
    token = home.file("authorization", standin.identity.container_token + "\n")
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": standin.identity.container_url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not this one"}, "poolwarden"


def instance(standin, _):
    return {**standin.identity.imds_environment(), "AWS_EC2_METADATA_DISABLED": "false"}, "poolwarden"


PLACES = [environment, credentials_file, config_file, named_profile, profile_with_a_blank, files_elsewhere,
          role_of_a_profile, role_of_a_profile_that_names_itself, credential_source_container,
          credential_source_instance, web_identity, web_identity_of_a_profile, source_profile_with_a_web_identity,
          process, container, container_with_a_token_file, instance]


def name_of(place):
    return place.__name__


def assert_sts_was_asked_at_its_own_address(standin):
    assert {request.headers["host"] for request in standin.sts.requests} <= {standin.sts_url.removeprefix("http://")}
    assert all(request.accepted for request in standin.sts.requests), standin.sts.requests


@pytest.mark.parametrize("place", PLACES, ids=name_of)
def test_each_place_alone(agent_with, standin, home, place):
    variables, whose = place(standin, home)
    agent = agent_with(variables).start()
    windows(standin, 1)
    assert signers(standin) == {whose}
    assert all(request.accepted for request in standin.requests)
    assert_sts_was_asked_at_its_own_address(standin)
    assert agent.terminate() == 0
    for key in standin.keys.values():
        assert key.secret_key not in agent.log
        assert not key.session_token or key.session_token not in agent.log


def test_what_a_profile_says_of_its_role_is_sent(agent_with, standin, home):
    look(agent_with(role_of_a_profile(standin, home)[0]))
    first, second = [request.body for request in standin.sts.requests]
    assert first["RoleArn"] == ACCOUNT_ROLE("first") and first["RoleSessionName"].startswith("poolwarden")
    assert {name: second[name] for name in ("RoleArn", "ExternalId", "RoleSessionName", "DurationSeconds")} == {
        "RoleArn": ACCOUNT_ROLE("second"), "ExternalId": "orders/1", "RoleSessionName": "orders@prod",
        "DurationSeconds": 900}


# ---- the order among them ----


def role_over_base(standin, home):
    standin.sts.allow("of-profile", source="AKIDBASE")
    home.credentials("base", **static_key(standin, "AKIDBASE"))
    home.config("default", role_arn=ACCOUNT_ROLE("of-profile"), source_profile="base")
    return home.environment, "of-profile"


IN_ORDER = [environment, role_over_base, web_identity, credentials_file, process, config_file, container, instance]


@pytest.mark.parametrize("first, second", zip(IN_ORDER, IN_ORDER[1:]),
                         ids=[f"{a.__name__} before {b.__name__}" for a, b in zip(IN_ORDER, IN_ORDER[1:])])
def test_of_two_places_the_first_counts(agent_with, standin, home, first, second):
    expected = first(standin, home)[1]
    both = {**second(standin, home)[0], **first(standin, home)[0]}
    look(agent_with(both))
    assert signers(standin) == {expected}


def test_a_profile_chosen_in_agent_conf_counts_before_the_environment(agent_with, standin, home):
    both = {**environment(standin, home)[0], **named_profile(standin, home)[0]}
    look(agent_with({**both, "AWS_PROFILE": "default"}, cloudwatch={"profile": "work"}))
    assert signers(standin) == {"AKIDWORK"}


def test_a_role_over_the_environment_s_keys(agent_with, standin, home):
    """AWS_PROFILE leaves the environment's keys first, as in botocore; agent.conf's profile does not."""
    look(agent_with(credential_source_environment(standin, home)[0], cloudwatch={"profile": "over"}))
    assert signers(standin) == {"over-environment"}


@pytest.mark.parametrize("place", [environment, role_over_base, web_identity, container, instance], ids=name_of)
def test_a_role_in_agent_conf_is_assumed_on_top(agent_with, standin, home, place):
    variables, whose = place(standin, home)
    role = standin.sts.allow("on-top", source=whose)
    look(agent_with(variables, cloudwatch={"role_arn": role}))
    assert signers(standin) == {"on-top"}
    assert_sts_was_asked_at_its_own_address(standin)


def test_a_role_in_agent_conf_is_provisioned_with_too(agent_with, standin, home):
    role = standin.sts.allow("on-top", source="AKIDENVIRONMENT")
    agent = agent_with(environment(standin, home)[0], cloudwatch={"role_arn": role})
    done = agent.run("--setup-alarms")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert {signer(standin, request) for request in standin.requests} == {"on-top"}


@pytest.mark.parametrize("place", [role_over_base, web_identity], ids=name_of)
def test_an_sts_that_knows_only_xml(agent_with, standin, home, place):
    standin.sts.knows_json = False
    variables, whose = place(standin, home)
    look(agent_with(variables))
    assert signers(standin) == {whose}


def test_an_sts_that_refuses_in_xml(agent_with, standin, home):
    standin.sts.knows_json = False
    done = agent_with(denied_role(standin, home)).run("--setup-alarms")
    assert done.returncode == 1
    assert "AccessDenied" in done.stderr and "sts:AssumeRole" in done.stderr


def test_sts_by_https(agent_for, server, tmp_path, home):
    ca, certificate, key = make_certificates(tmp_path)
    with Standin(tls_cert=certificate, tls_key=key) as standin:
        variables, whose = role_over_base(standin, home)
        keys = {**standin.endpoints(), "AWS_REGION": "eu-west-1", **variables}
        look(agent_for({"orders": server.url()}, environment={**keys, "AWS_CA_BUNDLE": str(ca)}))
        assert signers(standin) == {whose}
        done = agent_for({"orders": server.url()}, environment=keys, directory="distrusts").run("--setup-alarms")
        assert (done.returncode, "certificate" in done.stderr) == (1, True)
        assert len(standin.sts.requests) == 1


# ---- region and endpoints out of a profile ----


def test_a_profile_tells_the_region_and_where_the_services_are(agent_for, server, standin, home):
    standin.sts.allow("far", source="AKIDBASE")
    home.credentials("base", **static_key(standin, "AKIDBASE"))
    home.config("profile work", region="eu-central-1", endpoint_url=standin.url, role_arn=ACCOUNT_ROLE("far"),
                source_profile="base")
    agent_for({"orders": server.url()}, environment={**home.environment, "AWS_PROFILE": "work"}, alarms=OFF).start()
    windows(standin, 1)
    assert {datum.region for datum in standin.metrics()} == {"eu-central-1"}
    assert signers(standin) == {"far"}
    [asked] = standin.sts.requests
    assert "/eu-central-1/sts/aws4_request" in asked.headers["authorization"]


def test_an_address_for_one_service_counts_before_that_for_all(agent_for, server, standin, home):
    standin.sts.allow("far", source="AKIDBASE")
    home.credentials("base", **static_key(standin, "AKIDBASE"))
    home.config("default", region="eu-central-1", endpoint_url="http://127.0.0.1:1", services="local",
                role_arn=ACCOUNT_ROLE("far"), source_profile="base")
    home.config("services local", cloudwatch={"endpoint_url": standin.url}, sts={"endpoint_url": standin.sts_url})
    agent_for({"orders": server.url()}, environment=home.environment, alarms=OFF).start()
    windows(standin, 1)
    assert_sts_was_asked_at_its_own_address(standin)


def test_the_environment_s_address_and_region_count_before_the_profile_s(agent_with, standin, home):
    home.config("default", region="eu-central-1", endpoint_url="http://127.0.0.1:1", **static_key(standin, "AKIDBASE"))
    agent_with(home.environment).start()
    windows(standin, 1)
    assert {datum.region for datum in standin.metrics()} == {"eu-west-1"}


def test_one_address_for_all(agent_for, server, standin, home):
    variables, whose = role_over_base(standin, home)
    agent_for({"orders": server.url()}, alarms=OFF, environment={
        **variables, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": standin.url}).start()
    windows(standin, 1)
    assert signers(standin) == {whose}
    assert len(standin.sts.requests) == 1


# ---- refused, in a sentence ----


def profiles(**sections):
    """What is written to config: a section for each, and home's environment."""
    def place(_, home):
        for name, keys in sections.items():
            home.config(name if name == "default" else f"profile {name}", **keys)
        return home.environment
    return place


def a_role(**keys):
    return {"role_arn": ACCOUNT_ROLE("any"), **keys}


def printing(text):
    def place(_, home):
        home.config("default", credential_process=home.file("helper", f"#!/bin/sh\n{text}\n", 0o755))
        return home.environment
    return place


def variables(**values):
    return lambda *_: values


def token_file(text):
    return lambda _, home: {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home.file("token", text)),
                            "AWS_ROLE_ARN": ACCOUNT_ROLE("pod")}


def denied_role(standin, home):
    home.credentials("base", **static_key(standin, "AKIDBASE"))
    home.config("default", **a_role(source_profile="base"))
    return home.environment


def broken_file(_, home):
    home.file(".aws/config", "[default]\nregion = eu-west-1\nno line of this kind\n")
    return home.environment


KEYS = {"aws_access_key_id": "AKIDX", "aws_secret_access_key": "HIDDEN"}
REFUSED = {
    "a loop": (profiles(default=a_role(source_profile="b"), b=a_role(source_profile="default")),
               ["default", "source_profile", "leads back"]),
    "a profile that names itself without keys": (profiles(default=a_role(source_profile="default")), ["source_profile"]),
    "a source that is not there": (profiles(default=a_role(source_profile="gone")), ["source_profile gone"]),
    "a role without a source": (profiles(default=a_role()), ["source_profile", "credential_source"]),
    "a role with two sources": (
        profiles(default=a_role(source_profile="b", credential_source="Environment"), b=KEYS),
        ["only one of source_profile and credential_source"]),
    "an unknown credential_source": (profiles(default=a_role(credential_source="Sky")), ["Ec2InstanceMetadata"]),
    "a role with a person's token": (profiles(default=a_role(source_profile="b", mfa_serial="x"), b=KEYS),
                                     ["mfa_serial"]),
    "a duration": (profiles(default=a_role(source_profile="b", duration_seconds="60"), b=KEYS),
                   ["duration_seconds", "900"]),
    "a session's name": (profiles(default=a_role(source_profile="b", role_session_name="a b"), b=KEYS),
                         ["role_session_name"]),
    "an sso profile": (profiles(default={"sso_session": "corp", "sso_account_id": "1", "sso_role_name": "r"}),
                       ["sso_session", "credential_process"]),
    "an old sso profile": (profiles(default={"sso_start_url": "https://corp.awsapps.com/start"}),
                           ["sso_start_url", "credential_process"]),
    "a profile that is in no file": (
        lambda standin, home: {**profiles(default=KEYS)(standin, home), "AWS_PROFILE": "gone"}, ["profile gone"]),
    "half a pair of keys": (profiles(default={"aws_access_key_id": "AKIDX"}), ["aws_secret_access_key"]),
    "half a pair in the environment": (variables(AWS_ACCESS_KEY_ID="AKIDX"), ["AWS_SECRET_ACCESS_KEY"]),
    "a line that is none": (broken_file, [".aws/config:3"]),
    "STS that says no": (denied_role, ["AccessDenied", "sts:AssumeRole", ACCOUNT_ROLE("any")]),
    "a token without a role": (variables(AWS_WEB_IDENTITY_TOKEN_FILE="/nonexistent"), ["AWS_ROLE_ARN"]),
    "a token file that is not there": (
        variables(AWS_WEB_IDENTITY_TOKEN_FILE="/nonexistent", AWS_ROLE_ARN=ACCOUNT_ROLE("pod")), ["/nonexistent"]),
    "an empty token file": (token_file(""), ["token"]),
    "a token that nobody knows": (token_file("HIDDEN.TOKEN.TEXT"), ["InvalidIdentityToken"]),
    "a helper that is not there": (profiles(default={"credential_process": "/nonexistent/helper"}),
                                   ["/nonexistent/helper"]),
    "a helper's open quote": (profiles(default={"credential_process": "helper 'HIDDEN"}), ["credential_process"]),
    "a helper that fails": (printing("echo 'no login' >&2; exit 3"), ["exited with 3", "no login"]),
    "a helper that is killed": (printing("kill -9 $$"), ["signal 9"]),
    "a helper that prints nothing": (printing("exit 0"), ["credential_process"]),
    "a helper that prints a page": (printing("echo '<html>HIDDEN</html>'"), ["credential_process"]),
    "a helper of another version": (printing("""echo '{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "HIDDEN"}'"""),
                                    ["Version"]),
    "a helper without a secret": (printing("""echo '{"Version": 1, "AccessKeyId": "HIDDEN"}'"""), ["SecretAccessKey"]),
    "a helper that prints without end": (printing("yes HIDDEN"), ["more than"]),
    "a container's address elsewhere": (variables(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://example.com/x"),
                                        ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
    "a container's address that looks like loopback": (
        variables(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1.example.com/x"),
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
    "a container's token of two lines": (
        variables(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/x",
                  AWS_CONTAINER_AUTHORIZATION_TOKEN="HIDDEN\nX-Other: HIDDEN"), ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]),
}


@pytest.mark.parametrize("place, words", REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_used_is_refused_in_a_sentence(agent_with, standin, home, place, words):
    done = agent_with(place(standin, home), alarms={}).run("--setup-alarms")
    assert done.returncode in (1, 2), done.stderr
    [line] = done.stderr.splitlines()
    for word in words:
        assert word in line
    for secret in ("HIDDEN", "secret/AKID"):
        assert secret not in line + done.stdout
    assert standin.requests == []


def sts_answer(credentials):
    return {"headers": {"Content-Type": "application/json"},
            "body": '{"AssumeRoleResponse": {"AssumeRoleResult": {"Credentials": %s}}}' % credentials}


FAILING = {
    "an instance without a role": ("imds_role", {"status": 404, "body": "Not Found"}, ["IMDS", "role"]),
    "an instance whose role can not be had": (
        "imds_credentials", {"body": '{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume it."}'},
        ["IMDS", "AssumeRoleUnauthorizedAccess"]),
    "an instance whose keys have no token": (
        "imds_credentials", {"body": '{"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "HIDDEN"}'},
        ["IMDS", "Token"]),
    "an IMDS that forbids": ("imds_token", {"status": 403}, ["IMDS", "403"]),
    "a container that forbids": ("container", {"status": 401, "body": '{"message": "invalid token"}'},
                                 ["container", "401", "invalid token"]),
    "a container whose keys lack a part": ("container", {"body": '{"AccessKeyId": "HIDDEN"}'},
                                           ["container", "SecretAccessKey"]),
    "a container whose keys have no token": (
        "container", {"body": '{"AccessKeyId": "A", "SecretAccessKey": "HIDDEN"}'}, ["container", "Token"]),
    "a container that answers with a list": ("container", {"body": "[]"}, ["container"]),
    "an STS whose keys have no token": ("AssumeRole", sts_answer('{"AccessKeyId": "A", "SecretAccessKey": "HIDDEN"}'),
                                        ["SessionToken"]),
    "an STS whose answer is another's": ("AssumeRole", sts_answer("[]"), ["role", "AccessKeyId"]),
}


@pytest.mark.parametrize("operation, answer, words", FAILING.values(), ids=FAILING.keys())
def test_what_a_source_answers_is_told(agent_with, standin, home, operation, answer, words):
    standin.faults.add("answer", operation=operation, count=None, **answer)
    place = {"container": container, "AssumeRole": role_over_base}.get(operation, instance)
    done = agent_with(place(standin, home)[0], alarms={}).run("--setup-alarms")
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.splitlines()
    for word in words:
        assert word in line
    for secret in ("HIDDEN", standin.identity.container_token):
        assert secret not in line
    assert standin.requests == []


def test_a_role_that_is_none_is_a_mistake_in_agent_conf(agent_with):
    done = agent_with({}, cloudwatch={"role_arn": "publisher"}).run("--check-config")
    assert done.returncode == 2
    assert "[cloudwatch] role_arn" in done.stderr


def test_with_no_keys_every_place_is_named_with_its_answer(agent_with, standin, home):
    home.config("default", region="eu-west-1")
    done = agent_with({**home.environment, "AWS_EC2_METADATA_DISABLED": "TRUE"}, alarms={}).run("--setup-alarms")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    for words in ("environment: AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE is not set", "profile default has no",
                  "container: ", "AWS_CONTAINER_CREDENTIALS", "IMDS: ", "AWS_EC2_METADATA_DISABLED"):
        assert words in line


def test_a_disabled_imds_is_not_asked(agent_with, standin):
    agent = agent_with({**standin.identity.imds_environment(), "AWS_EC2_METADATA_DISABLED": "True"}).start()
    agent.wait_for_log("cannot publish.*AWS_EC2_METADATA_DISABLED")
    assert standin.identity.requests == []


def test_a_task_s_own_address_counts_before_another(agent_with, standin, home):
    """Nobody hands out keys there outside of a task; whatever answers, the other address is not asked instead."""
    variables = {**container(standin, home)[0], "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"}
    done = agent_with(variables, alarms={}).run("--setup-alarms")
    assert (done.returncode, standin.identity.requests) == (1, [])
    assert "container: " in done.stderr


# ---- helpers: credential_process ----


def test_a_helper_s_command_is_split_as_a_shell_would_but_none_runs_it(agent_with, standin, home):
    helper = key_printer(home, standin, name="with blank/get keys")
    home.config("default", credential_process=f'''"{helper}" 'one argument' two\\ words "$HOME" `id` ";" plain''')
    agent_with(home.environment).start()
    windows(standin, 1)
    assert (home.directory / "arguments").read_text().splitlines() == [
        "one argument", "two words", "$HOME", "`id`", ";", "plain"]


def test_a_helper_learns_no_secret_of_ours(agent_for, server, standin, home):
    home.config("profile work", credential_process=key_printer(home, standin))
    secrets = {"DATABASE_URL": server.url(), "PGPASSWORD": PASSWORD, "POOLWARDEN_CLOUDWATCH_NAMESPACE": "Team",
               "ORDERS_URL": server.url(), "DB_PASSWORD": PASSWORD,
               **in_environment(static_key(standin, "AKIDENVIRONMENT"))}
    agent = agent_for({"orders": "${ORDERS_URL}"}, alarms=OFF, cloudwatch={"profile": "work"}, environment={
        **standin.endpoints(), "AWS_REGION": "eu-west-1", **home.environment, **secrets,
        "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"}).start()
    windows(standin, 1)
    seen = (home.directory / "environment").read_text()
    assert f"HOME={home.directory}\n" in seen and "AWS_CA_BUNDLE=" in seen and "PATH=" in seen
    assert PASSWORD not in seen and "secret/AKID" not in seen and "POOLWARDEN_" not in seen
    assert PASSWORD not in (home.directory / "arguments").read_text()
    assert PASSWORD not in agent.log


def test_a_slow_helper_holds_nothing_up(agent_with, standin, home):
    home.config("default", credential_process=key_printer(home, standin, before="sleep 4"))
    agent_with(home.environment).start()
    assert_complete(windows(standin, 3, deadline_s=20))


def test_a_helper_that_never_ends_does_not_keep_it_from_leaving(agent_with, standin, home):
    home.config("default", credential_process=key_printer(
        home, standin, before=f"echo $$ > {home.directory}/pid; sleep 300 & wait"))
    agent = agent_with(home.environment).start()
    pid = home.directory / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip())
    began = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - began < 5.5
    wait_until(lambda: not os.path.exists(f"/proc/{pid.read_text().strip()}"), 5, what="the helper lives on")


def test_a_helper_is_run_again_when_its_keys_end(agent_with, standin, home):
    hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    home.config("default", credential_process=key_printer(
        home, standin, access_key="AKIDFIRST", more=f', "Expiration": "{hour}"'))
    agent_with(home.environment).start()
    windows(standin, 2)
    runs = home.directory / "runs"
    assert len(runs.read_text()) == 1
    key_printer(home, standin, access_key="AKIDSECOND")
    standin.keys["AKIDFIRST"].expires = 1
    wait_until(lambda: "AKIDSECOND" in signers(standin), 20)
    windows(standin, 2)
    assert len(runs.read_text()) == 2, "without an Expiration they are kept"
    assert_complete(standin.series("DatabaseUp", ORDERS))


# ---- services that fail for once ----

ONCE = {
    "AssumeRole": (role_over_base, ["ThrottlingException", "InternalServiceFault", "html", "empty", "truncated",
                                    "wrong_type", "close", "oversize"]),
    "AssumeRoleWithWebIdentity": (web_identity, ["IDPCommunicationError", "close", "truncated"]),
    "container": (container, ["html", "close", "truncated", "oversize"]),
    "imds_token": (instance, ["InternalServiceFault", "close"]),
    "imds_role": (instance, ["empty", "close"]),
    "imds_credentials": (instance, ["html", "truncated", "oversize"]),
}


@pytest.mark.parametrize("operation, fault", [(operation, fault) for operation, (_, faults) in ONCE.items()
                                              for fault in faults])
def test_a_source_that_fails_for_once_costs_nothing(agent_with, standin, home, operation, fault):
    variables, whose = ONCE[operation][0](standin, home)
    rule = standin.faults.add(fault, operation=operation)
    agent_with(variables).start()
    assert_complete(windows(standin, 2, deadline_s=30))
    assert (rule.hits, signers(standin)) == (1, {whose})


# ---- one that all wait for, and no proxy on the way ----


def test_two_regions_ask_once(agent_for, server, standin):
    databases = {name: {"url": server.url(), "region": name} for name in ("eu-west-1", "us-east-1", "ap-south-1")}
    agent_for(databases, environment={**standin.endpoints(), "AWS_REGION": "eu-west-1",
                                      **standin.identity.container_environment()}).start()
    for name in databases:
        windows(standin, 1, dimensions={"DBInstanceIdentifier": name})
    assert standin.identity.requests == [("container", 200)]


@pytest.mark.parametrize("place", [container, instance], ids=name_of)
def test_keys_never_travel_through_a_proxy(agent_with, standin, home, place):
    variables, whose = place(standin, home)
    agent_with({**variables, "http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost",
                "AWS_ENDPOINT_URL_CLOUDWATCH": standin.url.replace("127.0.0.1", "localhost")}).start()
    windows(standin, 1)
    assert signers(standin) == {whose}


# ---- keys that end ----


def test_a_rotation_under_way_loses_no_datum(agent_with, standin, home):
    """Keys are asked for anew at half of a life that is shorter than half an hour: nothing is ever refused."""
    standin.identity.lifetime_s = 64
    agent_with(container(standin, home)[0]).start()
    windows(standin, 1)
    first, second = standin.identity.current, standin.identity.issue()
    wait_until(lambda: f"Credential={second.access_key}/" in standin.requests[-1].headers["authorization"], 45)
    assert time.time() < first.expires - 15
    assert_complete(windows(standin, 2))
    assert all(request.accepted for request in standin.requests), [request.error for request in standin.requests]


def test_keys_are_found_again_after_a_reload(agent_with, standin, home):
    """The profile's name belongs to the configuration, and the one that it was read from is gone."""
    home.credentials("work", **static_key(standin, "AKIDOLD"))
    agent = agent_with(home.environment, cloudwatch={"profile": "work"}).start()
    windows(standin, 1)
    agent.reload()
    agent.wait_for_log("configuration reloaded")
    home.credentials("work", **static_key(standin, "AKIDNEW"))
    standin.keys["AKIDOLD"].session_token = "gone"  # refused from now on: the files are read anew
    wait_until(lambda: "AKIDNEW" in signers(standin), 60, what=standin.report)
    assert agent.is_running


def test_a_web_identity_token_is_read_anew_at_each_refresh(agent_with, standin, home):
    standin.sts.lifetime_s = 8
    variables, _ = web_identity(standin, home)
    agent_with(variables).start()
    windows(standin, 1)
    for _ in range(2):
        for token in standin.sts.tokens.values():
            token.expires = 0
        home.file("token", standin.sts.issue_token("pod"))
        before = len(standin.sts.requests)
        wait_until(lambda: len(standin.sts.requests) > before, 20)
        windows(standin, 1)
    assert all(request.accepted for request in standin.sts.requests), standin.sts.requests
    assert_complete(standin.series("DatabaseUp", ORDERS))


def test_the_keys_under_a_role_end_too(agent_with, standin, home):
    standin.identity.role = "poolwarden"
    standin.sts.lifetime_s = 8
    agent_with(credential_source_container(standin, home)[0]).start()
    windows(standin, 1)
    expire(standin)
    second = standin.identity.issue()
    wait_until(lambda: any(request.accepted and f"Credential={second.access_key}/" in request.headers["authorization"]
                           for request in standin.sts.requests), 30)
    windows(standin, 1)
    assert_complete(standin.series("DatabaseUp", ORDERS))


def test_an_imds_that_fails_for_a_while_is_asked_again(agent_with, standin, home):
    standin.identity.lifetime_s = 8
    agent = agent_with(instance(standin, home)[0]).start()
    windows(standin, 1)
    failing = standin.faults.add("empty", operation="imds_credentials", count=None)
    agent.wait_for_log("cannot publish.*(IMDS|[Ee]xpired)", 20)
    wait_until(lambda: failing.hits >= 3, 30)
    standin.faults.remove(failing)
    standin.identity.lifetime_s = 3600
    standin.identity.issue()
    agent.wait_for_log("publishing again", 90)
    windows(standin, 2)
    points = standin.series("DatabaseUp", ORDERS)
    assert_complete(points)
    assert all(point["datums"] == 1 for _, point in points)


def test_profiles_are_read_anew_when_keys_end(agent_with, standin, home):
    home.credentials("default", **static_key(standin, "AKIDOLD"))
    agent_with(home.environment).start()
    windows(standin, 1)
    home.credentials("default", **static_key(standin, "AKIDNEW"))
    standin.keys["AKIDOLD"].session_token = "gone"  # UnrecognizedClientException from now on
    wait_until(lambda: "AKIDNEW" in signers(standin), 60, what=standin.report)
    windows(standin, 1)
    assert_complete(standin.series("DatabaseUp", ORDERS))


def expire(standin):
    """The service takes the keys that the container hands out for expired, whatever the container says."""
    current = standin.identity.current
    standin.keys[current.access_key] = dataclasses.replace(current, expires=1)


def test_tokens_that_stay_expired_for_a_while_cost_nothing(agent_with, standin, home):
    """60 s; POOLWARDEN_EXPIRED_S=600 for as long as it may take in earnest."""
    outage_s = int(os.environ.get("POOLWARDEN_EXPIRED_S", 60))
    agent = agent_with(container(standin, home)[0]).start()
    windows(standin, 1)
    expire(standin)
    since, before = time.time(), len(standin.requests)
    agent.wait_for_log("cannot publish.*[Ee]xpired", 20)
    wait_until(lambda: time.time() > since + outage_s, outage_s + 1)
    refused = standin.requests[before:]
    # Two requests an attempt (the second with keys fetched again), pauses of up to 15 s, 7.5 s on average; and half more.
    assert len(refused) <= 20 + 1.5 * 2 * outage_s / 7.5, "it asks again and again"
    standin.identity.issue()
    agent.wait_for_log("publishing again", 90)
    windows(standin, 2)
    points = standin.series("DatabaseUp", ORDERS)
    assert_complete(points)
    assert all(point["datums"] == 1 for _, point in points), "nothing twice"
    assert len(agent.log_lines("cannot publish")) == 1


# ---- IMDS that swallows everything ----


@pytest.mark.parametrize("known", [{}, {"AWS_REGION": ""}], ids=["region known", "region from IMDS, too"])
def test_imds_that_never_answers_is_told_at_once_and_waited_for(agent_with, standin, home, known):
    hanging = standin.faults.add("hang", operation="imds_token", count=None)
    agent = agent_with({**instance(standin, home)[0], **known})
    started = time.time()
    agent.start()
    agent.wait_for_log("IMDS.*hop limit", 5)
    wait_until(lambda: time.time() > started + 12, 13)
    standin.faults.remove(hanging)
    windows(standin, 4, deadline_s=60)
    wait_until(lambda: standin.series("DatabaseUp", ORDERS)[-1][0] > started + 8, 10, what=standin.report)
    points = standin.series("DatabaseUp", ORDERS)
    assert points[0][0] <= started + 2 * WINDOW_S, "the first minutes arrive, with their own timestamps"
    assert_complete(points)


@pytest.mark.parametrize("named", [{"region": "eu-west-1"}, {}], ids=["named by another database", "not named"])
def test_a_region_that_is_found_late(agent_for, server, standin, home, named):
    """Two databases of one region, of which one may say so: one way out for both in the end, one store on the disk."""
    started = time.time()
    hanging = standin.faults.add("hang", operation="imds_token", count=None)
    databases = {"named": {"url": server.url(), **named}, "found": {"url": server.url()}}
    agent = agent_for(databases, cloudwatch={"metrics": "full"},
                      environment={**standin.endpoints(), **instance(standin, home)[0], "AWS_REGION": ""}).start()
    agent.wait_for_log("IMDS.*hop limit", 5)
    standin.faults.remove(hanging)
    agent.wait_for_log("the AWS region is eu-west-1", 30)
    for name in databases:
        points = windows(standin, 6, dimensions={"DBInstanceIdentifier": name}, deadline_s=40)
        assert points[0][0] <= started + 2 * WINDOW_S
        assert_complete(points)
    own = standin.series("AgentSpoolBytes", {"Agent": socket.gethostname()})
    assert {point["sample_count"] for time_s, point in own if time_s > time.time() - 4 * WINDOW_S} == {1}
    wait_until(lambda: {"rds-high-connections-named", "rds-high-connections-found"} <= set(standin.alarms), 40,
               what=lambda: f"{set(standin.alarms)}\n{agent.log}")


def test_imds_that_never_answers_is_told_though_nothing_is_to_be_sent_yet(agent_with, standin, home):
    standin.faults.add("hang", operation="imds_token", count=None)
    agent = agent_with(instance(standin, home)[0], agent={"publish_interval": "60s"}).start()
    agent.wait_for_log("IMDS.*hop limit", 5)


def test_imds_sessions_that_end_are_opened_again(agent_with, standin, home):
    standin.identity.lifetime_s = 12
    agent_with(instance(standin, home)[0]).start()
    windows(standin, 1)
    standin.identity.expire_sessions()
    standin.identity.lifetime_s = 3600
    standin.identity.issue()
    wait_until(lambda: 401 in {status for _, status in standin.identity.requests}, 20)
    assert_complete(windows(standin, 3, deadline_s=20))
    assert standin.requests[-1].accepted


# ---- a clock that is wrong ----


@pytest.mark.parametrize("shift", ["+20m", "-20m"])
@pytest.mark.parametrize("place", [environment, role_over_base, container], ids=name_of)
def test_a_clock_that_is_twenty_minutes_wrong(agent_with, standin, home, place, shift):
    variables, whose = place(standin, home)
    agent_with({**variables, **wrong_clock(shift)}).start()
    windows(standin, 4, deadline_s=30)
    asked = standin.sts.requests + standin.requests if place is role_over_base else standin.requests
    assert [request.accepted for request in asked[:3]] == [False, True, True], asked[:3]
    assert sum(not request.accepted for request in asked) == 1
    assert signers(standin) == {whose}
    points = standin.series("DatabaseUp", ORDERS)
    now = time.time()
    assert all(now - 60 < stamp <= now for stamp, _ in points), "stamped by the service's clock"
    assert sum(point["sample_count"] for _, point in points) >= 3 * WINDOW_S
