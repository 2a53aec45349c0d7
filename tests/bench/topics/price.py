"""What arrives at CloudWatch for one database in a month, and what AWS asks for it (us-east-1, list prices)."""
import math

from rows import Row
from wait import wait_until

MINUTES = 43800
METRIC_USD, REQUEST_USD = 0.30, 0.01 / 1000
DATUMS_MAX = 1000
MORE = 4  # databases, beside an agent with one
WINDOWS = 3  # the first may be cut short


def measure(machinery):
    responder = machinery.responder("responder")
    sinks = {}
    for metrics in ("core", "standard", "full"):
        for count in (1, MORE):
            sinks[metrics, count] = machinery.sink()
            machinery.agent(f"{metrics}-{count}", {f"db{number}": responder.url() for number in range(count)},
                            sinks[metrics, count], agent={"publish_interval": "2s"}, cloudwatch={"metrics": metrics},
                            alarms={"provision": "off"})
    datums = {of: _datums_of_a_window(sink) for of, sink in sinks.items()}
    return sum((_rows_of(metrics, datums[metrics, 1], (datums[metrics, MORE] - datums[metrics, 1]) / (MORE - 1))
                for metrics in ("core", "standard", "full")), [])


def _datums_of_a_window(sink):
    wait_until(lambda: len(sink.puts) >= WINDOWS, 15)
    return max(sink.datums())


def _rows_of(metrics, datums, further):
    requests = MINUTES * math.ceil(datums / DATUMS_MAX)
    return [Row(f"{metrics}: datums a minute, 1 database", datums, note=f"{further:g} more for each further database"),
            Row(f"{metrics}: datums a month, 1 database", datums * MINUTES),
            Row(f"{metrics}: requests a month", requests, note=f"one agent, up to {DATUMS_MAX:,} datums in each"),
            Row(f"{metrics}: price a month, 1 database", datums * METRIC_USD + requests * REQUEST_USD, "USD",
                note=f"{further * METRIC_USD:.2f} USD more for each further database")]
