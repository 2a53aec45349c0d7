"""The README's "Your pool": its recipes are run, and every timeout that somebody was told of is counted, once."""
import collections
import re
import subprocess
import textwrap
import time

import pytest

from arrived import ORDERS, total, windows
from ports import free_udp_port
from prisma import Application, recipe
from wait import wait_until

POOLS = ("web", "logged", "printed", "scraped")


def pool(name):
    return {**ORDERS, "Pool": name}


def four_ways(application, port):
    """One application, told of in each way it can be: by StatsD, by Prisma's log, by its own, by its page."""
    return {
        "cloudwatch": {"metrics": "standard"},
        "statsd": {"listen": f"127.0.0.1:{port}"},
        "pool web": {"type": "statsd", "database": "orders"},
        "pool logged": {"type": "log", "database": "orders", "path": application.log, "match": "prisma"},
        "pool printed": {"type": "log", "database": "orders", "path": application.log, "match": "node-postgres"},
        "pool scraped": {"type": "prometheus", "database": "orders", "url": application.metrics_url,
                         "timeout_counter": 'app_db_pool_timeouts_total{pool="main"}'},
    }


def counted(standin, value):
    wait_until(lambda: all(total(standin, "PoolTimeout", pool(name)) >= value for name in POOLS), 20,
               what=lambda: f"not {value}\n{standin.report()}")
    windows(standin, 2, "PoolTimeout", pool("scraped"))
    assert {name: total(standin, "PoolTimeout", pool(name)) for name in POOLS} == dict.fromkeys(POOLS, value)


@pytest.mark.parametrize("json_log", [False, True], ids=["plain", "json"])
def test_a_prisma_application_is_counted_once_in_every_way(agent, server, standin, tmp_path, json_log):
    port = free_udp_port()
    with Application(tmp_path, server.url("app"), port, log=["error"], json_log=json_log) as application:
        agent(**four_ways(application, port))
        for name in POOLS:
            windows(standin, 1, "PoolTimeout", pool(name))
        assert application.ask(20, 3) == 18
        assert application.log.read_text().count("timeout exceeded when trying to connect") == 36
        counted(standin, 18)
        assert max(point["max"] for _, point in standin.series("PoolClientsWaiting", pool("web"))) == 18
        assert max(point["max"] for _, point in standin.series("PoolUtilization", pool("web"))) == 100
        assert application.terminate() == 0
    wait_until(lambda: server.value("select count(*) from pg_stat_activity where usename = 'app'") == 0)


def test_150_requests_at_once(agent, server, standin, tmp_path):
    port = free_udp_port()
    with Application(tmp_path, server.url("app"), port, max_size=5, log=["error"]) as application:
        agent(**four_ways(application, port))
        for name in POOLS:
            windows(standin, 1, "PoolTimeout", pool(name))
        told = application.ask(150, 0.5)
        assert 100 < told < 150
        counted(standin, told)


def test_sqlalchemy(agent, server, standin, tmp_path):
    log = tmp_path / "app.log"
    log.touch()
    lines = recipe("python")
    for before, after in (("app@db/orders", f"app:s3cret@127.0.0.1:{server.port}/postgres"), ("pool_size=10", "pool_size=2"),
                          ("pool_timeout=2", "pool_timeout=1"), ("select 1", "select pg_sleep(3)")):
        assert before in lines
        lines = lines.replace(before, after)
    head, body = lines.split("try:\n", 1)
    script = tmp_path / "app.py"
    script.write_text(f"import threading\n{head}\ndef request():\n" + textwrap.indent(f"try:\n{body}", "    ")
                      + "\nthreads = [threading.Thread(target=request) for _ in range(20)]\n"
                        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\nengine.dispose()\n")
    agent(**{"pool logged": {"type": "log", "database": "orders", "path": log, "match": "sqlalchemy"}})
    windows(standin, 1, "PoolTimeout", pool("logged"))
    with open(log, "ab") as output:
        subprocess.run(["/usr/bin/python3", script], stderr=output, check=True, timeout=30)
    assert len(re.findall("^sqlalchemy.exc.TimeoutError", log.read_text(), re.MULTILINE)) == 18
    wait_until(lambda: total(standin, "PoolTimeout", pool("logged")) == 18, 15, what=standin.report)
    windows(standin, 2, "PoolTimeout", pool("logged"))
    assert total(standin, "PoolTimeout", pool("logged")) == 18


def fires(alarm, points):
    """Would CloudWatch? One datapoint a period, one of them is enough."""
    sums = collections.Counter()
    for time_s, point in points:
        sums[time_s // alarm["Period"]] += point["sum"]
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["EvaluationPeriods"]) == \
        ("Sum", "GreaterThanThreshold", 1)
    return any(value > alarm["Threshold"] for value in sums.values())


def test_more_than_five_timeouts_in_a_minute_fire_the_alarm_and_five_do_not(agent, standin, tmp_path):
    log = tmp_path / "app.log"
    log.touch()
    agent(**{"pool logged": {"type": "log", "database": "orders", "path": log, "match": "prisma"}})
    windows(standin, 1, "PoolTimeout", pool("logged"))
    alarm = wait_until(lambda: standin.alarms.get("prisma-pool-timeout-orders"))
    assert (alarm["MetricName"], alarm["Period"], alarm["Threshold"]) == ("PoolTimeout", 60, 5)
    assert alarm["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "orders"}]
    wait_until(lambda: time.time() % 60 < 40, 30, what="a minute with room for both")
    for count, expected in ((5, False), (6, True)):
        with open(log, "a", encoding="utf-8") as output:
            output.write("prisma:error timeout exceeded when trying to connect\n" * (5 if count == 5 else 1))
        wait_until(lambda: total(standin, "PoolTimeout") == count, 15, what=standin.report)
        assert fires(alarm, standin.series("PoolTimeout", ORDERS)) == expected
