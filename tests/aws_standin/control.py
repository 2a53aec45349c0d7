"""The stand-in's own paths, for other processes on this machine; unsigned, loopback only.

    GET  /_standin/state     requests, metrics, alarms, tags, dashboards, faults, identity's addresses: JSON
    GET  /_standin/report    the same for people
    POST /_standin/faults    a rule or a list of rules, as faults.add() takes them: {"fault": "close", "count": 2}
    POST /_standin/clock     {"offset_s": 600}
    POST /_standin/reset     forgets everything but the keys
"""
import dataclasses
import ipaddress
import json

from .report import report
from .server import Answer

PREFIX = "/_standin/"
SECRET_HEADERS = ("authorization", "x-amz-security-token")


class Control:
    """The services with these paths in front of them."""

    def __init__(self, standin):
        self.standin = standin

    def handle(self, call):
        if not call.target.startswith(PREFIX):
            return self.standin.service_of(call).handle(call)
        if not ipaddress.ip_address(call.peer[0]).is_loopback:
            return Answer(403)
        action = self.ACTIONS.get((call.method, call.target[len(PREFIX):]))
        if action is None:
            return Answer(404)
        try:
            return action(self, json.loads(call.body or "null"))
        except (ValueError, TypeError, KeyError) as error:
            return Answer(400, f"{error}\n".encode(), {"Content-Type": "text/plain"})

    def _state(self, _):
        return Answer(200, json.dumps(state_of(self.standin)).encode(), {"Content-Type": "application/json"})

    def _report(self, _):
        return Answer(200, (report(self.standin) + "\n").encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _faults(self, rules):
        for rule in rules if isinstance(rules, list) else [rules]:
            self.standin.faults.add(**rule)
        return Answer(200, b"{}")

    def _clock(self, document):
        self.standin.clock.offset_s = float(document["offset_s"])
        return Answer(200, b"{}")

    def _reset(self, _):
        self.standin.reset()
        return Answer(200, b"{}")

    ACTIONS = {("GET", "state"): _state, ("GET", "report"): _report, ("POST", "faults"): _faults,
               ("POST", "clock"): _clock, ("POST", "reset"): _reset}


def state_of(standin):
    with standin.service.changed:
        return {
            "now": standin.clock.now(),
            "requests": [_shown(request) for request in standin.requests],
            "metrics": [dataclasses.asdict(datum) for datum in standin.metrics()],
            "alarms": standin.alarms,
            "tags": standin.tags,
            "dashboards": standin.dashboards,
            "faults": [dataclasses.asdict(rule) for rule in standin.faults.rules],
            "identity": {"container_url": standin.identity.container_url, "imds_url": standin.identity.imds_url,
                         "container_token": standin.identity.container_token},
        }


def _shown(request):
    shown = dataclasses.asdict(request)
    for name in SECRET_HEADERS:
        if name in shown["headers"]:
            shown["headers"][name] = "(hidden)"
    return shown
