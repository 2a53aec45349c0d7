"""Where an agent on AWS gets its temporary credentials: the container endpoint and IMDSv2, on one plain HTTP server.

Keys that are issued here are known to the CloudWatch service at once, with their session token and expiry.
"""
import json
import secrets
import time

from .server import Answer, Server
from .signature import Key

METADATA = "/latest/meta-data/"
ROLES = METADATA + "iam/security-credentials/"
TTL_MAX_S = 21600


def _iso(epoch_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))


def _text(body, status=200):
    return Answer(status, body.encode(), {"Content-Type": "text/plain"})


class Identity:
    """role, region, lifetime_s, container_token (None: none is asked for) may be changed at any time."""

    def __init__(self, keys, clock, faults):
        self.keys, self.clock, self.faults = keys, clock, faults
        self.role, self.region, self.lifetime_s = "poolwarden", "eu-west-1", 6 * 3600
        self.container_token = "Bearer " + secrets.token_hex(8)
        self.requests = []  # (operation, status)
        self.current = None
        self._sessions = {}  # IMDS token -> expiry
        self.server = Server(self, clock)

    @property
    def container_url(self):
        return self.server.url + "/creds"

    @property
    def imds_url(self):
        return self.server.url + "/"

    def container_environment(self):
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.container_url,
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.container_token or ""}

    def imds_environment(self):
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.imds_url}

    def issue(self):
        """Makes a new set the current one; sets issued before stay valid until they expire."""
        suffix = secrets.token_hex(8).upper()
        self.current = Key("ASIA" + suffix, secrets.token_urlsafe(30), "IQoJ" + secrets.token_urlsafe(200) + "==",
                           int(self.clock.now()) + self.lifetime_s, self.role)
        self.keys[self.current.access_key] = self.current
        return self.current

    def expire_sessions(self):
        """IMDS tokens handed out so far are no longer good: the next GET is answered 401."""
        self._sessions.clear()

    def handle(self, call):
        operation = self._operation(call)
        rule = self.faults.take(operation)
        usual = getattr(self, "_" + operation)(call)
        answer = rule.spoil(usual, lambda error: error.answer(False)) if rule else usual
        self.requests.append((operation, answer.status if answer.is_sent else None))
        return answer

    @staticmethod
    def _operation(call):
        if (call.method, call.target) == ("GET", "/creds"):
            return "container"
        if (call.method, call.target) == ("PUT", "/latest/api/token"):
            return "imds_token"
        if call.method != "GET" or not call.target.startswith(METADATA):
            return "unknown"
        if call.target.startswith(ROLES):
            return "imds_credentials" if len(call.target) > len(ROLES) else "imds_role"
        return "imds_placement"

    @staticmethod
    def _unknown(_):
        return _text("Not Found", 404)

    def _credentials(self):
        key = self.current or self.issue()
        return {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret_key, "Token": key.session_token,
                "Expiration": _iso(key.expires)}

    # ---- container ----

    def _container(self, call):
        if self.container_token and call.headers.get("Authorization") != self.container_token:
            return Answer(401, b'{"message": "invalid authorization token"}', {"Content-Type": "application/json"})
        document = {"RoleArn": f"arn:aws:iam::123456789012:role/{self.role}", **self._credentials()}
        return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    # ---- IMDSv2 ----

    def _imds_token(self, call):
        ttl = call.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not ttl.isdecimal() or not 1 <= int(ttl) <= TTL_MAX_S:
            return _text("Bad Request", 400)
        if "X-Forwarded-For" in call.headers:
            return _text("Forbidden", 403)
        token = secrets.token_urlsafe(40)
        self._sessions[token] = self.clock.now() + int(ttl)
        answer = _text(token)
        answer.headers["x-aws-ec2-metadata-token-ttl-seconds"] = ttl
        return answer

    def _with_session(self, call, answer):
        expiry = self._sessions.get(call.headers.get("x-aws-ec2-metadata-token"), 0)
        return answer() if self.clock.now() < expiry else _text("Unauthorized", 401)

    def _imds_role(self, call):
        return self._with_session(call, lambda: _text(self.role) if self.role else _text("Not Found", 404))

    def _imds_credentials(self, call):
        def answer():
            if call.target != ROLES + (self.role or ""):
                return _text("Not Found", 404)
            return _text(json.dumps({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": _iso(self.clock.now()),
                                     **self._credentials()}))
        return self._with_session(call, answer)

    def _imds_placement(self, call):
        known = {"placement/region": self.region, "placement/availability-zone": self.region + "a",
                 "instance-id": "i-0123456789abcdef0"}
        body = known.get(call.target[len(METADATA):])
        return self._with_session(call, lambda: _text(body) if body else _text("Not Found", 404))
