"""What the tests share: the binary, servers, a CloudWatch, an agent that is gone when the test is."""
import contextlib
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "integration")]

from agent import Agent, wrong_clock  # noqa: E402
from aws_standin import Standin  # noqa: E402
from aws_standin.rds_iam import RdsIam  # noqa: E402
from certificates import make_certificates  # noqa: E402
from identities import Home  # noqa: E402
from postgres import Postgres  # noqa: E402


@pytest.fixture(scope="session")
def binary():
    built = pathlib.Path(os.environ.get("POOLWARDEN_BUILD", ROOT / "build" / "dev")) / "poolwarden"
    assert built.exists(), f"{built} is not built: cmake --preset dev && cmake --build build/dev"
    return built


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of this module's own: max_connections 50, 3 of them reserved."""
    with Postgres(max_connections=50) as running:
        yield running


@pytest.fixture
def standin():
    with Standin() as running:
        yield running


@pytest.fixture(scope="module")
def trusting(server):
    """The module's server, which trusts its unix socket: for a proxy of ours that has looked at passwords already."""
    server.trust_unix_socket()
    return server


@pytest.fixture
def rds(trusting, standin, tmp_path):
    """A proxy before that server whose password check is the IAM token; .ca is whom its certificate is from."""
    ca, certificate, key = make_certificates(tmp_path, "DNS:*.abcdefghijkl.eu-west-1.rds.amazonaws.com,"
                                                       "DNS:orders.example.com", wrong_clock("-1d"))
    with RdsIam(standin, trusting.socket, certificate, key) as running:
        running.ca = ca
        yield running


@pytest.fixture
def home(tmp_path):
    """A home directory of the agent's own, for ~/.aws."""
    return Home(tmp_path / "home")


@pytest.fixture
def agent_for(binary, tmp_path):
    """agent_for(databases, standin, ...): an Agent, not started; all are ended with the test."""
    agents = []

    def make(databases=None, standin=None, directory="agent", **details):
        agents.append(Agent(binary, tmp_path / directory, databases or {}, standin, **details))
        return agents[-1]

    yield make
    with contextlib.ExitStack() as stack:
        for agent in agents:
            stack.callback(agent.check)
            stack.callback(agent.kill)


@pytest.fixture
def agent(agent_for, server, standin):
    """agent(**sections): a running agent of the module's server, called orders."""
    def start(*arguments, **details):
        return agent_for({"orders": server.url()}, standin, **details).start(*arguments)

    return start
