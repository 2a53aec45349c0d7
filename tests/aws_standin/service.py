"""One request's way to CloudWatch: verified, decoded, checked, run, answered."""
import json

from . import limits, wire
from .cloudwatch import Caller, CloudWatch
from .errors import JSON_TYPE, ServiceError
from .faults import Faults
from .model import Model
from .recorded import Recorded
from .server import Answer
from .signature import verify


class Service(Recorded):
    def __init__(self, keys, clock, region=None, log=None):
        """keys: access key -> Key, shared with whoever issues them. log: a text file, one line a request."""
        super().__init__(clock, Faults(), log=log)
        self.keys, self.region, self.model = keys, region, Model()
        self.reset()

    def reset(self):
        with self.changed:
            self.requests, self.cloudwatch = [], CloudWatch()
            self.faults.clear()
            self.clock.offset_s = 0.0

    @staticmethod
    def operation_of(call):
        return wire.operation_of(call)

    def carry_out(self, request, call, act):
        scope = verify(call, self.keys, self.clock.now(), region=self.region)
        request.verified = True
        wire.check_envelope(call)
        request.body = wire.decode(call, request.operation)
        with self.changed:
            caller = Caller(scope.region, request.number, self.clock.now())
            result = self.run(request.operation, request.body, caller) if act else {}
        return Answer(200, json.dumps(result).encode(), {"Content-Type": JSON_TYPE})

    @staticmethod
    def tell(error, call):
        return error.answer(call.headers.get("x-amzn-query-mode") == "true")

    def run(self, operation, document, caller):
        """Checks a document and carries the operation out."""
        run = self.cloudwatch.operations.get(operation)
        if run is None:
            raise ServiceError("UnknownOperationException", f"no operation {operation}")
        self.model.check(operation, document)
        limits.check(operation, document, caller.now)
        if operation == "PutMetricData":
            self.faults.check_namespace(document)
            self.faults.check_poison(document)
        return run(document, caller)
