"""The README says what is: every block in it is tried, every name in it exists, its figures are the program's."""
import json
import pathlib
import re
import subprocess

import pytest

from agent import Agent
from aws_standin import Standin
from documents import Reader, blocks
from postgres import Postgres
from wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "README.md"
README = PATH.read_text()
PROSE = re.sub(r"```.*?```|<!--.*?-->", "", README, flags=re.DOTALL)
CODE = re.findall(r"`([^`\n]+)`", PROSE)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:5432/orders"}


def table(heading, which=0):
    """The rows of a table below a heading, as lists of cells."""
    section = re.split(rf"\n##+ {re.escape(heading)}\n", README)[1].split("\n## ", 1)[0]
    found = [part for part in re.split(r"\n(?!\|)", section) if part.lstrip("\n").startswith("|")]
    rows = [line for line in found[which].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def names_of(*arguments):
    """What the sources define: a column of an X macro."""
    path, pattern = arguments
    return re.findall(pattern, (ROOT / path).read_text())


METRICS = set(names_of("agent/metrics.h", r'X\(\w+,\s*"(\w+)"'))
STEMS = names_of("agent/alarm_kinds.h", r'"([a-z-]+-)"')
KEYS = set(names_of("agent/config_keys.c", r'\{SECTION_\w+, "([a-z_.]+)"'))


# ---- blocks ----


def test_every_block_is_tried(binary, server, tmp_path):
    """In the order in which a person reads them: what one leaves behind is there for the next."""
    with Standin() as standin, Reader(binary, server, standin, tmp_path) as reader:
        for block in blocks(PATH):
            reader.check(block)
        assert standin.alarms, "the commands of the README have not provisioned anything"





WRONG = {
    "another language": ("```yaml\na: 1\n```\n", "nobody knows how to try it"),
    "no language": ("```\nanything\n```\n", "nobody knows how to try it"),
    "a key that is none": ("```ini\n[agent]\nsample_intervall = 1s\n```\n", "unknown key"),
    "a command that is none": ("```sh\npoolwarden --setup-alarmss\n```\n", "status 2"),
    "a file that is none": ("```sh\nsudo install -m 644 systemd/other.service /etc/systemd/system/\n```\n", "other.service"),
    "a call that is none": ("```sh\naws cloudwatch set-alarm-stat --alarm-name x\n```\n", "no such call"),
    "an option that is none": ("```sh\naws cloudwatch delete-alarms --alarm-name x\n```\n", "no such options: alarm-name"),
    "SQL that does not run": ("```sql\nGRANT pg_monitr TO postgres;\n```\n", "pg_monitr"),
    "a policy that is none": ('```json\n{"Statement": [{"Action": "x"}]}\n```\n', ""),
    "output that is not": ("# A\n```sh\necho one 1\n```\n```text\ntwo 1\n```\n", "is not in"),
    "output of nothing": ("# A\n```sh\necho one\n```\n# B\n```text\none\n```\n", "whose output"),
    "another recipe": ("```python\nprint()\n```\n", "does not run it"),
    "no end": ("```sh\ntrue\n", "has no end"),
}


@pytest.mark.parametrize("text, reason", WRONG.values(), ids=WRONG.keys())
def test_a_block_that_is_wrong_is_noticed(binary, server, standin, tmp_path, text, reason):
    document = tmp_path / "document.md"
    document.write_text(text)
    with Reader(binary, server, standin, tmp_path) as reader, pytest.raises(AssertionError, match=reason):
        for block in blocks(document):
            reader.check(block)


def test_a_man_page_is_read_as_well(binary, server, standin, tmp_path):
    page = tmp_path / "agent.conf.5"
    page.write_text('.Sh EXAMPLE\n.EX\n[database orders]\nurl = ${DATABASE_URL}\n.EE\n.SH "SEE ALSO"\n.Bd -literal -offset indent\n'
                    'poolwarden \\-\\-check\\-config > /dev/null\necho \\(aqit is\\(aq\n.Ed\n')
    ini, shell = blocks(page)
    assert (ini.language, ini.heading, ini.where) == ("ini", "EXAMPLE", "agent.conf.5:2")
    assert (shell.language, shell.text) == ("sh", "poolwarden --check-config > /dev/null\necho 'it is'\n")
    with Reader(binary, server, standin, tmp_path) as reader:
        (reader.root / "etc/poolwarden/agent.conf").write_text("[database orders]\nurl = postgresql://a@b/c\n")
        for block in (ini, shell):
            reader.check(block)
        assert reader.output == "it is\n"


def test_every_block_of_the_man_pages_is_tried(binary, server, standin, tmp_path):
    for page in sorted(ROOT.glob("man/*.[1-8]")):
        with Reader(binary, server, standin, tmp_path / page.name) as reader:
            (reader.root / "etc/poolwarden/agent.conf").write_text(f"[database orders]\nurl = {server.url()}\n")
            for block in blocks(page):
                reader.check(block)


def test_a_url_in_the_environment_is_enough(binary):
    done = subprocess.run([binary, "--check-config"], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout


def test_the_two_commands_are_there():
    first = next(block for block in blocks(PATH) if block.language == "sh")
    for command in ("quickstart", "tests/run"):
        assert command in first.text
        assert (ROOT / command).stat().st_mode & 0o111


def test_the_signs_of_the_alarms_are_the_programs():
    source = (ROOT / "agent/provision/provision.c").read_text()
    words = {"create": "created", "change": "changed", "none": "in place", "foreign": "exists, but is not ours",
             "fail": "failed", "delete": "deleted"}
    signs = {word: sign for sign, word in re.findall(r"\{'(\S)', \"(\w+)\"\}", source)}
    assert set(signs) == set(words)
    for word, meaning in words.items():
        assert f"{signs[word]} {meaning}" in README


def test_every_row_of_a_table_has_its_cells():
    tables = re.findall(r"(?:^\|.*\n)+", PROSE, re.MULTILINE)
    assert len(tables) > 15
    for text in tables:
        counts = {len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines()}
        assert len(counts) == 1 and re.fullmatch(r"\|( --- \|)+", text.splitlines()[1]), text


# ---- links ----


def anchors():
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        if link.startswith("https://"):
            continue
        assert not path or (ROOT / path).exists(), link
        assert not anchor or anchor in anchors(), link


def test_every_room_of_the_map_exists_and_none_is_missing():
    rooms = {room.strip("`/") for room, _ in table("Map of the code")}
    for room in rooms:
        assert (ROOT / room).is_dir(), room
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [line.split("/") for line in done.stdout.splitlines() if "/" in line and not line.startswith(".")]
    assert {path[0] for path in paths} <= {room.split("/")[0] for room in rooms}
    assert {"/".join(path[:2]) for path in paths if path[0] in ("agent", "aws") and len(path) > 2} <= rooms


# ---- names ----


def help_of(binary):
    return subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout


# Of other programs.
OPTIONS_OF_OTHERS = {"--profile", "--instance-id", "--http-put-response-hop-limit", "--install", "--now"}


def test_every_option_exists_and_each_is_told(binary):
    known = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_of(binary)))
    told = {option for code in CODE for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)}
    told |= {option for line in README.splitlines() if line.lstrip().startswith(("poolwarden ", "sudo poolwarden "))
             for option in re.findall(r" (--[a-z][a-z-]*)", line)}
    assert told - known - OPTIONS_OF_OTHERS == set()
    assert known - told - {"--help", "--version", "--config", "--log-level", "--setup"} == set()


# Of other programs, and words that are no keys.
KEYS_OF_OTHERS = {"stats_users", "credential_process", "query_wait_timeout", "log_statement"}


# Of PostgreSQL, PgBouncer, AWS and Prisma.
WORDS_OF_OTHERS = {"pg_stat_activity", "max_connections", "pg_monitor", "pg_stat_statements", "pg_use_reserved_connections",
                   "rds_iam", "connection_limit", "connect_timeout", "credential_process", "credential_source",
                   "source_profile", "stats_users", "query_wait_timeout", "so_reuseport"}


def test_every_key_exists():
    keys = KEYS | {f"{key}NAME" for key in KEYS if key.endswith(".")} | KEYS_OF_OTHERS
    for code in CODE:
        found = re.match(r"([a-z_]+(?:\.[A-Za-z]+)?) = ", code)
        assert not found or found[1] in keys or any(found[1].startswith(key) for key in KEYS if key.endswith(".")), code
    words = {code for code in CODE if re.fullmatch(r"[a-z]+(_[a-z]+)+", code)}
    assert words - KEYS - WORDS_OF_OTHERS == set()


# AWS's own, and dimensions.
NAMES_OF_OTHERS = {"DatabaseName", "DatabaseConnectionsBorrowLatency", "SampleCount"}


def test_every_metric_exists():
    looks = re.compile(r"\b(?:Database|Connections?|Pool|Agent|Available|Leaked|Stale|Oldest|LongRunning|Sample)[A-Z]\w+")
    told = set(looks.findall(PROSE))
    assert told - METRICS - NAMES_OF_OTHERS == set()
    assert METRICS <= set(re.findall(r"\w+", PROSE))


def test_every_alarm_exists():
    looks = re.compile(r"\b((?:[a-z]+-)+)(?:DATABASE|orders|quickstart)\b")
    assert {stem for stem in looks.findall(README) if stem != "poolwarden-"} == set(STEMS)


def test_every_variable_of_ours_exists(binary):
    for variable in set(re.findall(r"POOLWARDEN_[A-Z_]+(?!\w|<)", README)):
        value = {"POOLWARDEN_ALARMS_POOL_TIMEOUT_RULE": "Sum 60s 1/1"}.get(variable, "x")
        done = subprocess.run([binary, "--check-config"], env={**ENVIRONMENT, variable: value}, capture_output=True, text=True)
        assert "unknown" not in done.stderr, done.stderr


# ---- what the program says ----

# What PostgreSQL and AWS say.
THEIRS = {"password authentication failed", "no pg_hba.conf entry"}


def sentences():
    """Every text that stands in the sources, its pieces joined."""
    texts = []
    for folder in ("agent", "aws"):
        for path in (ROOT / folder).rglob("*.c"):
            source = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", path.read_text())
            texts += re.findall(r'"((?:[^"\\\n]|\\.)*)"', source)
    return [text.replace('\\"', '"') for text in texts]


def test_every_sentence_of_the_troubleshooting_is_one_of_the_program():
    known, rows = sentences(), table("Troubleshooting")
    quoted = [quote for says, _ in rows for quote in re.findall(r"`([^`]+)`", says) if len(quote) > 1]
    assert len(quoted) > 30
    for quote in quoted:
        pieces = [piece.strip() for piece in quote.split("...") if piece.strip()]
        assert quote in THEIRS or any(all(piece in text for piece in pieces) for text in known), quote


def documented(cell):
    """{"a": [{"b", "c": ...}], "d"} -> {"a": {"b", "c"}, "d": set()}: the names at its first level, and those in each."""
    names, depth, last = {}, 0, None
    for token in re.finditer(r'[{}]|(?<!\| )(?<!: )"(\w+)"', cell):
        if token[0] in "{}":
            depth += 1 if token[0] == "{" else -1
        elif depth == 1:
            last = token[1]
            names[last] = set()
        elif depth == 2:
            names[last].add(token[1])
    return names


def document_of(mode):
    rows = {name: cell for modes, cell in table("Command line", 1) for name in re.findall(r"`([^`]+)`", modes)}
    return documented(rows[mode])


DOCUMENTS = {"--once": "databases", "--setup-alarms": "alarms", "--remove-alarms": "alarms", "--setup-dashboard": "dashboards",
             "--diagnose": "databases", "--check-config": None, "--diagnose --terminate-idle 5m": "databases"}


@pytest.mark.parametrize("mode, items", DOCUMENTS.items())
def test_the_documents_have_the_names_that_are_documented(agent_for, server, standin, mode, items):
    told = document_of(mode.removesuffix(" 5m"))
    ours = agent_for({"orders": server.url()}, standin)
    if mode == "--remove-alarms":
        assert ours.run("--setup-alarms").returncode == 0
    done = ours.run(*mode.split(), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document) == set(told)
    assert not items or set(document[items][0]) == told[items]


def test_the_documents_of_a_running_agent(agent_for, server, standin):
    ours = agent_for({"orders": server.url()}, standin).start()
    wait_until(lambda: ours.run("--health").returncode == 0)
    assert set(json.loads(ours.run("--health", "--format", "json").stdout)) == set(document_of("--health"))
    watch = agent_for({"orders": server.url()}, standin, directory="watch").start("--watch", "--format", "json")
    wait_until(lambda: '"connections":' in watch.output)
    document = json.loads(watch.output.splitlines()[0])
    told = document_of("--watch")
    assert (set(document), set(document["databases"][0])) == (set(told), told["databases"])


# ---- figures ----


@pytest.mark.parametrize("row", table("Sizing and cost"), ids=lambda row: row[0])
def test_the_costs_are_the_programs(binary, tmp_path, row):
    databases, pools = (int(number) for number in (re.findall(r"(\d+) (?:database|pool)", row[0]) + ["0"])[:2])
    config = tmp_path / "agent.conf"
    config.write_text("".join(f"[database d{number}]\nurl = postgresql://a@h/x\n" for number in range(databases))
                      + "".join(f"[pool p{number}]\ndatabase = d{number}\n" for number in range(pools)))
    done = subprocess.run([binary, "--check-config", "--format", "json", "-c", config], env={"PATH": "/usr/bin:/bin"},
                          capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout)["cost"]
    assert row[1:] == [f"${cost[name]['total_usd']:.2f}" for name in ("core", "standard", "full")]


def test_what_pg_stat_statements_sees(binary, tmp_path, standin):
    with Postgres(max_connections=50, shared_preload_libraries="pg_stat_statements") as server:
        server.execute("create extension pg_stat_statements")
        ours = Agent(binary, tmp_path / "agent", {"orders": server.url()}, standin).start()
        try:
            standin.wait_for(lambda: len(standin.series("DatabaseUp", {"DBInstanceIdentifier": "orders"})) >= 6, 20)
            seen = server.value("select count(*) from pg_stat_statements where userid = 'poolwarden'::regrole")
        finally:
            ours.terminate()
    words = {"six": 6, "seven": 7, "five": 5}
    [told] = re.findall(r"`pg_stat_statements` shows (\w+) statements", README)
    assert seen <= words[told]


def test_the_policy_allows_what_the_agent_calls():
    policy = json.loads((ROOT / "ecs" / "policy.json").read_text())
    allowed = set()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        allowed.update([actions] if isinstance(actions, str) else actions)
    called = set(re.findall(r'"((?:Put|Describe|List|Tag|Delete|Get)[A-Z][A-Za-z]+)"',
                            "".join(path.read_text() for path in (ROOT / "aws").glob("cloudwatch*.c"))))
    assert {f"cloudwatch:{name}" for name in called} == allowed
