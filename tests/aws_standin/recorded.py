"""What every service does with a request: recorded, spoilt by a fault or carried out, answered."""
import threading
import uuid
from dataclasses import dataclass

from .errors import ServiceError


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


class Recorded:
    """A service is operation_of(call), carry_out(request, call, act) -> Answer and tell(error, call) -> Answer.

    act: whether the operation is carried out, too, or only checked. changed: one condition for all services of a
    stand-in; it is notified after each request.
    """

    def __init__(self, clock, faults, changed=None, log=None):
        """log: a text file, one line a request."""
        self.clock, self.faults, self.log = clock, faults, log
        self.changed = changed or threading.Condition(threading.RLock())
        self.requests = []

    def handle(self, call):
        request = self._record(call)
        rule = self.faults.take(request.operation)
        usual = self._process(request, call, act=rule is None or rule.acts)
        answer = rule.spoil(usual, lambda error: self.tell(error, call)) if rule else usual
        answer.headers.setdefault("x-amzn-RequestId", str(uuid.uuid4()))
        self._conclude(request, answer, rule)
        return answer

    def _record(self, call):
        with self.changed:
            request = Request(len(self.requests) + 1, self.clock.now(), self.operation_of(call),
                              {name.lower(): value for name, value in call.headers.items()}, call.peer, len(call.body))
            self.requests.append(request)
        return request

    def _process(self, request, call, act):
        """What the service would answer."""
        try:
            with self.changed:  # whoever sees what it did sees that it was accepted
                answer = self.carry_out(request, call, act)
                request.accepted = act
            return answer
        except ServiceError as error:
            request.error, request.message = error.code, error.message
            return self.tell(error, call)

    def _conclude(self, request, answer, rule):
        with self.changed:
            request.status = answer.status if answer.is_sent else None
            request.fault = rule.fault if rule else None
            self.changed.notify_all()
            if self.log:
                print(request.number, request.operation or "-", request.status or "-", request.error or "-",
                      "verified" if request.verified else "NOT VERIFIED", request.fault or "", file=self.log, flush=True)
