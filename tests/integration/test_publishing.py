"""What travels to CloudWatch, and what happens when it does not get there."""
import socket
import time

import pytest

from arrived import ORDERS, WINDOW_S, assert_complete, holds, total, windows
from aws_standin import Standin
from certificates import make_certificates
from clock_and_loop import ClockAndLoop
from ports import free_udp_port
from wait import wait_until


def puts(standin):
    return standin.calls("PutMetricData")


# ---- the usual ----


def test_there_is_one_signed_request_an_interval_on_one_connection(agent, standin):
    agent(cloudwatch={"metrics": "standard"}, alarms={"provision": "off"})
    windows(standin, 4)
    assert all(request.verified and request.accepted for request in standin.requests)
    stamps = [{datum["Timestamp"] for datum in request.body["MetricData"]} for request in puts(standin)]
    assert all(len(times) == 1 for times in stamps), stamps
    assert len(set.union(*stamps)) == len(stamps), "two requests for one window"
    assert len({request.connection for request in puts(standin)}) == 1


def test_windows_are_stamped_with_their_start_and_sent_when_they_are_over(agent, standin):
    agent()
    points = windows(standin, 3)
    assert_complete(points)
    for datum in standin.metrics("DatabaseUp"):
        assert datum.timestamp % WINDOW_S == 0
        assert WINDOW_S <= datum.arrived - datum.timestamp <= WINDOW_S + 1.5


def test_configured_dimensions_are_on_every_metric_but_the_dimensionless(agent, standin):
    port = free_udp_port()
    agent(cloudwatch={"metrics": "full", "dimension.Environment": "production", "namespace": "Team/Databases"},
          pools={"workers": "orders"}, statsd={"listen": f"127.0.0.1:{port}"})
    windows(standin, 1, dimensions={**ORDERS, "Environment": "production"})
    assert {datum.namespace for datum in standin.metrics()} == {"Team/Databases"}
    without = {datum.name for datum in standin.metrics() if datum.dimensions.get("Environment") != "production"}
    assert without == {"PoolTimeout"}
    assert all(datum.dimensions == {} for datum in standin.metrics()
               if datum.dimensions.get("Environment") != "production")


def test_high_resolution_is_said(agent, standin):
    agent(cloudwatch={"resolution": 1})
    windows(standin, 1)
    assert {datum.resolution for datum in standin.metrics()} == {1}


def test_two_hundred_distinct_values_of_a_window_all_arrive(agent, standin):
    port = free_udp_port()
    running = agent(cloudwatch={"metrics": "standard"}, pools={"workers": "orders"},
                    statsd={"listen": f"127.0.0.1:{port}"})
    running.wait_for_log("connected")
    wait_until(lambda: 0.1 < time.time() % WINDOW_S < 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        for value in range(200):
            statsd.sendto(f"workers.waiting:{value}|g\nworkers.waiting:{value}|g".encode(), ("127.0.0.1", port))
    [(_, point)] = windows(standin, 1, "PoolClientsWaiting", {**ORDERS, "Pool": "workers"})
    assert point["values"] == {value: 2 for value in range(200)}
    assert (point["sample_count"], point["datums"]) == (400, 2)


def test_large_requests_are_compressed_and_small_ones_are_not(agent_for, server, standin):
    small = agent_for({"orders": server.url()}, standin, directory="small", alarms={"provision": "off"}).start()
    windows(standin, 1)
    assert small.terminate() == 0
    assert all("content-encoding" not in request.headers for request in puts(standin))
    standin.reset()
    many = {f"orders{number}": server.url() for number in range(12)}
    agent_for(many, standin, directory="large", cloudwatch={"metrics": "full"}, alarms={"provision": "off"}).start()
    holds(standin, "DatabaseUp", 1, {"DBInstanceIdentifier": "orders11"})
    wait_until(lambda: len(standin.calls("PutMetricData", accepted=True)) >= 3)
    largest = standin.calls("PutMetricData", accepted=True)[-1]
    assert (largest.headers["content-encoding"], largest.verified, largest.accepted) == ("gzip", True, True)
    assert largest.wire_bytes < 10_000 < len(str(largest.body))


# ---- credentials ----


def test_a_session_token_is_signed(agent_for, server):
    with Standin(session_token="IQoJb3JpZ2luX2VjEXAMPLE==") as standin:
        agent_for({"orders": server.url()}, standin).start()
        windows(standin, 1)
        assert all(request.headers["x-amz-security-token"] == standin.session_token for request in standin.requests)


@pytest.mark.parametrize("place", ["container", "imds"])
def test_credentials_are_found_where_aws_puts_them(agent_for, server, standin, place):
    found = {"container": standin.identity.container_environment, "imds": standin.identity.imds_environment}[place]()
    agent = agent_for({"orders": server.url()}, environment={"AWS_ENDPOINT_URL_CLOUDWATCH": standin.url, **found,
                                                             "AWS_EC2_METADATA_DISABLED": "false"})
    if place == "container":
        agent.environment["AWS_REGION"] = "eu-west-1"  # IMDS tells it, too
    agent.start()
    windows(standin, 1)
    assert all(request.verified for request in standin.requests)
    assert {datum.region for datum in standin.metrics()} == {"eu-west-1"}
    assert standin.identity.current.secret_key not in agent.log


def test_credentials_that_have_expired_are_fetched_again_and_nothing_is_lost(agent_for, server, standin):
    environment = {"AWS_ENDPOINT_URL_CLOUDWATCH": standin.url, "AWS_REGION": "eu-west-1",
                   **standin.identity.container_environment()}
    agent_for({"orders": server.url()}, environment=environment).start()
    windows(standin, 1)
    first = standin.identity.current
    standin.keys.pop(first.access_key)
    standin.identity.issue()
    assert_complete(windows(standin, 3))
    assert standin.identity.requests.count(("container", 200)) >= 2


# ---- the transport ----


def test_https_is_trusted_by_the_given_bundle_and_refused_without(agent_for, server, tmp_path):
    ca, certificate, key = make_certificates(tmp_path)
    with Standin(tls_cert=certificate, tls_key=key) as standin:
        trusting = {"AWS_CA_BUNDLE": str(ca)}
        agent_for({"orders": server.url()}, standin, environment=trusting, directory="trusts").start()
        windows(standin, 1)
        asked = len(standin.requests)
        distrusting = agent_for({"distrusting": server.url()}, standin, directory="does-not").start()
        distrusting.wait_for_log("cannot publish")
        assert distrusting.terminate() == 0
        assert "certificate" in distrusting.log
        assert all("distrusting" not in str(request.body) for request in standin.requests[asked:])


def test_a_server_whose_clock_is_elsewhere_is_signed_for(agent, standin):
    standin.clock.offset_s = 20 * 60
    agent(alarms={"provision": "off"})
    windows(standin, 2)
    [refused] = [request for request in puts(standin) if not request.accepted]
    assert refused.error == "InvalidSignatureException"
    for datum in standin.metrics("DatabaseUp"):
        assert 0 <= datum.arrived - datum.timestamp <= 3 * WINDOW_S, "stamped by our clock, not by theirs"


@pytest.mark.parametrize("stepped_s", [3600, -3600])
def test_a_host_whose_clock_is_set_misses_nothing(agent, binary, standin, tmp_path, stepped_s):
    """CloudWatch's clock is known by then: samples go on being stamped with it, the window that is open is not split."""
    host = ClockAndLoop(tmp_path / "clock")
    agent(environment=host.environment(binary))
    windows(standin, 2)
    host.set_clock(stepped_s)
    windows(standin, 3)
    host.set_clock(0)
    assert_complete(windows(standin, 3))
    datums = standin.metrics("DatabaseUp")
    assert len({datum.timestamp for datum in datums}) == len(datums)
    delays = [datum.arrived - datum.timestamp for datum in datums]
    assert all(WINDOW_S <= delay <= WINDOW_S + 1.5 for delay in delays), delays
    assert all(request.accepted for request in standin.requests), "signed by CloudWatch's clock"


@pytest.mark.parametrize("wrong_s", [3600, -3600])
def test_a_host_whose_clock_is_wrong_and_then_set_right(agent, binary, standin, tmp_path, wrong_s):
    """What was sampled before the first answer is stamped anew with it."""
    host = ClockAndLoop(tmp_path / "clock")
    host.set_clock(wrong_s)
    running = agent(environment=host.environment(binary), alarms={"provision": "off"})
    windows(standin, 3)
    host.set_clock(0)
    windows(standin, 3)
    assert running.terminate() == 0
    refused = [request for request in standin.requests if not request.accepted]
    assert len(refused) == 1, "the first, and no other"
    assert_complete(standin.series("DatabaseUp", ORDERS))


@pytest.mark.parametrize("wrong_s", [3600, -3600])
def test_a_crash_on_a_host_whose_clock_is_wrong(agent, binary, standin, tmp_path, wrong_s):
    """What waits on disk for a window's end is of the corrected time: it neither counts twice nor is taken for old."""
    host = ClockAndLoop(tmp_path / "clock")
    host.set_clock(wrong_s)
    running = agent(environment=host.environment(binary), alarms={"provision": "off"})
    points = windows(standin, 2)
    running.kill()
    running.start()
    windows(standin, 3)
    assert running.terminate() == 0
    counts = [(stamp - points[0][0], point["sample_count"]) for stamp, point in standin.series("DatabaseUp", ORDERS)]
    assert all(count <= WINDOW_S + 1 for _, count in counts), f"{counts}: only the second of the restart has two ticks"
    assert sum(count for _, count in counts) >= counts[-1][0] - 2, counts


def test_a_proxy_s_password_is_in_no_message(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin,
                      environment={"http_proxy": "http://usr:TOP#SECRETpw@127.0.0.1:3128"}).start()
    agent.wait_for_log("cannot publish.*the proxy's address is not understood")
    assert agent.terminate() == 0
    assert "SECRET" not in agent.log and "TOP" not in agent.log


# ---- trouble ----

TROUBLE = {
    "throttled": [{"fault": "ThrottlingException", "count": 3}],
    "server errors": [{"fault": "InternalServiceFault", "count": 3}, {"fault": "html", "count": 1}],
    "closed connections": [{"fault": "close", "count": 3}],
    "no permission": [{"fault": "AccessDeniedException", "count": 2}],
    "answers that are not AWS's": [{"fault": "empty", "count": 2}],
}


@pytest.mark.parametrize("faults", TROUBLE.values(), ids=TROUBLE.keys())
def test_nothing_is_lost_and_nothing_counted_twice(agent, standin, faults):
    for rule in faults:
        standin.faults.add(operation="PutMetricData", **rule)
    running = agent(cloudwatch={"metrics": "full"})
    wait_until(lambda: all(rule.hits == rule.count for rule in standin.faults.rules), 30, what=standin.report)
    windows(standin, 3, deadline_s=40)
    assert running.terminate() == 0
    assert_complete(standin.series("DatabaseUp", ORDERS))
    assert all(point["datums"] == 1 for _, point in standin.series("DatabaseUp", ORDERS))
    assert len(running.log_lines("cannot publish")) <= 2


def test_cloudwatch_that_is_gone_for_a_while_is_caught_up_with(agent, standin):
    running = agent()
    windows(standin, 1)
    standin.stop()
    running.wait_for_log("cannot publish")
    gone_since = time.time()
    wait_until(lambda: time.time() > gone_since + 6, 10)
    standin.start()
    running.wait_for_log("publishing again", 30)
    windows(standin, 2)
    assert_complete(standin.series("DatabaseUp", ORDERS))
    assert len(running.log_lines("cannot publish")) == 1


@pytest.mark.parametrize("fault", ["close", "InternalServiceFault"])
def test_a_lost_answer_is_counted_as_ambiguous(agent, standin, fault):
    standin.faults.add(fault, operation="PutMetricData", stored=True)
    running = agent(cloudwatch={"metrics": "full"})
    host = {"Agent": socket.gethostname()}
    wait_until(lambda: total(standin, "AgentAmbiguousRetries", host), 20, what=standin.report)
    windows(standin, 2)
    assert running.terminate() == 0
    [twice] = [request for request in puts(standin) if request.fault]
    assert total(standin, "AgentAmbiguousRetries", host) == len(twice.body["MetricData"])
    assert total(standin, "AgentPublishErrors", host) == 1
    assert sum(point["datums"] - 1 for _, point in standin.series("DatabaseUp", ORDERS)) == 1


def test_one_poisoned_datum_is_dropped_alone(agent, standin):
    poisoned = {**ORDERS, "State": "idle"}
    standin.faults.add("poison", metric="DatabaseConnections", dimensions=poisoned)
    running = agent(cloudwatch={"metrics": "full"})
    host = {"Agent": socket.gethostname()}
    wait_until(lambda: total(standin, "AgentDatapointsDropped", host), 20, what=standin.report)
    windows(standin, 2)
    assert running.terminate() == 0
    assert_complete(standin.series("DatabaseUp", ORDERS))
    assert len(standin.series("ConnectionsIdle", ORDERS)) == len(standin.series("DatabaseUp", ORDERS))
    assert standin.series("DatabaseConnections", poisoned) == []
    refused = running.log_lines("refused a datum")
    assert len(refused) == 1 and "DatabaseConnections" in refused[0]


def test_without_credentials_everything_is_kept_and_said_once(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, environment={"AWS_ENDPOINT_URL_CLOUDWATCH": standin.url,
                                                             "AWS_REGION": "eu-west-1"})
    agent.start("--log-level", "info")
    agent.wait_for_log("cannot publish")
    since = time.time()
    wait_until(lambda: time.time() > since + 6)
    assert agent.terminate() == 0
    [line] = agent.log_lines("cannot publish")
    assert "no AWS credentials" in line
    assert len(agent.log_lines("ERROR|WARN")) <= 4, agent.log
    assert standin.requests == []


# ---- not at all ----


def test_a_dry_run_prints_and_sends_nothing(agent, server, standin):
    running = agent("--dry-run")
    wait_until(lambda: running.output.count("PutMetricData") >= 2)
    assert running.terminate() == 0
    assert '"MetricName":"DatabaseConnections"' in running.output
    assert "rds-high-connections-orders" in running.output
    assert {request.operation for request in standin.requests} <= {"DescribeAlarms", "ListTagsForResource"}


def test_a_dry_run_needs_no_aws_at_all(agent_for, server):
    running = agent_for({"orders": server.url()}).start("-n")
    wait_until(lambda: running.output.count("PutMetricData") >= 2)
    assert running.terminate() == 0
