"""What still waits when the configuration names another namespace or region: it goes where it was sampled for."""
import pytest

from arrived import ORDERS
from test_durable import kill_9, recorded, samples_in, settled  # noqa: F401
from wait import wait_until

OLD, NEW = {"namespace": "Old/App"}, {"namespace": "New"}


def directories(agent):
    return sorted(path.name for path in (agent.directory / "spool").iterdir())


def samples_of(standin, namespace=None, region=None):
    return sum(datum.sample_count for datum in standin.metrics("DatabaseConnections", ORDERS, namespace)
               if region in (None, datum.region))


def starve(agent, server, standin):
    """It samples, cannot publish, and is killed in the middle of a window."""
    standin.stop()
    agent.start()
    agent.wait_for_log("cannot publish to CloudWatch:")
    settled(agent, server)
    kill_9(agent)
    standin.start()
    return len(samples_in(server))


@pytest.mark.parametrize("changed", ["namespace", "region"])
def test_what_waits_goes_where_it_was_sampled_for(agent_for, recorded, standin, changed):  # noqa: F811
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=OLD)
    before = starve(agent, recorded, standin)
    [old] = directories(agent)
    if changed == "namespace":
        agent.configure({"orders": recorded.url()}, cloudwatch=NEW)
        there, here, told = {"namespace": "Old/App"}, {"namespace": "New"}, "namespace Old/App in eu-west-1"
    else:
        agent.environment["AWS_REGION"] = "us-east-2"
        there, here, told = {"region": "eu-west-1"}, {"region": "us-east-2"}, "namespace Old/App in eu-west-1"
    agent.start()
    agent.wait_for_log(f"WARN.*what an earlier run left for {told}, which this configuration names no more")
    wait_until(lambda: samples_of(standin, **there) == before, 20, what=standin.report)
    wait_until(lambda: len(directories(agent)) == 1, 10, what=lambda: directories(agent))
    assert directories(agent) != [old]
    wait_until(lambda: samples_of(standin, **here) >= 4, 20, what=standin.report)
    settled(agent, recorded)
    assert agent.terminate() == 0
    assert samples_of(standin, **there) == before
    assert samples_of(standin, **here) == len(samples_in(recorded)) - before
    agent.start()
    agent.wait_for_log("database orders: connected")
    assert agent.terminate() == 0
    assert "names no more" not in agent.log and "wait" not in agent.log


def test_what_can_not_be_sent_there_waits_and_hinders_nothing(agent_for, recorded, standin):  # noqa: F811
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=OLD)
    before = starve(agent, recorded, standin)
    agent.configure({"orders": recorded.url()}, cloudwatch=NEW)
    rule = standin.faults.add("AccessDenied", namespace="Old/App")
    agent.start()
    agent.wait_for_log(r"ERROR.*cannot publish to CloudWatch \(what an earlier run left for Old/App in eu-west-1\)")
    wait_until(lambda: samples_of(standin, "New") >= 4, 20, what=standin.report)
    assert samples_of(standin, "Old/App") == 0
    assert agent.run("--health").returncode == 0
    standin.faults.remove(rule)
    wait_until(lambda: samples_of(standin, "Old/App") == before, 40, what=standin.report)
    assert agent.terminate() == 0


def test_a_configuration_that_goes_back_takes_it_up_as_its_own(agent_for, recorded, standin):  # noqa: F811
    """Before it was sent: the directory has one writer again."""
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=OLD)
    starve(agent, recorded, standin)
    agent.configure({"orders": {"url": recorded.url(), "region": "us-east-2"}}, cloudwatch=OLD)
    rule = standin.faults.add("InternalServiceFault", operation="PutMetricData", count=None)
    agent.start()
    agent.wait_for_log("what an earlier run left for namespace Old/App in eu-west-1")
    agent.configure({"orders": recorded.url()}, cloudwatch=OLD)
    agent.reload()
    agent.wait_for_log("configuration reloaded")
    settled(agent, recorded)
    standin.faults.remove(rule)
    agent.wait_for_log("publishing again", 40)
    settled(agent, recorded)
    assert agent.terminate() == 0
    wait_until(lambda: samples_of(standin) >= len(samples_in(recorded)), 20, what=standin.report)
    assert samples_of(standin) == len(samples_in(recorded))


def test_a_directory_that_does_not_say_what_it_is_for_is_left_alone(agent_for, recorded, standin):  # noqa: F811
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=OLD)
    starve(agent, recorded, standin)
    [old] = directories(agent)
    (agent.directory / "spool" / old / ".destination").write_text('{"region": "eu-west-1", "namespace": "Other"}')
    agent.configure({"orders": recorded.url()}, cloudwatch=NEW)
    agent.start()
    agent.wait_for_log(f"WARN.*{old} does not say for which region and namespace it is: it is left alone")
    wait_until(lambda: samples_of(standin, "New") >= 4, 20, what=standin.report)
    assert agent.terminate() == 0
    assert old in directories(agent)
    assert samples_of(standin, "Old/App") == samples_of(standin, "Other") == 0
