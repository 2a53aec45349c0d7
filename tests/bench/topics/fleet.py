"""500 databases in one agent, one sample a second each: its CPU, how evenly it asks, how it connects."""
import bisect
import statistics
import time
from collections import defaultdict

from kernel import cpu_us, memory_kb
from machinery import has_session
from rows import Row, at_most
from wait import wait_until

DATABASES = 500
MINUTE_S = 60
AFTER_S = 8  # a window closes when its late answers are in
BURST_S = 0.1
STEADY_AFTER_S = 2  # of the last first sample


def measure(machinery):
    return _run(machinery, "core") + _run(machinery, "full") + _start_with_tls(machinery)


def _start(machinery, name, sink, responder, metrics, parameters=""):
    """When it began, and the agent, connected to all of them."""
    databases = {f"db{number}": responder.url(parameters=parameters)
                 for number in range(machinery.shorter(DATABASES, 20))}
    started = time.monotonic()
    agent = machinery.agent(name, databases, sink, cloudwatch={"metrics": metrics}, alarms={"provision": "off"})
    wait_until(lambda: len(agent.log_lines(": connected")) == len(databases), 60, lambda: agent.log[-2000:])
    return started, agent


def _start_with_tls(machinery):
    responder = machinery.responder("tls", tls=True)
    started, agent = _start(machinery, "tls", machinery.sink(), responder, "core",
                            f"?sslmode=verify-full&sslrootcert={machinery.regional_bundle}")
    agent.terminate()
    moments = responder.stop()
    return [_row_of_first_samples(f"{_sessions(moments)} databases, verify-full, regional bundle", moments, started)]


def _run(machinery, metrics):
    sink, responder = machinery.sink(), machinery.responder(metrics)
    machinery.start(machinery.bench("floor"), responder.url())  # how even this machine lets anybody be
    wait_until(lambda: has_session(responder.port))
    started, agent = _start(machinery, metrics, sink, responder, metrics)
    time.sleep(machinery.shorter(STEADY_AFTER_S))
    steady = time.monotonic()
    before = cpu_us(agent.process.pid)
    _wait_for_a_publish(machinery, sink)
    seconds = time.monotonic() - steady
    cpu = (cpu_us(agent.process.pid) - before) / seconds
    memory = memory_kb(agent.process.pid)
    agent.terminate()
    bare, moments = _apart(responder.stop())
    rows = _rows_of(metrics, cpu, memory, moments, started, steady, [when for when, _ in sink.puts])
    rows[1].note += f"; the bare loop's most {_percentile(_lateness(bare, steady), 100):.1f} ms"
    return rows


def _apart(moments):
    """The moments of the session that came first, and those of the others."""
    first = moments[0][1]
    return [moment for moment in moments if moment[1] == first], [moment for moment in moments if moment[1] != first]


def _wait_for_a_publish(machinery, sink):
    """Over the end of a minute, the first that is whole or nearly so."""
    left = MINUTE_S - time.time() % MINUTE_S
    time.sleep(machinery.shorter(left + (0 if left > MINUTE_S / 2 else MINUTE_S) + AFTER_S))


def _rows_of(metrics, cpu, memory, moments, started, steady, puts):
    set_ = f"{_sessions(moments)} databases, {metrics} set"
    late = _lateness(moments, steady)
    publishing = [value for when, value in late if any(abs(when - put) < 1 for put in puts)]
    rows = [Row(f"CPU, {set_}", cpu / 1e4, "% of a core", goal=at_most(25, "≤ 25 %")),
            Row(f"sample jitter p99, {set_}", _percentile(late, 99), "ms", goal=at_most(20, "≤ 20 ms"),
                note=f"p50 {_percentile(late, 50):.2f}, most {_percentile(late, 100):.1f} ms"),
            Row(f"sample jitter p99 while publishing, {set_}", _percentile([(0, v) for v in publishing], 99), "ms",
                goal=at_most(20, "≤ 20 ms"), note=f"{len(puts)} requests"),
            Row(f"resident memory, {set_}", memory["Rss"], "KB")]
    return rows + (_rows_of_the_start(set_, moments, started) if metrics == "core" else [])


def _lateness(moments, since):
    """[(when, ms)]: how far each sample is from its database's usual place in the second."""
    times = defaultdict(list)
    for what, session, when in moments:
        if what == "s" and when >= since:
            times[session].append(when)
    late = []
    for moments_of_one in times.values():
        first = moments_of_one[0]
        places = [(when, (when - first + 0.5) % 1 - 0.5) for when in moments_of_one]
        usual = statistics.median(place for _, place in places)
        late += [(when, abs(place - usual) * 1000) for when, place in places]
    return late


def _percentile(late, percent):
    values = sorted(value for _, value in late)
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0


def _rows_of_the_start(set_, moments, started):
    connects = sorted(when for what, _, when in moments if what == "c")
    most = max(bisect.bisect_left(connects, when + BURST_S) - number for number, when in enumerate(connects))
    return [Row(f"connections opened within any {BURST_S * 1000:.0f} ms at the start, {set_}", most, goal=at_most(100)),
            _row_of_first_samples(set_, moments, started)]


def _sessions(moments):
    return len({session for what, session, _ in moments if what == "c"})


def _row_of_first_samples(whose, moments, started):
    first = {}
    for what, session, when in moments:
        if what == "s":
            first.setdefault(session, when)
    return Row(f"from the start to everybody's first sample, {whose}", max(first.values()) - started, "s")
