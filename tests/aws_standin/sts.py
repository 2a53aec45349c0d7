"""STS: roles that may be assumed, and the keys that come of it, which every other service here knows at once.

    role = sts.allow("publisher", source="AKIDEXAMPLE", external_id="orders/1")     AssumeRole
    token = sts.issue_token("publisher")                                            AssumeRoleWithWebIdentity
    sts.requests     [recorded.Request]: body holds the parameters, but no web identity token
    sts.tokens       token -> WebIdentity; its expires may be set, and is_revoked
    sts.lifetime_s   of what is issued, whatever was asked for; None: what was asked for
    sts.knows_json   answers are JSON for whoever accepts it, else XML; False: XML for everybody

Nobody is trusted until a test says so.
"""
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from .cloudwatch import ACCOUNT
from .errors import IN_QUERY, QUERY, ServiceError
from .model import Model
from .recorded import Recorded
from .server import Answer
from .signature import Key, verify

VERSION = "2011-06-15"
FORM_TYPE = "application/x-www-form-urlencoded"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
SKEW_MAX_MIN = 15
CHAINED_MAX_S = 3600


@dataclass
class Role:
    """source: the access key or the name of the role that may assume it; None: any known caller."""
    name: str
    source: str = None
    external_id: str = None
    duration_max_s: int = 43200


@dataclass
class WebIdentity:
    role: str  # which it is good for
    expires: float
    is_revoked: bool = False


def arn_of(role):
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def is_meant(call):
    """Whether a request on an endpoint of several services is STS's."""
    return call.headers.get("Content-Type", "").partition(";")[0] == FORM_TYPE


class Sts(Recorded):
    def __init__(self, keys, clock, faults, changed, region=None, log=None):
        super().__init__(clock, faults, changed, log)
        self.keys, self.region, self.model = keys, region, Model("sts")
        self.reset()

    def reset(self):
        with self.changed:
            self.requests, self.roles, self.tokens = [], {}, {}
            self.lifetime_s, self.knows_json = None, True

    # ---- what tests set ----

    def allow(self, role, source=None, external_id=None, duration_max_s=43200):
        """Trusts, replacing what was said of that role before; returns its ARN."""
        with self.changed:
            self.roles[arn_of(role)] = Role(role, source, external_id, duration_max_s)
        return arn_of(role)

    def issue_token(self, role, lifetime_s=3600):
        """A web identity token that is good for that role, as long as a real one."""
        with self.changed:
            token = ".".join(secrets.token_urlsafe(length) for length in (60, 400, 256))
            self.tokens[token] = WebIdentity(role, self.clock.now() + lifetime_s)
        return token

    # ---- a request's way ----

    @staticmethod
    def operation_of(call):
        return dict(parse_qsl(call.body.decode("latin-1"))).get("Action", "")

    def carry_out(self, request, call, act):
        parameters = self._parameters(request, call)
        caller = self._caller(call) if request.operation == "AssumeRole" else _check_unsigned(call)
        request.verified = caller is not None
        with self.changed:
            role = self._by_trust(parameters, caller) if caller else self._by_token(parameters)
            key = self._issue(role, parameters) if act else Key("", "", "", 0)
        return _answer(request.operation, _result(key, role, parameters["RoleSessionName"]), self._wants_json(call))

    def _parameters(self, request, call):
        if (call.method, call.target) != ("POST", "/") or not is_meant(call):
            raise ServiceError("MalformedQueryString", f"not POST / with Content-Type {FORM_TYPE}")
        parameters = _decode(call.body)
        request.body = {name: value for name, value in parameters.items() if name != "WebIdentityToken"}
        action, version = (parameters.pop(name, None) for name in ("Action", "Version"))
        if version != VERSION or action not in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            raise ServiceError("InvalidAction", f"Could not find operation {action} for version {version}")
        self.model.check(action, parameters)
        return parameters

    def _caller(self, call):
        try:
            scope = verify(call, self.keys, self.clock.now(), "sts", self.region, SKEW_MAX_MIN)
        except ServiceError as error:
            code = "ExpiredToken" if error.shape == "ExpiredTokenException" else IN_QUERY.get(error.shape, error.shape)
            raise ServiceError(code, error.message) from None
        return self.keys[scope.access_key]

    # ---- who may ----

    def _by_trust(self, parameters, caller):
        role = self.roles.get(parameters["RoleArn"])
        source = caller.role or caller.access_key
        if (role is None or role.source not in (None, source)
                or role.external_id not in (None, parameters.get("ExternalId"))):
            raise ServiceError("AccessDenied", f"User: {_principal(caller)} is not authorized to perform: "
                               f"sts:AssumeRole on resource: {parameters['RoleArn']}")
        self._check_duration(role, parameters, caller.role is not None)
        return role

    def _by_token(self, parameters):
        token = self.tokens.get(parameters["WebIdentityToken"])
        if token is None:
            raise ServiceError("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this "
                               "error if you sent an Access Token)")
        now = self.clock.now()
        if now >= token.expires:
            raise ServiceError("ExpiredTokenException", f"Token expired: current date/time {int(now)} must be before "
                               f"the expiration date/time {int(token.expires)}")
        if token.is_revoked:
            raise ServiceError("IDPRejectedClaim", "The web identity token was rejected")
        if parameters["RoleArn"] != arn_of(token.role):
            raise ServiceError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        role = Role(token.role)
        self._check_duration(role, parameters, False)
        return role

    @staticmethod
    def _check_duration(role, parameters, is_chained):
        duration_s = parameters.get("DurationSeconds", 0)
        if is_chained and duration_s > CHAINED_MAX_S:
            raise ServiceError("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for "
                               "roles assumed by role chaining.")
        if duration_s > role.duration_max_s:
            raise ServiceError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set "
                               "for this role.")

    def _issue(self, role, parameters):
        lifetime_s = self.lifetime_s or parameters.get("DurationSeconds", 3600)
        key = Key("ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30),
                  "IQoJ" + secrets.token_urlsafe(200) + "//+==", int(self.clock.now()) + lifetime_s, role.name)
        self.keys[key.access_key] = key
        return key

    # ---- answers ----

    def _wants_json(self, call):
        return self.knows_json and "application/json" in call.headers.get("Accept", "")

    def tell(self, error, call):
        code = error.shape if error.shape in QUERY else IN_QUERY.get(error.shape, "InternalFailure")
        row = {"Type": "Receiver" if QUERY[code] >= 500 else "Sender", "Code": code, "Message": error.message}
        request_id = str(uuid.uuid4())
        if self._wants_json(call):
            return Answer(QUERY[code], json.dumps({"Error": row, "RequestId": request_id}).encode(),
                          {"Content-Type": "application/json"})
        return _xml(QUERY[code], "ErrorResponse", {"Error": row, "RequestId": request_id})


def _check_unsigned(call):
    signed = [name for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token") if name in call.headers]
    if signed:
        raise ServiceError("ValidationError", f"AssumeRoleWithWebIdentity is not signed, but there is {signed[0]}")


def _decode(body):
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise ServiceError("MalformedQueryString", str(error)) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise ServiceError("MalformedQueryString", "a parameter stands twice")
    if "DurationSeconds" in parameters:
        if not parameters["DurationSeconds"].isdecimal():
            raise ServiceError("ValidationError", "DurationSeconds is not a number")
        parameters["DurationSeconds"] = int(parameters["DurationSeconds"])
    return parameters


def _principal(key):
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{key.role}/session" if key.role \
        else f"arn:aws:iam::{ACCOUNT}:user/{key.access_key}"


def _result(key, role, session):
    return {"AssumedRoleUser": {"AssumedRoleId": f"AROAEXAMPLE:{session}",
                                "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/{session}"},
            "Credentials": {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret_key,
                            "SessionToken": key.session_token, "Expiration": key.expires}}


def _answer(operation, result, as_json):
    metadata = {"RequestId": str(uuid.uuid4())}
    credentials = result["Credentials"]
    epoch_s = credentials["Expiration"]
    credentials["Expiration"] = "@" if as_json else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))
    document = {f"{operation}Result": result, "ResponseMetadata": metadata}
    if not as_json:
        return _xml(200, f"{operation}Response", document)
    text = json.dumps({f"{operation}Response": document}).replace('"@"', _exponent_form(epoch_s))
    return Answer(200, text.encode(), {"Content-Type": "application/json"})


def _exponent_form(number):
    """As the service writes a number: 1.78680096E9."""
    mantissa, exponent = f"{number:.9E}".split("E")
    return f"{mantissa.rstrip('0')}E{int(exponent)}".replace(".E", ".0E")


def _xml(status, root, document):
    text = f'<{root} xmlns="{NAMESPACE}">\n{_elements(document)}</{root}>\n'
    return Answer(status, text.encode(), {"Content-Type": "text/xml"})


def _elements(document):
    return "".join(f"<{name}>{_elements(value) if isinstance(value, dict) else escape(value)}</{name}>\n"
                   for name, value in document.items())
