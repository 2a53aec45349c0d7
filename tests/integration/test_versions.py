"""PostgreSQL 12 to 18: what is counted, what is reserved, with and without pg_monitor."""
import contextlib
import json

import pytest

from arrived import holds
from postgres import Postgres
from versions import VERSIONS
from wait import wait_until

PLAIN = {"DBInstanceIdentifier": "plain"}


@pytest.fixture(params=VERSIONS)
def server_of_version(request):
    reserved = {"reserved_connections": 4} if request.param >= 16 else {}
    with Postgres(request.param, max_connections=50, **reserved) as server:
        assert server.value("show server_version").startswith(f"{request.param}.")
        server.usable = 43 if request.param >= 16 else 47
        yield server


def test_numbers_agree_with_the_server(agent_for, server_of_version, standin):
    server = server_of_version
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.sessions(6, application_name="web"))
        stack.enter_context(server.idle_in_transaction())
        stack.enter_context(server.active())
        # Alone: of two sessions that ask at once one would see the other at work.
        alone = agent_for({"orders": server.url()}, standin, cloudwatch={"metrics": "full"}, directory="alone").start()
        for name, value in {"ConnectionsActive": 1, "ConnectionsIdleInTransaction": 1}.items():
            holds(standin, name, value)
        assert alone.terminate() == 0
        agent_for({"orders": server.url(), "plain": server.url("plain")}, standin, cloudwatch={"metrics": "full"}).start()
        wait_until(lambda: server.value(
            "select count(*) from pg_stat_activity where application_name = 'poolwarden'") == 2)
        connections = server.count_client_backends()
        assert connections == 10
        for dimensions in ({"DBInstanceIdentifier": "orders"}, PLAIN):
            holds(standin, "DatabaseConnections", connections, dimensions)
            holds(standin, "MaxConnections", server.usable, dimensions)
            holds(standin, "AvailableConnections", server.usable - connections, dimensions)
            holds(standin, "DatabaseUp", 1, dimensions)
        for name in ("ConnectionsActive", "ConnectionsIdleInTransaction"):
            assert standin.series(name, PLAIN) == []
        holds(standin, "DatabaseConnections", 6, {"DBInstanceIdentifier": "orders", "ApplicationName": "web"})


def test_once_says_the_same(agent_for, server_of_version):
    server = server_of_version
    with server.sessions(5):
        done = agent_for({"orders": server.url()}).run("--once", "--format", "json")
        connections = server.count_client_backends()
    assert (done.returncode, connections) == (0, 5), done.stderr
    [database] = json.loads(done.stdout)["databases"]
    values = {row["name"]: row["value"] for row in database["metrics"] if len(row["dimensions"]) == 1}
    assert database["usable_connections"] == server.usable
    assert values["DatabaseConnections"] == connections + 1  # its own
