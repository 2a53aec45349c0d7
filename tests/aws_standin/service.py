"""One request's way: recorded, spoilt by a fault or verified, decoded, checked, run, answered."""
import json
import threading
import uuid
from dataclasses import dataclass

from . import limits, wire
from .cloudwatch import Caller, CloudWatch
from .errors import JSON_TYPE, ServiceError
from .faults import Faults
from .model import Model
from .server import Answer
from .signature import verify


@dataclass
class Request:
    """A request and what became of it. Complete before its answer is sent."""
    number: int
    arrived: float
    operation: str  # "" when it names none
    headers: dict   # lower-case names
    connection: tuple
    wire_bytes: int
    body: dict = None      # None: not readable
    verified: bool = False  # the signature is good
    accepted: bool = False  # the operation was carried out
    status: int = None     # None: nothing was answered
    error: str = None      # code of the error answered
    message: str = None
    fault: str = None      # the fault that was injected


class Service:
    def __init__(self, keys, clock, region=None, log=None):
        """keys: access key -> Key, shared with whoever issues them. log: a text file, one line a request."""
        self.keys, self.clock, self.region, self.log = keys, clock, region, log
        self.model, self.faults = Model(), Faults()
        self.changed = threading.Condition(threading.RLock())
        self.reset()

    def reset(self):
        with self.changed:
            self.requests, self.cloudwatch = [], CloudWatch()
            self.faults.clear()
            self.clock.offset_s = 0.0

    def handle(self, call):
        request = self._record(call)
        rule = self.faults.take(request.operation)
        query_mode = call.headers.get("x-amzn-query-mode") == "true"
        usual = self._process(request, call, query_mode, act=rule is None or rule.acts)
        answer = rule.spoil(usual, query_mode) if rule else usual
        answer.headers.setdefault("x-amzn-RequestId", str(uuid.uuid4()))
        self._conclude(request, answer, rule)
        return answer

    def _record(self, call):
        with self.changed:
            request = Request(len(self.requests) + 1, self.clock.now(), wire.operation_of(call),
                              {name.lower(): value for name, value in call.headers.items()}, call.peer, len(call.body))
            self.requests.append(request)
        return request

    def _process(self, request, call, query_mode, act):
        """What the service would answer. act: whether the operation is carried out, too."""
        try:
            scope = verify(call, self.keys, self.clock.now(), region=self.region)
            request.verified = True
            wire.check_envelope(call)
            request.body = wire.decode(call, request.operation)
            with self.changed:
                caller = Caller(scope.region, request.number, self.clock.now())
                result = self.run(request.operation, request.body, caller) if act else {}
            request.accepted = act
            return Answer(200, json.dumps(result).encode(), {"Content-Type": JSON_TYPE})
        except ServiceError as error:
            request.error, request.message = error.code, error.message
            return error.answer(query_mode)

    def run(self, operation, document, caller):
        """Checks a document and carries the operation out."""
        run = self.cloudwatch.operations.get(operation)
        if run is None:
            raise ServiceError("UnknownOperationException", f"no operation {operation}")
        self.model.check(operation, document)
        limits.check(operation, document, caller.now)
        if operation == "PutMetricData":
            self.faults.check_poison(document)
        return run(document, caller)

    def _conclude(self, request, answer, rule):
        with self.changed:
            request.status = answer.status if answer.is_sent else None
            request.fault = rule.fault if rule else None
            self.changed.notify_all()
            if self.log:
                print(request.number, request.operation or "-", request.status or "-", request.error or "-",
                      "verified" if request.verified else "NOT VERIFIED", request.fault or "", file=self.log, flush=True)
