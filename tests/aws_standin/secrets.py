"""Secrets Manager's GetSecretValue.

    arn = secrets.put("orders", "s3cret")                      again: rotated, under the same ARN
    arn = secrets.put("orders", {"username": "app", "password": "s3cret", ...})     the form that RDS rotates
    arn = secrets.put("orders", b"...")                        binary
    secrets.denied.add("orders")                               AccessDeniedException
    secrets.delete("orders")
    secrets.requests                                           [recorded.Request]
"""
import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from secrets import choice
from string import ascii_letters

from . import wire
from .cloudwatch import ACCOUNT, partition_of
from .errors import ServiceError
from .model import Model
from .recorded import Recorded
from .server import Answer
from .signature import verify

TARGET = "secretsmanager."
TYPE = "application/x-amz-json-1.1"
NOT_FOUND = "Secrets Manager can't find the specified secret."


@dataclass
class Secret:
    name: str
    arn: str
    region: str
    versions: list = field(default_factory=list)  # [(version id, value, created)], the newest last


def is_meant(call):
    """Whether a request on an endpoint of several services is Secrets Manager's."""
    return call.headers.get("X-Amz-Target", "").startswith(TARGET)


class Secrets(Recorded):
    def __init__(self, keys, clock, faults, changed, region=None, log=None):
        super().__init__(clock, faults, changed, log)
        self.keys, self.region, self.model = keys, region, Model("secretsmanager")
        self.reset()

    def reset(self):
        with self.changed:
            self.requests, self.secrets, self.denied = [], {}, set()

    # ---- what tests do ----

    def put(self, name, value, region="eu-west-1"):
        """Returns the ARN. value: text, bytes, or a dictionary that becomes JSON."""
        with self.changed:
            secret = self.secrets.get(name)
            if secret is None:
                suffix = "".join(choice(ascii_letters) for _ in range(6))
                arn = f"arn:{partition_of(region)}:secretsmanager:{region}:{ACCOUNT}:secret:{name}-{suffix}"
                secret = self.secrets[name] = Secret(name, arn, region)
            value = json.dumps(value) if isinstance(value, dict) else value
            secret.versions.append((str(uuid.uuid4()), value, round(time.time(), 3)))
        return secret.arn

    def delete(self, name):
        with self.changed:
            del self.secrets[name]

    # ---- a request's way ----

    @staticmethod
    def operation_of(call):
        target = call.headers.get("X-Amz-Target", "")
        return target[len(TARGET):] if target.startswith(TARGET) else ""

    def carry_out(self, request, call, act):
        scope = verify(call, self.keys, self.clock.now(), "secretsmanager", self.region)
        request.verified = True
        if (call.method, call.target, call.headers.get("Content-Type")) != ("POST", "/", TYPE):
            raise ServiceError("UnknownOperationException", f"not POST / with Content-Type {TYPE}")
        request.body = wire.decode(call, request.operation)
        if request.operation != "GetSecretValue":
            raise ServiceError("UnknownOperationException", f"no operation {request.operation}")
        self.model.check("GetSecretValue", request.body)
        with self.changed:
            result = self._value(request.body, scope)
        return Answer(200, json.dumps(result).encode(), {"Content-Type": TYPE})

    def _value(self, document, scope):
        wanted = document["SecretId"]
        secret = next((row for row in self.secrets.values()
                       if wanted in (row.name, row.arn) and row.region == scope.region), None)
        if secret is not None and secret.name in self.denied:
            raise ServiceError("AccessDeniedException", f"User: arn:aws:iam::{ACCOUNT}:user/{scope.access_key} is not "
                               f"authorized to perform: secretsmanager:GetSecretValue on resource: {secret.arn} because "
                               "no identity-based policy allows the secretsmanager:GetSecretValue action")
        stage = document.get("VersionStage", "AWSCURRENT")
        place = {"AWSCURRENT": -1, "AWSPREVIOUS": -2}.get(stage, 0)
        if secret is None or len(secret.versions) < -place or place == 0:
            raise ServiceError("ResourceNotFoundException", NOT_FOUND)
        version, value, created = secret.versions[place]
        if document.get("VersionId", version) != version:
            raise ServiceError("ResourceNotFoundException", NOT_FOUND)
        content = {"SecretBinary": base64.b64encode(value).decode()} if isinstance(value, bytes) \
            else {"SecretString": value}
        return {"ARN": secret.arn, "CreatedDate": created, "Name": secret.name, **content, "VersionId": version,
                "VersionStages": [stage]}

    @staticmethod
    def tell(error, _):
        """Its modelled errors say Message, those of the layers in front message."""
        status = 500 if error.shape.startswith("Internal") else 400
        shape = "InternalServiceError" if status == 500 else error.shape
        is_modelled = shape in ("ResourceNotFoundException", "AccessDeniedException", "InvalidParameterException",
                                "InvalidRequestException", "DecryptionFailure", "InternalServiceError")
        body = {"__type": shape, "Message" if is_modelled else "message": error.message}
        return Answer(status, json.dumps(body).encode(), {"Content-Type": TYPE})
