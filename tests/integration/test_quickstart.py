"""What quickstart shows, and that the README's picture is that."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = re.search(r"```text\n(starting a throwaway.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)


def shape(line):
    """Numbers and the width of columns differ from run to run."""
    return re.sub(r"\s+", " ", re.sub(r"[\d.]+", "#", line)).strip()


def demo(binary, **environment):
    return subprocess.run(["/usr/bin/python3", ROOT / "scripts" / "demo", binary], text=True, capture_output=True,
                          timeout=120, env={"PATH": os.environ["PATH"], **environment})


def test_the_demonstration_agrees_with_the_server_and_looks_like_the_picture(binary):
    done = demo(binary)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {shape(line) for line in (done.stdout + done.stderr).splitlines()}
    told |= {re.sub(r"^#-#-#T#:#:#Z ", "", line) for line in told}
    assert {shape(line) for line in PICTURE.splitlines() if line.strip() not in ("", "...")} <= told
    assert "they agree" in done.stdout and "all verified" in done.stdout


def test_a_given_database_is_only_looked_at(binary, server):
    with server.sessions(3):
        done = demo(binary, DATABASE_URL=server.url(parameters="?schema=public&connection_limit=5&sslmode=prefer"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.count_client_backends() == 3
    assert re.search(r"client backend'\s+4\n", done.stdout), done.stdout
    assert server.value("select count(*) from pg_stat_activity where application_name = 'poolwarden'") == 0


def test_a_database_that_can_not_be_sampled_is_said(binary, server):
    done = demo(binary, DATABASE_URL=server.url(password="wr0ng"))
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr and "Traceback" not in done.stderr
