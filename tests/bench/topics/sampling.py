"""What a sample costs who asks and who is asked: beside a bare loop, the exporter and collectd, against one PostgreSQL."""
import pathlib
import time
from functools import partial

import psycopg2
import psycopg2.extensions
from kernel import Meter
from machinery import Machinery
from peers import Exporter, collectd_postgresql
from postgres import PASSWORD, Postgres
from rows import Row, at_most
from wait import wait_until

from aws_standin import Standin

LEVELS = (10, 100, 1000)
SETTLING_S = 6  # alarms provisioned, the first samples over
ROUNDS = 5
ROUND_S = 10  # as often as the agent looks who leads
REFERENCE = pathlib.Path(__file__).resolve().parents[1] / "reference.sql"
APPLICATIONS, DATABASES = 5, 4

# Who asks, each as a role of its own: that is how its backends are found.
ROLES = {"agent": "poolwarden", "agent without state_dir": "forgetful",
         "bare loop": "bare", "bare loop, reference statement": "reference", "bare loop that keeps its samples": "keeper",
         "exporter, activity only": "exporter", "exporter": "exporter_default", "collectd": "collectd"}


def measure(machinery):
    server = machinery.enter_context(Postgres(max_connections=1100, shared_buffers="64MB"))
    server.trust_unix_socket()
    _prepare(server)
    rows, medians, sessions = [], {}, []
    for level in LEVELS:
        _add_sessions(server, sessions, machinery.shorter(level, level // 20) - len(ROLES))
        meter = Meter()
        for number in range(machinery.shorter(ROUNDS)):
            _run_round(machinery, server, meter, number)
        medians[level] = {name: meter.median(name) for name in meter.blocks}
        rows += _rows_of(level, medians[level])
    return rows + [Row("client CPU a sample, 1,000 connections", medians[1000]["agent"], "µs", "with 10 connections",
                       medians[10]["agent"], at_most(1.3))]


def _run_round(machinery, server, meter, number):
    """All programs anew, each at another place of the second: where one lies in memory, and after whom it runs, is luck."""
    with Machinery(machinery.quick) as programs:
        clients = {name: [process.pid] for name, process in _start(programs, server, 3 * number % len(ROLES)).items()}
        wait_until(lambda: all(_backends(server, role) for role in ROLES.values()), 20)
        time.sleep(machinery.shorter(SETTLING_S))
        backends = {f"{name}'s backends": _backends(server, role) for name, role in ROLES.items()}
        meter.programs = {**clients, **backends}
        meter.run(1, machinery.shorter(ROUND_S, 1.1))


def _prepare(server):
    for role in ROLES.values():
        if role != "poolwarden":
            server.execute(f"create role {role} login password '{PASSWORD}'; grant pg_monitor to {role}")
    for number in range(DATABASES):
        server.execute(f"create database db{number}")


def _start(programs, server, first):
    """{name: process}; each in a part of the second of its own, the first of them first."""
    standin = programs.enter_context(Standin(tls_cert=programs.certificate, tls_key=programs.key))

    def loop(name, *arguments):
        programs.own_phase()
        return programs.start(programs.bench("floor"), server.url(user=ROLES[name]), *arguments)

    def agent(name, **sections):
        programs.own_phase()
        return programs.agent(name, {"orders": server.url(user=ROLES[name])}, standin, **sections).process

    def exporter(name, *arguments):
        return Exporter(programs, name, server.url(user=ROLES[name]), *arguments).process
    starts = {
        "agent": agent,
        "agent without state_dir": partial(agent, agent={"state_dir": ""}, cloudwatch={"namespace": "Bench"}),
        "bare loop": loop,
        "bare loop, reference statement": lambda name: loop(name, REFERENCE),
        "bare loop that keeps its samples": lambda name: loop(name, "-", programs.directory / "kept"),
        "exporter, activity only": lambda name: exporter(name, True),
        "exporter": exporter,
        "collectd": lambda name: collectd_postgresql(programs, server.port, ROLES[name], PASSWORD),
    }
    names = list(starts)
    return {name: starts[name](name) for name in names[first:] + names[:first]}


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
    def client(beside, goal=None, agent="agent"):
        what = "client CPU a sample" + agent.removeprefix("agent")
        return Row(f"{what}, {level:,} connections", medians[agent], "µs", beside, medians[beside], goal)

    def backend(beside, goal=None):
        return Row(f"server CPU a sample, {level:,} connections", medians["agent's backends"], "µs", beside,
                   medians[f"{beside}'s backends"], goal)
    return [client("bare loop", at_most(1.3)), client("bare loop that keeps its samples"),
            client("bare loop", at_most(1.3), "agent without state_dir"),
            client("exporter, activity only", at_most(0.125, "≤ 1/8")), client("exporter"), client("collectd", at_most(1)),
            backend("bare loop, reference statement", at_most(1.1)), backend("exporter, activity only"),
            backend("exporter"), backend("collectd")]
