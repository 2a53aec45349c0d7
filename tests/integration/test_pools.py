"""PoolTimeout: what applications send by StatsD, as each pool's number, the database's, and the account's."""
import socket

from arrived import ORDERS, assert_complete, holds, total, windows
from ports import free_udp_port
from postgres import Postgres
from wait import wait_until


def test_timeouts_of_two_pools_are_summed_per_database_and_without_dimensions(agent, standin):
    port = free_udp_port()
    running = agent(pools={"workers": "orders", "web": "orders"}, statsd={"listen": f"127.0.0.1:{port}"})
    running.wait_for_log("connected")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        for pool in ("workers", "web", "workers", "workers", "web", "workers", "workers"):
            statsd.sendto(f"{pool}.pool_timeout:1|c".encode(), ("127.0.0.1", port))
    wait_until(lambda: total(standin, "PoolTimeout") == 7, 10, what=standin.report)
    assert total(standin, "PoolTimeout", {}) == 7
    assert total(standin, "PoolTimeout", {**ORDERS, "Pool": "workers"}) == 5
    assert total(standin, "PoolTimeout", {**ORDERS, "Pool": "web"}) == 2
    windows(standin, 1, "PoolTimeout")
    for dimensions in (ORDERS, {}, {**ORDERS, "Pool": "web"}):
        holds(standin, "PoolTimeout", 0, dimensions)


def test_a_server_that_hangs_costs_the_other_nothing(agent_for, server, standin):
    with Postgres() as hanging:
        agent_for({"orders": server.url(), "hanging": hanging.url()}, standin).start()
        holds(standin, "DatabaseUp", 1, {"DBInstanceIdentifier": "hanging"})
        with hanging.frozen():
            points = windows(standin, 5)
            holds(standin, "DatabaseUp", 0, {"DBInstanceIdentifier": "hanging"})
        assert_complete(points)
        holds(standin, "DatabaseUp", 1, {"DBInstanceIdentifier": "hanging"}, deadline_s=20)
