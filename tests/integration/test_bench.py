"""tests/bench/run goes through all of its topics and prints every row; whether the figures are good is not asked here."""
import json
import math
import subprocess
import sys

from conftest import ROOT

BENCH = ROOT / "tests" / "bench"
TOPICS = {path.stem for path in (BENCH / "topics").glob("[a-z]*.py")}


def test_every_topic_prints_its_rows(tmp_path):
    file = tmp_path / "table.json"
    done = subprocess.run([sys.executable, BENCH / "run", "--quick", "--json", file], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(file.read_text())["rows"]
    assert {row["topic"] for row in rows} == TOPICS
    for row in rows:
        assert math.isfinite(row["ours"]) and (row["other"] is None or row["other"] > 0), row
        assert row["what"] in done.stdout, row
    assert done.stdout.count(" met") + done.stdout.count("MISSED") == sum(row["goal"] is not None for row in rows)
