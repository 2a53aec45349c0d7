"""When every slot is taken: what the agent still sees, and what it says when it can not get in."""
from arrived import holds, newest, windows
from postgres import Postgres
from wait import wait_until

STANDARD = {"metrics": "standard"}


def test_the_kept_session_still_reports(agent, server, standin):
    agent(cloudwatch=STANDARD)
    holds(standin, "DatabaseUp", 1)
    with server.all_slots_taken():
        holds(standin, "DatabaseConnections", 47)
        holds(standin, "AvailableConnections", 0)
        holds(standin, "DatabaseUp", 1)
        holds(standin, "ConnectionsRejected", 0)


def test_an_agent_that_comes_too_late_publishes_the_limit_it_knew(agent_for, server, standin):
    agent = agent_for({"orders": server.url()}, standin, cloudwatch=STANDARD).start()
    holds(standin, "DatabaseUp", 1)
    assert agent.terminate() == 0
    wait_until(lambda: server.agent_pid() is None)
    with server.all_slots_taken():
        standin.reset()
        agent.start()
        windows(standin, 2)
        for name, value in {"DatabaseUp": 0, "DatabaseConnections": 47, "AvailableConnections": 0}.items():
            holds(standin, name, value)
        assert newest(standin, "ConnectionsRejected")["max"] >= 1
        assert len(agent.log_lines("WARN|ERROR")) == 1, agent.log
    holds(standin, "DatabaseUp", 1)
    agent.wait_for_log("connected")


def test_one_that_never_knew_the_limit_says_what_it_knows(agent_for, server, standin):
    with server.all_slots_taken():
        agent_for({"orders": server.url()}, standin, cloudwatch=STANDARD).start()
        windows(standin, 2)
        holds(standin, "DatabaseUp", 0)
        assert newest(standin, "ConnectionsRejected")["max"] >= 1
        assert standin.series("DatabaseConnections", {"DBInstanceIdentifier": "orders"}) == []


def test_a_limit_of_the_role_is_not_a_full_server(agent_for, standin):
    with Postgres() as server:
        server.execute("alter role plain connection limit 1")
        with server.sessions(1, user="plain"):
            agent = agent_for({"orders": server.url(user="plain")}, standin, cloudwatch=STANDARD).start()
            holds(standin, "DatabaseUp", 0)
            assert not newest(standin, "AvailableConnections")
            assert not newest(standin, "ConnectionsRejected")
            agent.wait_for_log("too many connections for role")
