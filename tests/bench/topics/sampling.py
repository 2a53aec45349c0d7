"""What a sample costs who asks and who is asked: beside a bare loop, the exporter and collectd, against one PostgreSQL."""
import pathlib
import time

import psycopg2
import psycopg2.extensions
from kernel import Meter
from peers import Exporter, collectd_postgresql
from postgres import PASSWORD, Postgres
from rows import Row, at_most
from wait import wait_until

from aws_standin import Standin

LEVELS = (10, 100, 1000)
SETTLING_S = 8  # alarms provisioned, the first samples over
BLOCKS, BLOCK_S = 9, 5
REFERENCE = pathlib.Path(__file__).resolve().parents[1] / "reference.sql"
APPLICATIONS, DATABASES = 5, 4

# Who asks, each as a role of its own: that is how its backends are found.
ROLES = {"agent": "poolwarden", "bare loop": "bare", "bare loop, reference statement": "reference",
         "bare loop that keeps its samples": "keeper",
         "exporter, activity only": "exporter", "exporter": "exporter_default", "collectd": "collectd"}


def measure(machinery):
    server = machinery.enter_context(Postgres(max_connections=1100, shared_buffers="64MB"))
    server.trust_unix_socket()
    _prepare(server)
    clients = {name: [process.pid] for name, process in _start(machinery, server).items()}
    wait_until(lambda: all(_backends(server, role) for role in ROLES.values()), 20)
    time.sleep(machinery.shorter(SETTLING_S))
    rows, medians, sessions = [], {}, []
    for level in LEVELS:
        _add_sessions(server, sessions, machinery.shorter(level, level // 20) - len(ROLES))
        backends = {f"{name}'s backends": _backends(server, role) for name, role in ROLES.items()}
        meter = Meter({**clients, **backends})
        meter.run(machinery.shorter(BLOCKS), machinery.shorter(BLOCK_S, 1.1))
        medians[level] = {name: meter.median(name) for name in meter.programs}
        rows += _rows_of(level, medians[level])
    return rows + [Row("client CPU a sample, 1,000 connections", medians[1000]["agent"], "µs", "with 10 connections",
                       medians[10]["agent"], at_most(1.3))]


def _prepare(server):
    for role in ROLES.values():
        if role != "poolwarden":
            server.execute(f"create role {role} login password '{PASSWORD}'; grant pg_monitor to {role}")
    for number in range(DATABASES):
        server.execute(f"create database db{number}")


def _start(machinery, server):
    """{name: process}, in the order of ROLES; each in a part of the second of its own."""
    url = {name: server.url(user=role) for name, role in ROLES.items()}
    standin = machinery.enter_context(Standin(tls_cert=machinery.certificate, tls_key=machinery.key))
    floor = machinery.bench("floor")

    def start(name, *arguments):
        machinery.own_phase()
        return machinery.start(floor, url[name], *arguments)
    machinery.own_phase()
    agent = machinery.agent("agent", {"orders": url["agent"]}, standin)
    return {
        "agent": agent.process,
        "bare loop": start("bare loop"),
        "bare loop, reference statement": start("bare loop, reference statement", REFERENCE),
        "bare loop that keeps its samples": start("bare loop that keeps its samples", "-", machinery.directory / "kept"),
        "exporter, activity only": Exporter(machinery, "activity", url["exporter, activity only"], True).process,
        "exporter": Exporter(machinery, "default", url["exporter"]).process,
        "collectd": collectd_postgresql(machinery, server.port, ROLES["collectd"], PASSWORD),
    }


def _backends(server, role):
    return [pid for (pid,) in server.execute("select pid from pg_stat_activity where usename = %s", role)]


def _add_sessions(server, sessions, count):
    """Idle ones, some in a transaction, a few that run a statement."""
    while len(sessions) < count:
        number = len(sessions)
        where = {"host": str(server.directory), "port": server.port, "user": "app",
                 "dbname": f"db{number % DATABASES}", "application_name": f"app{number % APPLICATIONS}"}
        if number % 25 == 24:
            session = psycopg2.connect(**where, async_=1)
            wait_until(lambda: session.poll() == psycopg2.extensions.POLL_OK)
            session.cursor().execute("select pg_sleep(600)")
        else:
            session = psycopg2.connect(**where)
            session.autocommit = number % 10 != 9
            session.cursor().execute("select 1")
        sessions.append(session)


def _rows_of(level, medians):
    def client(beside, goal=None):
        return Row(f"client CPU a sample, {level:,} connections", medians["agent"], "µs", beside, medians[beside], goal)

    def backend(beside, goal=None):
        return Row(f"server CPU a sample, {level:,} connections", medians["agent's backends"], "µs", beside,
                   medians[f"{beside}'s backends"], goal)
    return [client("bare loop", at_most(1.3)), client("bare loop that keeps its samples"),
            client("exporter, activity only", at_most(0.125, "≤ 1/8")), client("exporter"), client("collectd", at_most(1)),
            backend("bare loop, reference statement", at_most(1.1)), backend("exporter, activity only"),
            backend("exporter"), backend("collectd")]
