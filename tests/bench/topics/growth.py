"""Whether each database costs as much as the one before: agents with few and with many, at the same time."""
import statistics

from kernel import Meter, memory_kb
from rows import Row, at_most
from wait import wait_until

COUNTS = (1, 50, 100, 200, 400)
BLOCKS, BLOCK_S = 5, 4


def measure(machinery):
    sink = machinery.sink()
    agents = {count: _start(machinery, sink, count) for count in COUNTS if not machinery.quick or count <= 100}
    meter = Meter({count: [agent.process.pid] for count, agent in agents.items()})
    meter.run(machinery.shorter(BLOCKS), machinery.shorter(BLOCK_S))
    cpu = {count: meter.median(count) for count in agents}
    memory = {count: memory_kb(agent.process.pid)["Private_Dirty"] for count, agent in agents.items()}
    return _rows_of("CPU a second", "µs", cpu) + _rows_of("private memory", "KB", memory)


def _start(machinery, sink, count):
    responder = machinery.responder(f"responder-{count}")
    databases = {f"db{number}": responder.url() for number in range(count)}
    agent = machinery.agent(f"agent-{count}", databases, sink, alarms={"provision": "off"})
    wait_until(lambda: len(agent.log_lines(": connected")) == count, 60, lambda: agent.log[-2000:])
    return agent


def _rows_of(what, unit, figures):
    """The line through all of them, and how far the farthest is from it, in parts of the largest figure."""
    slope, intercept = statistics.linear_regression(list(figures), list(figures.values()))
    farthest = max(abs(value - intercept - slope * count) for count, value in figures.items())
    seen = ", ".join(f"{count}: {value:,.0f}" for count, value in figures.items())
    return [Row(f"{what} per further database", slope, unit, note=f"{intercept:,.0f} + {slope:.3g} n; seen {seen}"),
            Row(f"{what}: farthest from that line", 100 * farthest / max(figures.values()), "%",
                goal=at_most(10, "≤ 10 %"))]
