"""What a process holds: with one database beside an idle program and the peers, and what each further database adds."""
import statistics
import time

from kernel import memory_kb
from peers import Exporter, collectd_postgresql
from postgres import PASSWORD, Postgres
from rows import Row, at_most
from wait import wait_until

from aws_standin import Standin

FURTHER = 50
RUNNING_S = 25  # connected, provisioned, published twice
LOOKS = 9
PUBLISHING = {"publish_interval": "10s"}


def measure(machinery):
    server = machinery.enter_context(Postgres())
    standin = machinery.enter_context(Standin(tls_cert=machinery.certificate, tls_key=machinery.key))
    agent = machinery.agent("one", {"orders": server.url()}, standin, agent=PUBLISHING)
    processes = {
        "idle program": machinery.start(machinery.bench("idle")),
        "exporter": Exporter(machinery, "exporter", server.url()).process,
        "collectd": collectd_postgresql(machinery, server.port, "poolwarden", PASSWORD),
    }
    further = machinery.shorter(FURTHER, 5)
    pairs = {kind: _pair(machinery, kind, further) for kind in ("plain", "regional", "full")}
    time.sleep(machinery.shorter(RUNNING_S))
    found = _medians({"agent": agent.process, **processes}, machinery.shorter(LOOKS))
    return _rows_of_one(found.pop("agent"), found) + [_row_of_further(kind, pair, further) for kind, pair in pairs.items()]


def _medians(processes, looks):
    """What a collector of garbage has not freed yet is luck."""
    seen = {name: [] for name in processes}
    for _ in range(looks):
        for name, process in processes.items():
            seen[name].append(memory_kb(process.pid))
        time.sleep(1)
    return {name: {key: statistics.median_low(look[key] for look in found) for key in found[0]}
            for name, found in seen.items()}


def _pair(machinery, kind, further):
    """Two agents, one with that many databases more."""
    sink = machinery.sink()
    responder = machinery.responder(f"responder-{kind}", tls=kind != "plain")
    bundle = machinery.full_bundle if kind == "full" else machinery.regional_bundle
    parameters = "" if kind == "plain" else f"?sslmode=verify-full&sslrootcert={bundle}"
    agents = []
    for count in (1, 1 + further):
        databases = {f"db{number}": responder.url(parameters=parameters) for number in range(count)}
        agent = machinery.agent(f"{kind}-{count}", databases, sink, agent=PUBLISHING, alarms={"provision": "off"})
        wait_until(lambda: len(agent.log_lines(": connected")) == count, 60, lambda: agent.log)
        agents.append(agent)
    return agents


def _rows_of_one(one, others):
    idle = others["idle program"]
    rows = [Row("private memory, 1 database, over the idle program", one["Private_Dirty"] - idle["Private_Dirty"], "KB",
                goal=at_most(1536, "≤ 1.5 MB"), note=f"{one['Private_Dirty']:,} - {idle['Private_Dirty']:,} KB"),
            Row("resident memory, 1 database", one["Rss"], "KB", "idle program", idle["Rss"], at_most(1.2))]
    for name in ("exporter", "collectd"):
        rows += [Row("private memory, 1 database", one["Private_Dirty"], "KB", name, others[name]["Private_Dirty"]),
                 Row("resident memory, 1 database", one["Rss"], "KB", name, others[name]["Rss"])]
    return rows + [Row("resident memory, 1 database, at its peak", one["Peak"], "KB", "idle program", idle["Peak"])]


KINDS = {"plain": ("without TLS", at_most(40, "≤ 40 KB")),
         "regional": ("verify-full, regional bundle", at_most(130, "≤ 130 KB")),
         "full": ("verify-full, full bundle", None)}


def _row_of_further(kind, pair, further):
    first, second = (memory_kb(agent.process.pid)["Private_Dirty"] for agent in pair)
    text, goal = KINDS[kind]
    return Row(f"private memory per further database, {text}", (second - first) / further, "KB", goal=goal)
