"""The stand-in is judged by botocore's own client: STS, Secrets Manager."""
import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.session import Session

REGION = "eu-west-1"
ARN = "arn:aws:iam::123456789012:role/{}".format


def client(service, url, key):
    return Session().create_client(service, region_name=REGION, endpoint_url=url, aws_access_key_id=key.access_key,
                                   aws_secret_access_key=key.secret_key, aws_session_token=key.session_token)


@pytest.fixture
def own_key(standin):
    return standin.keys[standin.access_key]


@pytest.fixture
def sts(standin, own_key):
    return client("sts", standin.sts_url, own_key)


def assume(sts, role="publisher", **details):
    return sts.assume_role(**{"RoleArn": ARN(role), "RoleSessionName": "poolwarden", **details})["Credentials"]


def code_of(call, *arguments, **details):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **details)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


# ---- STS ----


def test_a_role_is_assumed_by_whom_it_trusts(standin, sts):
    standin.sts.allow("publisher", source=standin.access_key, external_id="orders/1")
    got = assume(sts, ExternalId="orders/1", DurationSeconds=900)
    key = standin.keys[got["AccessKeyId"]]
    assert (key.secret_key, key.session_token) == (got["SecretAccessKey"], got["SessionToken"])
    assert key.expires == got["Expiration"].timestamp()
    assert 890 < key.expires - standin.clock.now() <= 900
    [request] = standin.sts.requests
    assert (request.verified, request.accepted, request.body["ExternalId"]) == (True, True, "orders/1")


REFUSED = {
    "a role that nobody may have": ({}, {}, ("AccessDenied", 403)),
    "another source": ({"source": "AKIDOTHER"}, {}, ("AccessDenied", 403)),
    "no external id": ({"external_id": "one"}, {}, ("AccessDenied", 403)),
    "another external id": ({"external_id": "one"}, {"ExternalId": "another"}, ("AccessDenied", 403)),
    "longer than the role allows": ({"duration_max_s": 3600}, {"DurationSeconds": 3601}, ("ValidationError", 400)),
    "a blank in the session's name": ({"source": None}, {"RoleSessionName": "a b"}, ("ValidationError", 400)),
    "a letter in the session's name that is not ASCII": (
        {"source": None}, {"RoleSessionName": "caf\u00e9"}, ("ValidationError", 400)),
    "too long a session's name": ({"source": None}, {"RoleSessionName": "a" * 65}, ("ValidationError", 400)),
}


@pytest.mark.parametrize("trust, details, code", REFUSED.values(), ids=REFUSED.keys())
def test_sts_refuses(standin, sts, trust, details, code):
    if trust:
        standin.sts.allow("publisher", **trust)
    keys = set(standin.keys)
    assert code_of(assume, sts, **details) == code
    assert set(standin.keys) == keys


def test_a_role_assumed_by_a_role_lasts_an_hour(standin, sts):
    standin.sts.allow("first")
    standin.sts.allow("second", source="first")
    first = standin.keys[assume(sts, "first")["AccessKeyId"]]
    assert code_of(assume, sts, "second") == ("AccessDenied", 403)
    chained = client("sts", standin.sts_url, first)
    assert code_of(assume, chained, "second", DurationSeconds=3601) == ("ValidationError", 400)
    assert standin.keys[assume(chained, "second")["AccessKeyId"]].role == "second"


CALLERS = {
    "unknown": ({"access_key": "AKIDNOBODY"}, ("InvalidClientTokenId", 403)),
    "another secret": ({"secret_key": "wrong"}, ("SignatureDoesNotMatch", 403)),
    "without its token": ({"session_token": None}, ("InvalidClientTokenId", 403)),
    "expired": ({"expires": 1}, ("ExpiredToken", 403)),
}


@pytest.mark.parametrize("change, code", CALLERS.values(), ids=CALLERS.keys())
def test_sts_knows_its_callers(standin, change, code):
    standin.sts.allow("publisher")
    key = standin.identity.issue()
    caller = client("sts", standin.sts_url, type(key)(**{**vars(key), **change}))
    key.expires = change.get("expires", key.expires)
    assert code_of(assume, caller) == code


def test_a_web_identity_is_good_until_it_is_not(standin, sts):
    token = standin.sts.issue_token("pod")

    def ask(**details):
        return sts.assume_role_with_web_identity(
            **{"RoleArn": ARN("pod"), "RoleSessionName": "poolwarden", "WebIdentityToken": token, **details})

    assert ask()["Credentials"]["AccessKeyId"] in standin.keys
    assert token not in str(standin.sts.requests)
    assert code_of(ask, RoleArn=ARN("another")) == ("AccessDenied", 403)
    assert code_of(ask, WebIdentityToken="some.other.token") == ("InvalidIdentityToken", 400)
    standin.sts.tokens[token].is_revoked = True
    assert code_of(ask) == ("IDPRejectedClaim", 403)
    standin.sts.tokens[token].expires = 0
    assert code_of(ask) == ("ExpiredTokenException", 400)


def post(url, parameters, key=None, headers=None):
    """Status, content type, body."""
    request = AWSRequest("POST", url, data=urlencode({"Version": "2011-06-15", **parameters}), headers={
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})})
    if key:
        SigV4Auth(Credentials(key.access_key, key.secret_key), "sts", REGION).add_auth(request)
    raw = urllib.request.Request(url, request.data.encode(), dict(request.headers.items()))
    try:
        with urllib.request.urlopen(raw, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_whoever_accepts_json_gets_it(standin, own_key):
    standin.sts.allow("publisher")
    parameters = {"Action": "AssumeRole", "RoleArn": ARN("publisher"), "RoleSessionName": "poolwarden"}
    status, kind, body = post(standin.sts_url, parameters, own_key, {"Accept": "application/json"})
    assert (status, kind) == (200, "application/json")
    credentials = json.loads(body)["AssumeRoleResponse"]["AssumeRoleResult"]["Credentials"]
    assert standin.keys[credentials["AccessKeyId"]].expires == credentials["Expiration"]
    assert "E9" in body, "a number in exponent form"
    status, kind, body = post(standin.sts_url, {**parameters, "RoleArn": ARN("nobody")}, own_key,
                              {"Accept": "application/json"})
    assert (status, kind, json.loads(body)["Error"]["Code"]) == (403, "application/json", "AccessDenied")
    status, kind, body = post(standin.sts_url, {**parameters, "Action": "GetNothing"}, own_key)
    assert (status, kind) == (400, "text/xml") and "<Code>InvalidAction</Code>" in body


def test_a_web_identity_is_not_signed(standin, own_key):
    parameters = {"Action": "AssumeRoleWithWebIdentity", "RoleArn": ARN("pod"), "RoleSessionName": "poolwarden",
                  "WebIdentityToken": standin.sts.issue_token("pod")}
    assert post(standin.sts_url, parameters, own_key)[0] == 400
    assert post(standin.sts_url, parameters)[0] == 200


def test_sts_misbehaves_on_request(standin, sts, own_key):
    standin.sts.allow("publisher")
    parameters = {"Action": "AssumeRole", "RoleArn": ARN("publisher"), "RoleSessionName": "poolwarden"}
    standin.faults.add("ThrottlingException", operation="AssumeRole")
    status, _, body = post(standin.sts_url, parameters, own_key, {"Accept": "application/json"})
    assert (status, json.loads(body)["Error"]["Code"]) == (400, "Throttling")
    standin.faults.add("IDPCommunicationError", operation="AssumeRoleWithWebIdentity")
    assert post(standin.sts_url, parameters, own_key)[0] == 200


# ---- Secrets Manager ----


def test_a_secret_is_read_and_rotated(standin, own_key):
    manager = client("secretsmanager", standin.secrets_url, own_key)
    arn = standin.secrets.put("orders", "the first")
    assert manager.get_secret_value(SecretId="orders")["SecretString"] == "the first"
    assert standin.secrets.put("orders", {"username": "app", "password": "the second"}) == arn
    got = manager.get_secret_value(SecretId=arn)
    assert json.loads(got["SecretString"]) == {"username": "app", "password": "the second"}
    assert manager.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"] == "the first"
    standin.secrets.put("orders", b"\0\1")
    assert manager.get_secret_value(SecretId=arn)["SecretBinary"] == b"\0\1"
    standin.secrets.denied.add("orders")
    assert code_of(manager.get_secret_value, SecretId=arn) == ("AccessDeniedException", 400)
    standin.secrets.delete("orders")
    assert code_of(manager.get_secret_value, SecretId=arn) == ("ResourceNotFoundException", 400)
    assert {(request.operation, request.verified) for request in standin.secrets.requests} == {("GetSecretValue", True)}


def test_a_secret_is_of_its_region(standin, own_key):
    manager = client("secretsmanager", standin.secrets_url, own_key)
    arn = standin.secrets.put("orders", "s3cret", region="us-east-1")
    assert code_of(manager.get_secret_value, SecretId=arn) == ("ResourceNotFoundException", 400)


def test_one_address_serves_them_all(standin, own_key):
    standin.sts.allow("publisher")
    key = standin.keys[assume(client("sts", standin.url, own_key))["AccessKeyId"]]
    standin.secrets.put("orders", "s3cret")
    assert client("secretsmanager", standin.url, key).get_secret_value(SecretId="orders")["SecretString"] == "s3cret"
    assert [request.headers["host"] for request in standin.sts.requests] == [standin.url.removeprefix("http://")]
