"""The README says what is: its examples are run, its tables are held against the program."""
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:5432/orders"}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def table(heading):
    """The rows of the first table below a heading, as lists of cells."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


@pytest.mark.parametrize("text", blocks("ini"))
def test_each_configuration_example_is_accepted(binary, tmp_path, text):
    config = tmp_path / "agent.conf"
    config.write_text(text)
    done = subprocess.run([binary, "--check-config", "-c", config], env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "s3cret" not in done.stdout


def test_a_url_in_the_environment_is_enough(binary):
    done = subprocess.run([binary, "--check-config"], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout


def test_every_metric_stands_in_the_table():
    source = (ROOT / "agent" / "metrics.h").read_text()
    rows = re.findall(r'X\(\w+,\s*"(\w+)",\s*"(\w+)",\s*(\w+),', source)
    expected = {(name, unit, group.lower()) for name, unit, group in rows}
    told = {(name.split()[0], unit, group) for name, group, unit, _ in table("Metrics")}
    assert expected == told


def test_every_command_of_the_table_is_in_the_help(binary):
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    for command, *_ in table("Command line"):
        for option in re.findall(r"--[a-z][a-z-]*", command):
            assert option in text


def test_the_documents_have_the_names_that_are_documented(binary):
    done = subprocess.run([binary, "--check-config", "--format", "json"], env=ENVIRONMENT, capture_output=True,
                          text=True)
    assert set(json.loads(done.stdout)) == {"config", "cost", "ignored", "warnings"}


def test_the_two_commands_are_there():
    for command in ("quickstart", "tests/run"):
        assert command in blocks("sh")[0]
        assert (ROOT / command).stat().st_mode & 0o111


def test_every_room_of_the_map_exists():
    for room, _ in table("Map of the code"):
        assert (ROOT / room.strip("`")).is_dir(), room


def test_the_policy_allows_what_the_agent_calls():
    policy = json.loads((ROOT / "ecs" / "policy.json").read_text())
    allowed = set()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        allowed.update([actions] if isinstance(actions, str) else actions)
    called = set(re.findall(r'"((?:Put|Describe|List|Tag|Delete|Get)[A-Z][A-Za-z]+)"',
                            "".join(path.read_text() for path in (ROOT / "aws").glob("cloudwatch*.c"))))
    assert {f"cloudwatch:{name}" for name in called} == allowed
