"""The binary, what it is linked with, and how soon it looks."""
import re
import statistics
import subprocess
import time

from kernel import stripped_bytes
from machinery import BUILD
from rows import Row, at_most

STARTS = 11
AGENT = BUILD / "poolwarden"


def measure(machinery):
    return _rows_of_the_binary() + _rows_of_the_start(machinery)


def _rows_of_the_binary():
    idle = len(_libraries(BUILD / "tests" / "bench_idle"))
    headers = subprocess.run(["readelf", "-d", AGENT], check=True, capture_output=True, text=True).stdout
    needed = sorted(name.split(".so")[0] for name in re.findall(r"NEEDED.*\[(.*)\]", headers))
    return [Row("binary, stripped", stripped_bytes(AGENT) / 1000, "KB", goal=at_most(500, "≤ 500 KB")),
            Row("shared libraries, all", len(_libraries(AGENT)), "", "idle program", idle, note=" ".join(needed))]


def _libraries(binary):
    return subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout.splitlines()


def _rows_of_the_start(machinery):
    """By the clock on the wall: between exec and what the server sees."""
    sink, responder = machinery.sink(), machinery.responder("responder")
    started = []
    for number in range(machinery.shorter(STARTS, 2)):
        started.append(time.monotonic())
        agent = machinery.agent(f"agent-{number}", {"orders": responder.url()}, sink, alarms={"provision": "off"})
        agent.wait_for_log(": connected")
        agent.terminate()
    moments = responder.stop()
    connects = [when for what, _, when in moments if what == "c"]
    samples = {}
    for what, session, when in moments:
        if what == "s":
            samples.setdefault(session, when)
    to_connect = [(there - begun) * 1000 for begun, there in zip(started, connects)]
    to_sample = [(there - begun) * 1000 for begun, there in zip(connects, samples.values())]
    return [Row("from exec to the first connection", statistics.median(to_connect), "ms", goal=at_most(50, "≤ 50 ms")),
            Row("from the connection to its first sample", statistics.median(to_sample), "ms",
                note=f"most {max(to_sample):.0f} ms")]
