"""Misbehaviour to order. A rule names an operation and how often it strikes; the oldest rule that fits goes first.

    faults.add("ThrottlingException", operation="PutMetricData", count=2)      any shape of errors.py
    faults.add("InternalServiceFault", stored=True)             acts first, then fails: an ambiguous answer
    faults.add("answer", status=429, headers={"x-amz-retry-after": "1500"}, body="...")
    faults.add("html")   faults.add("empty")   faults.add("wrong_type")   faults.add("oversize", size=4 << 20)
    faults.add("close")  faults.add("close", stored=True)       no answer, the data not stored or stored
    faults.add("hang")   faults.add("truncated")                (truncated has always acted)
    faults.add("delay", delay_s=2)                              then as usual; delay_s fits any other fault, too
    faults.add("poison", metric="Bad", dimensions={...})        refuses batches that hold such a datum, for ever
    faults.add("AccessDenied", namespace="Old")                 any shape, for PutMetricData to that namespace, for ever

count=None: until removed. stored: whether the operation acts first. Operations of identity.py: container, imds_token,
imds_role, imds_credentials, imds_placement; of sts.py: AssumeRole, AssumeRoleWithWebIdentity; of secrets.py:
GetSecretValue.
"""
import json
import threading
from dataclasses import dataclass, field

from .errors import ERRORS, JSON_TYPE, ServiceError
from .limits import datums_of
from .metrics import read_datum, select
from .server import Answer

HTML = b"<html><body>Service Unavailable</body></html>"
ACTED = ("delay", "truncated", "wrong_type")  # spoil the operation's own answer
OTHERS = ("answer", "html", "empty", "oversize", "close", "hang", "poison")


@dataclass
class Rule:
    fault: str
    operation: str = "*"
    count: int = 1
    stored: bool = False
    status: int = None
    message: str = None
    headers: dict = field(default_factory=dict)
    body: str = ""
    size: int = 2 << 20
    delay_s: float = 0
    metric: str = None
    dimensions: dict = None
    namespace: str = None
    hits: int = 0

    def __post_init__(self):
        if self.fault not in (*ERRORS, *ACTED, *OTHERS):
            raise ValueError(f"no fault {self.fault}")
        if self.fault == "poison" or self.namespace:
            self.count = None

    @property
    def acts(self):
        return self.stored or self.fault in ACTED

    def strikes(self, operation):
        return self.fault != "poison" and not self.namespace and self.operation in ("*", operation) and self.hits != self.count

    def spoil(self, usual, tell):
        """The answer instead of the usual one. tell: what the service makes of a ServiceError."""
        answer = self._answer(usual, tell)
        answer.status = self.status or answer.status
        answer.headers = {**answer.headers, **self.headers}
        answer.delay_s = self.delay_s
        return answer

    def _answer(self, usual, tell):
        if self.fault in ERRORS:
            return tell(ServiceError(self.fault, self.message or MESSAGES.get(self.fault, "injected")))
        if self.fault in ("close", "hang"):
            return Answer(wire=self.fault)
        if self.fault == "truncated":
            return Answer(usual.status, usual.body, usual.headers, wire="truncated")
        if self.fault == "wrong_type":
            return Answer(usual.status, usual.body, {**usual.headers, "Content-Type": "text/html"})
        return {
            "delay": lambda: usual,
            "answer": lambda: Answer(200, self.body.encode(), {"Content-Type": JSON_TYPE}),
            "html": lambda: Answer(503, HTML, {"Content-Type": "text/html"}),
            "empty": lambda: Answer(500),
            "oversize": lambda: Answer(200, json.dumps({"x": "x" * self.size}).encode(), {"Content-Type": JSON_TYPE}),
        }[self.fault]()


MESSAGES = {
    "ThrottlingException": "Rate exceeded",
    "AccessDeniedException": "User: arn:aws:sts::123456789012:assumed-role/x/i is not authorized to perform this action",
    "ExpiredTokenException": "The security token included in the request is expired",
    "ExpiredToken": "The security token included in the request is expired",
    "IDPCommunicationError": "Couldn't retrieve verification key from your identity provider",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
}


class Faults:
    def __init__(self):
        self.rules = []
        self._lock = threading.Lock()

    def add(self, fault, **details):
        """Returns the rule; its `hits` count what it did."""
        rule = Rule(fault, **details)
        with self._lock:
            self.rules.append(rule)
        return rule

    def remove(self, rule):
        with self._lock:
            self.rules = [other for other in self.rules if other is not rule]

    def clear(self):
        with self._lock:
            self.rules = []

    def take(self, operation):
        """The rule that strikes now, or None."""
        with self._lock:
            for rule in self.rules:
                if rule.strikes(operation):
                    rule.hits += 1
                    return rule
        return None

    def check_namespace(self, document):
        """PutMetricData: the error for a namespace that is refused."""
        for rule in self.rules:
            if rule.namespace == document["Namespace"]:
                rule.hits += 1
                raise ServiceError(rule.fault, rule.message or MESSAGES.get(rule.fault, "injected"))

    def check_poison(self, document):
        """PutMetricData: the error for the first poisoned datum."""
        poison = [rule for rule in self.rules if rule.fault == "poison"]
        for path, raw in datums_of(document) if poison else ():
            datum = read_datum(raw, "", document["Namespace"], 0, 0)
            for rule in poison:
                if select([datum], rule.metric, rule.dimensions):
                    rule.hits += 1
                    raise ServiceError("InvalidParameterValueException", f"The value for parameter {path} is invalid.")
