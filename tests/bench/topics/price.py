"""What arrives at CloudWatch for one database in a month, and what AWS asks for it (us-east-1, list prices)."""
import math

from rows import Row
from wait import wait_until

MINUTES = 43800
METRIC_USD, REQUEST_USD = 0.30, 0.01 / 1000
DATUMS_MAX = 1000
DATABASES = 2


def measure(machinery):
    responder = machinery.responder("responder")
    sinks = {}
    for metrics in ("core", "standard", "full"):
        sinks[metrics] = machinery.sink()
        machinery.agent(metrics, {f"db{number}": responder.url() for number in range(DATABASES)}, sinks[metrics],
                        agent={"publish_interval": "2s"}, cloudwatch={"metrics": metrics}, alarms={"provision": "off"})
    return sum((_rows_of(metrics, sink) for metrics, sink in sinks.items()), [])


def _rows_of(metrics, sink):
    """The largest of a few windows: the first may be cut short."""
    wait_until(lambda: len(sink.puts) >= 3, 15)
    datums = max(sink.datums()) / DATABASES
    requests = MINUTES * math.ceil(max(sink.datums()) / DATUMS_MAX)
    return [Row(f"{metrics}: custom metrics a database", datums, note="as many datums a minute"),
            Row(f"{metrics}: datums a database and month", datums * MINUTES),
            Row(f"{metrics}: requests a month", requests, note=f"one agent, up to {DATUMS_MAX:,} datums in each"),
            Row(f"{metrics}: price a month, 1 database", datums * METRIC_USD + requests * REQUEST_USD, "USD",
                note=f"each further one {datums * METRIC_USD:.2f} USD")]
