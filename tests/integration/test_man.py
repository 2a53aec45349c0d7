"""The man pages say what is: options and keys are held against the program, examples are run. UPDATE=1 writes the keys
of agent.conf(5) anew, from agent.conf.example, which the unit tests hold against the table."""
import json
import os
import re
import subprocess

import pytest

import manual

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:5432/orders",
               "CREDENTIALS_DIRECTORY": "/run/credentials/poolwarden.service"}


@pytest.mark.parametrize("page", manual.PAGES)
def test_no_formatter_complains(page):
    path = manual.ROOT / "man" / page
    strict = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True)
    assert strict.stdout == ""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    shown = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, env=environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "NAME" in shown.stdout and "EXAMPLES" in shown.stdout


def options_of_help(binary):
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  (?:(-\w), )? *(--[a-z-]+)(?: ([A-Z]+))? +(.+)$", text, re.MULTILINE)
    return {name: (letter or None, value or None, meaning) for letter, name, value, meaning in rows}


def test_every_option_stands_there_with_the_words_of_the_help(binary):
    helped, told = options_of_help(binary), manual.options()
    assert len(helped) >= 18
    assert set(told) == set(helped)
    for name, (letter, value, meaning) in helped.items():
        assert told[name][:2] == (letter, value), name
        text = told[name][2]
        assert (text[0].lower() + text[1:]).startswith(meaning[0].lower() + meaning[1:] + "."), name


def test_every_key_stands_there_with_the_words_of_the_example():
    written = manual.source("agent.conf.5")
    wanted = manual.with_keys(written)
    if os.environ.get("UPDATE"):
        (manual.ROOT / "man" / "agent.conf.5").write_text(wanted)
        written = wanted
    assert len(re.findall(r"^\.It Ic ", wanted, re.MULTILINE)) > 60
    assert written == wanted, "UPDATE=1 writes man/agent.conf.5 anew"


@pytest.mark.parametrize("text", manual.blocks("agent.conf.5"))
def test_each_configuration_is_accepted(binary, tmp_path, text):
    config = tmp_path / "agent.conf"
    config.write_text(text)
    done = subprocess.run([binary, "--check-config", "-c", config], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout


@pytest.fixture(scope="module")
def path_with(binary, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bin")
    (directory / "poolwarden").symlink_to(binary)
    return f"{directory}:/usr/bin:/bin"


# Those of the installed service are run in test_service.py.
@pytest.mark.parametrize("command", manual.commands(of_the_service=False))
def test_each_command_does_what_it_is_for(command, path_with, server, standin, tmp_path):
    environment = {"PATH": path_with, "AWS_EC2_METADATA_DISABLED": "true", "DATABASE_URL": server.url(),
                   "POOLWARDEN_AGENT_STATE_DIR": str(tmp_path), "POOLWARDEN_AGENT_RUNTIME_DIR": str(tmp_path),
                   **standin.environment("eu-west-1")}
    done = subprocess.run(["/bin/sh", "-euc", command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_the_version_names_the_commit_and_the_libraries(binary):
    text = subprocess.run([binary, "-V"], capture_output=True, text=True, check=True).stdout
    assert re.match(r"poolwarden \d+\.\d+\.\d+ \(commit [0-9a-z-]+\)\n", text)
    ours = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=manual.ROOT, capture_output=True, text=True)
    if ours.returncode == 0:
        commit = re.search(r"commit ([0-9a-f]+)", text)[1]
        known = subprocess.run(["git", "cat-file", "-t", commit], cwd=manual.ROOT, capture_output=True, text=True)
        assert known.stdout.strip() == "commit"
    for name, package in (("libuv", "libuv"), ("libpq", "libpq"), ("libcurl", "libcurl"), ("OpenSSL", "libcrypto"),
                          ("jansson", "jansson"), ("pcre2", "libpcre2-8"), ("zlib", "zlib")):
        installed = subprocess.run(["pkg-config", "--modversion", package], capture_output=True, text=True, check=True)
        assert f"{name} {installed.stdout.strip()}" in text


def test_programs_can_read_the_version(binary):
    text = subprocess.run([binary, "--version", "--format", "json"], capture_output=True, text=True, check=True).stdout
    document = json.loads(text)
    assert set(document) == {"version", "commit", "libraries"}
    for_people = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    assert for_people == (f"poolwarden {document['version']} (commit {document['commit']})\n"
                          + ", ".join(" ".join(pair) for pair in document["libraries"].items()) + "\n")
