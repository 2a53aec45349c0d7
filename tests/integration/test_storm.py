"""Faults of every kind in random order against two databases, a PgBouncer and the stand-in, and what must hold all along.

By default each kind strikes once. POOLWARDEN_STORM_S=900 goes on for so long; POOLWARDEN_SEED repeats an order. The agent
runs in a network of its own, so that names and cables can be pulled; its wall clock can be set (tools/clock_and_loop.c).
The PgBouncer has one connection to `orders` for more clients than it can serve: all the time some are told that they
waited too long, and each of them must be counted.
"""
import contextlib
import json
import os
import random
import subprocess
import threading
import time

import psycopg2

from agent import SANITIZER, Agent, agent_conf
from arrived import ORDERS, windows
from aws_standin import Standin
from clock_and_loop import ClockAndLoop
from network import Network
from pgbouncer import STATS_PASSWORD, PgBouncer
from postgres import PASSWORD, Postgres
from test_failover import hosts_of, relay
from wait import wait_until

STORM_S = float(os.environ.get("POOLWARDEN_STORM_S", "0"))
NAMES = ("orders", "billing")
FIRST_PORT = 5900  # of the relays through which the agent comes: to the databases, then to the PgBouncer
BOUNCER_PORT = FIRST_PORT + len(NAMES)
POOL = {**ORDERS, "Pool": "bouncer"}
CLIENTS = 3
SESSIONS = "select count(*) from pg_stat_activity where application_name = 'poolwarden'"
LATENCY_MAX_MS = 50


class World:
    def __init__(self, stack, binary, tmp_path):
        self.servers = {name: stack.enter_context(Postgres(max_connections=20)) for name in NAMES}
        self.network = stack.enter_context(Network())
        self.hosts = stack.enter_context(hosts_of(self.network))
        self.standin = stack.enter_context(Standin(host=self.network.outside))
        self.shared = ClockAndLoop(tmp_path / "shared", FIRST_PORT)
        self.ports = {name: FIRST_PORT + number for number, name in enumerate(NAMES)}
        for name in NAMES:
            stack.enter_context(relay(self.network.outside, self.ports[name], self.servers[name].port))
        self.bouncer = stack.enter_context(PgBouncer(self.servers["orders"], default_pool_size=1, query_wait_timeout=1))
        stack.enter_context(relay(self.network.outside, BOUNCER_PORT, self.bouncer.port))
        self.names_resolve(True)
        script = tmp_path / "inside"
        inside = " ".join(f"{name}={value}" for name, value in self.shared.environment(binary).items())
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.network.name} env {inside} {binary} "$@"\n')
        script.chmod(0o755)
        self.agent = Agent(script, tmp_path / "agent", {}, self.standin, text=self.conf("full", tmp_path / "agent"))
        stack.callback(self.agent.check)
        stack.callback(self.agent.kill)
        self.ended = threading.Event()

    def conf(self, metrics, directory=None):
        databases = {name: f"postgresql://poolwarden:{PASSWORD}@{name}.test:{self.ports[name]}/postgres"
                     for name in NAMES}
        pool = {"type": "pgbouncer", "database": "orders", "log": self.bouncer.log,
                "url": f"postgresql://stats:{STATS_PASSWORD}@{self.network.outside}:{BOUNCER_PORT}/pgbouncer"}
        return agent_conf(directory or self.agent.directory, databases, cloudwatch={"metrics": metrics},
                          **{"pool bouncer": pool})

    def names_resolve(self, do):
        self.hosts.write_text("".join(f"{self.network.outside} {name}.test\n" for name in NAMES) if do else "\n")

    def use_pool(self):
        """A client that comes again and again, whatever it is told."""
        while not self.ended.is_set():
            with contextlib.suppress(psycopg2.Error), contextlib.closing(self.bouncer.connect()) as session, \
                    session.cursor() as cursor:
                cursor.execute("select pg_sleep(1.5)")
            self.ended.wait(0.1)

    @contextlib.contextmanager
    def clients(self):
        threads = [threading.Thread(target=self.use_pool) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()

    @property
    def waiting(self):
        """Datums that CloudWatch does not have, as of the last seconds."""
        return json.loads((self.agent.directory / "status.json").read_text())["waiting"]

    def sessions(self, name):
        return self.servers[name].value(SESSIONS)

    def consoles(self):
        """Sessions of the agent on PgBouncer's console; our own is not counted."""
        with contextlib.closing(psycopg2.connect(self.bouncer.url(), connect_timeout=5)) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute("show clients")
                users = [column.name for column in cursor.description].index("user")
                return sum(row[users] == "stats" for row in cursor.fetchall()) - 1

    def recovers(self, fault):
        """Within 10 s one session to each again."""
        deadline_s = BACK_WITHIN_S.get(fault, 10)
        for each in NAMES:
            wait_until(lambda: self.sessions(each) == 1, deadline_s,
                       what=lambda: f"{each} after {fault}: {self.sessions(each)} sessions\n{self.agent.log[-3000:]}")
        wait_until(lambda: self.consoles() == 1, deadline_s,
                   what=lambda: f"PgBouncer after {fault}: {self.consoles()} sessions\n{self.agent.log[-3000:]}")


def hold(seconds):
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, seconds + 5)


# ---- the faults: each does its harm, holds it for a while, takes it back ----


def frozen(world, server, seconds):
    with server.frozen():
        hold(seconds + 4)


def killed(world, server, seconds):
    server.kill()
    hold(seconds)
    server.start()


def restarted(world, server, seconds):
    server.restart()


def sessions_ended(world, server, seconds):
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'poolwarden'")


def slots_taken(world, server, seconds):
    with server.all_slots_taken():
        sessions_ended(world, server, seconds)
        with server.all_slots_taken():
            hold(seconds)


def packets_dropped(world, server, seconds):
    with world.network.cut():
        hold(seconds + 8)


def names_gone(world, server, seconds):
    world.names_resolve(False)
    sessions_ended(world, server, seconds)
    hold(seconds)
    world.names_resolve(True)


def wrong_password(world, server, seconds):
    server.execute("alter role poolwarden password 'other'")
    sessions_ended(world, server, seconds)
    hold(seconds)
    server.execute(f"alter role poolwarden password '{PASSWORD}'")


def clock_ahead(world, server, seconds):
    world.shared.set_clock(3600)
    hold(seconds + 2)
    world.shared.set_clock(0)


def clock_behind(world, server, seconds):
    world.shared.set_clock(-3600)
    hold(seconds + 2)
    world.shared.set_clock(0)


def bouncer_frozen(world, server, seconds):
    with world.bouncer.frozen():
        hold(seconds + 4)


def bouncer_killed(world, server, seconds):
    world.bouncer.kill()
    hold(seconds)
    world.bouncer.start()


def bouncer_restarted(world, server, seconds):
    world.bouncer.restart()


def service_fault(fault, **details):
    def strike(world, server, seconds):
        rule = world.standin.faults.add(fault, operation="PutMetricData", count=None, **details)
        hold(seconds + 2)
        world.standin.faults.remove(rule)
    strike.__name__ = f"service {fault}"
    return strike


def poison(world, server, seconds):
    rule = world.standin.faults.add("poison", metric="SampleLatency")
    hold(seconds + 2)
    world.standin.faults.remove(rule)


def service_gone(world, server, seconds):
    world.standin.stop()
    hold(seconds + 2)
    world.standin.start()


def reloaded(world, server, seconds):
    world.agent.config.write_text(world.conf("standard"))
    world.agent.reload()
    hold(1)
    world.agent.config.write_text(world.conf("full"))
    world.agent.reload()


FAULTS = [frozen, killed, restarted, sessions_ended, slots_taken, packets_dropped, names_gone, wrong_password, clock_ahead,
          clock_behind, bouncer_frozen, bouncer_killed, bouncer_restarted, poison, service_gone, reloaded,
          service_fault("html"), service_fault("InternalServiceFault"), service_fault("ThrottlingException"),
          service_fault("AccessDenied"), service_fault("ExpiredToken"), service_fault("hang"), service_fault("close"),
          service_fault("delay", delay_s=1.5)]
BACK_WITHIN_S = {"wrong_password": 35}  # a wrong password is tried every 15 to 30 s


def strike_all(world, chance, begun):
    """Until the time is over: each kind at least once."""
    memory, last_minute = [], begun
    while True:
        for fault in chance.sample(FAULTS, len(FAULTS)):
            name = chance.choice(NAMES)
            fault(world, world.servers[name], chance.uniform(1, 4))
            assert world.agent.is_running, world.agent.log[-4000:]
            assert not SANITIZER.search(world.agent.log), world.agent.log
            world.recovers(fault.__name__)
            if time.monotonic() - last_minute > 60:
                wait_until(lambda: world.waiting == 0, 40, what=lambda: f"{world.waiting} datums wait")
                last_minute = time.monotonic()
                memory.append(world.agent.memory_kb)
            if STORM_S and time.monotonic() - begun > STORM_S:
                return memory
        if not STORM_S:
            return memory


def timeouts_of(standin, dimensions):
    """What arrived of PoolTimeout: each window once, and all of it (a datum that may have been stored is sent again)."""
    datums = standin.metrics("PoolTimeout", dimensions)
    once = {(datum.timestamp, tuple(datum.values), tuple(datum.counts)): datum.sum for datum in datums}
    return sum(once.values()), sum(datum.sum for datum in datums)


def print_datums(standin, started):
    """What the sums above are made of: read when they are wrong."""
    began = time.time() - (time.monotonic() - started)
    for datum in standin.metrics("PoolTimeout", POOL):
        print(f"PoolTimeout of {datum.timestamp - began:+.0f} s arrived at {datum.arrived - began:+.1f} s: {datum.sum:g} "
              f"in {datum.sample_count:g} readings")


def test_faults_in_random_order(binary, tmp_path):
    seed = int(os.environ.get("POOLWARDEN_SEED", time.time()))
    print("seed", seed)
    chance = random.Random(seed)
    with contextlib.ExitStack() as stack:
        world = World(stack, binary, tmp_path)
        world.agent.start()
        started = time.monotonic()
        world.recovers("start")
        windows(world.standin, 1, "PoolTimeout", POOL)  # the log is read from here on
        with world.clients():
            memory = strike_all(world, chance, started)
        hold(3)
        elapsed = time.monotonic() - started
        assert world.agent.terminate(15) == 0
        wall_ms, own_ms = world.shared.longest_ms
        counts = {}
        for name in NAMES:
            dimensions = {"DBInstanceIdentifier": name}
            up = world.standin.metrics("DatabaseUp", dimensions)
            sampled = sum(point["sample_count"]
                          for _, point in world.standin.series("DatabaseConnections", dimensions))
            counts[name] = (sum(datum.sample_count for datum in up), sum(datum.sum for datum in up), sampled)
        ambiguous = sum(datum.sum for datum in world.standin.metrics("AgentAmbiguousRetries"))
        told = world.bouncer.told_in_log()
        timeouts = [timeouts_of(world.standin, dimensions) for dimensions in (POOL, ORDERS, {})]
        print(f"{elapsed:.0f} s: longest turn {wall_ms:.1f} ms ({own_ms:.1f} ms of its own); sockets at once "
              f"{world.shared.sockets}; (ticks, up, sampled) {counts}; {told} timeouts, arrived (once, all) {timeouts}; "
              f"ambiguous datums {ambiguous:g}; memory by the minute {memory} KB")
        print_datums(world.standin, started)
        assert not world.agent.log_lines("readings were dropped"), "nothing comes too late for its window"
        assert world.shared.sockets == 1
        assert own_ms < LATENCY_MAX_MS
        for ticks, _, _ in counts.values():
            assert ticks >= elapsed * 0.97 - 10, "a tick has no value"
            assert ambiguous or ticks <= elapsed + 10
        for datum in world.standin.metrics("DatabaseUp"):
            assert 0 <= datum.arrived - datum.timestamp <= elapsed, "stamped by a clock that was set"
        for once, with_doubled in timeouts:
            assert once <= told <= with_doubled and told > len(FAULTS)
            assert ambiguous or with_doubled == told
        if STORM_S >= 600 and not sanitized(binary):
            half = len(memory) // 2
            assert max(memory[half:]) <= 1.05 * max(memory[2:half]), memory


def sanitized(binary):
    return "libasan" in subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
