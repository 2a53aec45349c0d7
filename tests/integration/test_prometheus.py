"""Pools of type prometheus: pages over HTTP and a unix socket, restarts, several processes behind one port."""
import time

from arrived import ORDERS, newest, total, windows
from pages import Page
from wait import wait_until

API = {**ORDERS, "Pool": "api"}
OWN = {"timeout_counter": 'app_db_pool_timeouts_total{pool="main"}', "waiting_gauge": "app_db_pool_pending",
       "busy_gauge": 'app_db_pool_connections{state="used"}', "size_gauge": "app_db_pool_max"}


def pool(page, **keys):
    return {"cloudwatch": {"metrics": "standard"},
            "pool api": {"type": "prometheus", "database": "orders", "url": page.url, **keys}}


def counted(standin, value):
    wait_until(lambda: total(standin, "PoolTimeout", API) == value, 15,
               what=lambda: f"not {value}\n{standin.report()}")


def counts(value, start=1000.0):
    return f'process_start_time_seconds {start}\nhikaricp_connections_timeout_total{{pool="HikariPool-1"}} {value}\n'


def test_a_known_library_is_read(agent, standin):
    with Page() as page:
        page.text = counts(40)
        running = agent(**pool(page))
        running.wait_for_log("pool api: reads the metrics of HikariCP .Micrometer.")
        windows(standin, 1, "PoolTimeout", API)
        page.text = counts(47) + "hikaricp_connections_pending 3\nhikaricp_connections_active 8\nhikaricp_connections_max 10\n"
        counted(standin, 7)
        assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == 7
        wait_until(lambda: newest(standin, "PoolUtilization", API)["max"] == 80)
        assert newest(standin, "PoolClientsWaiting", API)["max"] == 3
        page.text = counts(2, start=time.time())  # it was restarted
        counted(standin, 9)
        windows(standin, 1, "PoolTimeout", API)
        assert total(standin, "PoolTimeout", API) == 9
        assert running.terminate() == 0


def test_series_of_the_configuration_on_a_unix_socket(agent, standin, tmp_path):
    with Page(tmp_path) as page:
        page.text = 'app_db_pool_timeouts_total{pool="main"} 0\n'
        agent(**pool(page, **OWN))
        windows(standin, 1, "PoolTimeout", API)
        page.text = ('app_db_pool_timeouts_total{pool="main"} 18\napp_db_pool_timeouts_total{pool="x"} 5\n'
                     'app_db_pool_pending 18\napp_db_pool_connections{state="used"} 2\napp_db_pool_max 2\n')
        counted(standin, 18)
        wait_until(lambda: newest(standin, "PoolUtilization", API)["max"] == 100)
        assert newest(standin, "PoolClientsWaiting", API)["max"] == 18


def test_several_processes_behind_one_port_are_said_and_not_counted(agent, standin):
    with Page(workers=2) as page:
        page.texts = [counts(1000, start=1000.0), counts(5000, start=1003.0)]
        running = agent(**pool(page))
        running.wait_for_log("pool api: several processes answer in turn: PoolTimeout is not published", 15)
        assert total(standin, "PoolTimeout", API) == 0


def test_a_page_that_fails_is_said_once_and_read_again(agent, standin):
    with Page() as page:
        page.text, page.status = counts(1), 503
        running = agent(**pool(page))
        running.wait_for_log("its metrics can not be read: it answers with status 503; trying again")
        wait_until(lambda: page.asked >= 2, 15)
        assert standin.series("PoolTimeout", API) == []
        page.status = 200
        running.wait_for_log("its metrics are read again", 15)
        page.text = counts(3)
        counted(standin, 2)
        assert len(running.log_lines("status 503")) == 1


def test_what_a_page_does_not_tell_is_said(agent_for, server, standin):
    with Page() as page:
        agent = agent_for({"orders": server.url()}, standin, **pool(page)).start()
        agent.wait_for_log("pool api: nothing on its page is known: name the series .*; trying again")
        page.text = "prisma_client_queries_wait 4\n"
        agent.wait_for_log("tell of the queue, not of timeouts")
        wait_until(lambda: (newest(standin, "PoolClientsWaiting", API) or {"max": 0})["max"] == 4)
        assert standin.series("PoolTimeout", API) == []


def test_a_huge_page_is_refused(agent, standin):
    with Page() as page:
        page.text = "x 1\n" * 2_000_000
        running = agent(**pool(page))
        running.wait_for_log("its metrics can not be read: .*; trying again", 20)
        assert running.terminate() == 0
