"""The dashboard: written once, compared, left alone when it is somebody else's. The stand-in checks every widget."""
import json

import pytest

NAME = "poolwarden-Application"


@pytest.fixture
def set_up(agent_for, server, standin):
    def run(*arguments, databases=("orders",), **sections):
        urls = {name: server.url() for name in databases}
        return agent_for(urls, standin, **sections).run("--setup-dashboard", *arguments)

    return run


def body_of(standin, name=NAME):
    return json.loads(standin.dashboards[name]["DashboardBody"])


def titles_of(standin, name=NAME):
    return [widget["properties"].get("title") for widget in body_of(standin, name)["widgets"]]


def test_it_is_written_once(set_up, standin):
    pending = set_up("--dry-run")
    assert (pending.returncode, standin.dashboards) == (3, {})
    first = set_up()
    assert first.returncode == 0, first.stderr
    line, address = first.stdout.splitlines()
    assert line.startswith(f"+ {NAME}  (")
    assert address.strip() == ("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
                               f"#dashboards/dashboard/{NAME}")
    second = set_up()
    assert (second.returncode, second.stdout.splitlines()[0]) == (0, f"= {NAME}")
    assert len(standin.calls("PutDashboard")) == 1
    assert set_up("--dry-run").returncode == 0


def test_the_line_follows_what_is_published(set_up, standin):
    assert set_up().returncode == 0
    [graph] = [widget for widget in body_of(standin)["widgets"] if "usable limit" in widget["properties"].get("title", "")]
    metrics = graph["properties"]["metrics"]
    used, utilization = metrics[0], metrics[1]
    assert used[:4] == ["Application", "DatabaseConnections", "DBInstanceIdentifier", "orders"]
    assert utilization[1] == "ConnectionUtilization"
    assert [row[0]["expression"] for row in metrics[2:]] == ["100*used/utilization", "80*used/utilization"]


def test_alarms_that_exist_stand_on_top(agent_for, server, standin, set_up):
    assert set_up().returncode == 0
    assert not [widget for widget in body_of(standin)["widgets"] if widget["type"] == "alarm"]
    assert agent_for({"orders": server.url()}, standin).run("--setup-alarms").returncode == 0
    changed = set_up()
    assert changed.stdout.startswith(f"~ {NAME}  (widgets: +"), changed.stdout
    second = body_of(standin)["widgets"][1]
    assert (second["type"], set(second["properties"]["alarms"])) == (
        "alarm", {alarm["AlarmArn"] for alarm in standin.alarms.values()})


def test_somebody_else_s_dashboard_is_left_alone_unless_adopted(set_up, standin):
    assert set_up().returncode == 0
    [dashboard] = standin.service.cloudwatch.dashboards.values()
    theirs = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "# ours, since 2019"}}]})
    dashboard["DashboardBody"] = theirs
    foreign = set_up()
    assert (foreign.returncode, foreign.stdout[0]) == (0, "!")
    assert standin.dashboards[NAME]["DashboardBody"] == theirs
    adopted = set_up(alarms={"adopt": "yes"})
    assert (adopted.returncode, adopted.stdout[0]) == (0, "~")
    assert body_of(standin)["widgets"][0]["properties"]["markdown"].startswith("# PostgreSQL connections")


def test_many_databases_get_a_summary_first(set_up, standin):
    names = [f"db{number:02}" for number in range(45)]
    done = set_up(databases=names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[::2]] == [NAME, *(f"{NAME}-{n}" for n in (1, 2, 3))]
    assert sum("Utilization" in (title or "") for title in titles_of(standin)) == 1
    links = body_of(standin)["widgets"][0]["properties"]["markdown"]
    assert f"[db00 to db19](#dashboards/dashboard/{NAME}-1)" in links
    again = set_up(databases=names)
    assert {line[0] for line in again.stdout.splitlines()[::2]} == {"="}
    pending = set_up("-n", databases=names[:21])
    assert pending.returncode == 3 and f"- {NAME}-3" in pending.stdout and len(standin.dashboards) == 4
    fewer = set_up(databases=names[:21])
    assert fewer.returncode == 0 and set(standin.dashboards) == {NAME, f"{NAME}-1", f"{NAME}-2"}, fewer.stdout
    theirs = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "# of somebody else"}}]})
    [second] = [row for row in standin.service.cloudwatch.dashboards.values() if row["DashboardName"] == f"{NAME}-2"]
    second["DashboardBody"] = theirs
    assert set_up(databases=names[:1]).returncode == 0
    assert set(standin.dashboards) == {NAME, f"{NAME}-2"}


def test_the_document_for_programs(set_up, standin):
    [created] = json.loads(set_up("--format", "json").stdout)["dashboards"]
    assert (created["action"], created["name"]) == ("create", NAME)
    assert created["url"].endswith(NAME)
    [change] = created["changes"]
    assert (change["field"], change["old"], change["new"]) == ("body", None, body_of(standin))


def test_a_role_that_may_not_is_told_what_to_allow(set_up, standin):
    standin.faults.add("AccessDeniedException", operation="PutDashboard", count=9)
    done = set_up()
    assert done.returncode == 1 and "allow cloudwatch:PutDashboard" in done.stdout
