"""The operations, on the state of one account. Documents have been checked; callers hold the lock."""
import base64
import hashlib
import json
from dataclasses import dataclass

from .errors import ServiceError
from .limits import TAGS_MAX
from .metrics import read_datum

ACCOUNT = "123456789012"
LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions")
PAGE_MAX = {"DescribeAlarms": 100, "ListDashboards": 1000}


@dataclass
class Caller:
    region: str
    request: int  # its number
    now: float


def partition_of(region):
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def alarm_arn(region, name):
    return f"arn:{partition_of(region)}:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"


def dashboard_arn(region, name):
    return f"arn:{partition_of(region)}:cloudwatch::{ACCOUNT}:dashboard/{name}"


class CloudWatch:
    def __init__(self):
        self.datums = []
        self.alarms = {}      # ARN -> as DescribeAlarms shows it
        self.dashboards = {}  # ARN -> DashboardName, DashboardBody, ...
        self.tags = {}        # ARN -> {key: value}
        self.operations = {
            "PutMetricData": self.put_metric_data,
            "PutMetricAlarm": self.put_metric_alarm,
            "DescribeAlarms": self.describe_alarms,
            "DeleteAlarms": self.delete_alarms,
            "ListTagsForResource": self.list_tags_for_resource,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "PutDashboard": self.put_dashboard,
            "GetDashboard": self.get_dashboard,
            "DeleteDashboards": self.delete_dashboards,
            "ListDashboards": self.list_dashboards,
        }

    # ---- metrics ----

    def put_metric_data(self, document, caller):
        groups = [(None, document.get("MetricData", []))]
        groups += [(group.get("Entity"), group.get("MetricData", [])) for group in document.get("EntityMetricData", [])]
        for entity, datums in groups:
            self.datums += [read_datum(datum, caller.region, document["Namespace"], caller.now, caller.request, entity)
                            for datum in datums]
        return {}

    # ---- alarms ----

    def put_metric_alarm(self, document, caller):
        """Creates with tags and INSUFFICIENT_DATA; an update replaces everything but tags and state."""
        arn = alarm_arn(caller.region, document["AlarmName"])
        configuration = {name: value for name, value in document.items() if name != "Tags"}
        if "Threshold" in configuration:
            configuration["Threshold"] = float(configuration["Threshold"])
        if "MetricName" in configuration:
            configuration.setdefault("Dimensions", [])
        now = round(caller.now, 3)
        state = self._kept_state(arn) or {
            "StateValue": "INSUFFICIENT_DATA", "StateReason": "Unchecked: Initial alarm creation",
            "StateUpdatedTimestamp": now, "StateTransitionedTimestamp": now}
        if arn not in self.alarms:
            self.tags[arn] = {tag["Key"]: tag["Value"] for tag in document.get("Tags", [])}
        self.alarms[arn] = {"ActionsEnabled": True, **{name: [] for name in LISTS}, **configuration, **state,
                            "AlarmArn": arn, "AlarmConfigurationUpdatedTimestamp": now}
        return {}

    def _kept_state(self, arn):
        return {name: value for name, value in self.alarms.get(arn, {}).items() if name.startswith("State")}

    def describe_alarms(self, document, caller):
        alarms = sorted((alarm for alarm in self.alarms.values() if _is_asked_for(alarm, document, caller.region)),
                        key=lambda alarm: alarm["AlarmName"])
        page = _page("DescribeAlarms", alarms, document, document.get("MaxRecords"))
        return {"CompositeAlarms": [], "LogAlarms": [], "MetricAlarms": page.pop("items"), **page}

    def delete_alarms(self, document, caller):
        """Wrong names do not stop the right ones; the answer still tells of them."""
        missing = []
        for name in document["AlarmNames"]:
            arn = alarm_arn(caller.region, name)
            self.tags.pop(arn, None)
            if self.alarms.pop(arn, None) is None:
                missing.append(name)
        if missing:
            raise ServiceError("ResourceNotFound", f"Unknown alarms: {', '.join(missing)}")
        return {}

    # ---- tags ----

    def _tags_of(self, document):
        arn = document["ResourceARN"]
        if arn not in self.alarms and arn not in self.dashboards:
            raise ServiceError("ResourceNotFoundException", f"{arn} does not exist", ResourceType="alarm", ResourceId=arn)
        return self.tags.setdefault(arn, {})

    def list_tags_for_resource(self, document, _):
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tags_of(document).items()]}

    def tag_resource(self, document, _):
        tags = self._tags_of(document)
        added = {tag["Key"]: tag["Value"] for tag in document["Tags"]}
        if len({**tags, **added}) > TAGS_MAX:
            raise ServiceError("InvalidParameterValueException", f"More than {TAGS_MAX} tags")
        tags.update(added)
        return {}

    def untag_resource(self, document, _):
        tags = self._tags_of(document)
        for key in document["TagKeys"]:
            tags.pop(key, None)
        return {}

    # ---- dashboards ----

    def put_dashboard(self, document, caller):
        arn = dashboard_arn(caller.region, document["DashboardName"])
        if arn not in self.dashboards:
            self.tags[arn] = {tag["Key"]: tag["Value"] for tag in document.get("Tags", [])}
        self.dashboards[arn] = {"DashboardArn": arn, "DashboardName": document["DashboardName"],
                                "DashboardBody": document["DashboardBody"], "LastModified": int(caller.now)}
        return {"DashboardValidationMessages": []}

    def get_dashboard(self, document, caller):
        dashboard = self._dashboard(document["DashboardName"], caller)
        return {name: dashboard[name] for name in ("DashboardArn", "DashboardBody", "DashboardName")}

    def _dashboard(self, name, caller):
        dashboard = self.dashboards.get(dashboard_arn(caller.region, name))
        if dashboard is None:
            raise ServiceError("DashboardNotFoundError", f"Dashboard {name} does not exist")
        return dashboard

    def delete_dashboards(self, document, caller):
        """All or none."""
        for dashboard in [self._dashboard(name, caller) for name in document["DashboardNames"]]:
            self.dashboards.pop(dashboard["DashboardArn"], None)
            self.tags.pop(dashboard["DashboardArn"], None)
        return {}

    def list_dashboards(self, document, _):
        prefix = document.get("DashboardNamePrefix", "")
        entries = [{"DashboardName": row["DashboardName"], "DashboardArn": row["DashboardArn"],
                    "LastModified": row["LastModified"], "Size": len(row["DashboardBody"].encode())}
                   for row in self.dashboards.values() if row["DashboardName"].startswith(prefix)]
        page = _page("ListDashboards", sorted(entries, key=lambda entry: entry["DashboardName"]), document)
        return {"DashboardEntries": page.pop("items"), **page}


def _is_asked_for(alarm, document, region):
    actions = [action for name in LISTS for action in alarm[name]]
    return (alarm["AlarmArn"] == alarm_arn(region, alarm["AlarmName"])
            and "MetricAlarm" in document.get("AlarmTypes", ["MetricAlarm"])
            and "ChildrenOfAlarmName" not in document and "ParentsOfAlarmName" not in document
            and alarm["AlarmName"] in document.get("AlarmNames", [alarm["AlarmName"]])
            and alarm["AlarmName"].startswith(document.get("AlarmNamePrefix", ""))
            and document.get("StateValue", alarm["StateValue"]) == alarm["StateValue"]
            and ("ActionPrefix" not in document
                 or any(action.startswith(document["ActionPrefix"]) for action in actions)))


def _page(operation, items, document, size=None):
    """The page that NextToken names. A token fits only the query that it was given for."""
    size = size or PAGE_MAX[operation]
    query = {name: value for name, value in document.items() if name not in ("NextToken", "MaxRecords")}
    digest = hashlib.sha256(json.dumps([operation, query], sort_keys=True).encode()).hexdigest()[:16]
    start = _page_start(document["NextToken"], digest) if "NextToken" in document else 0
    page = {"items": items[start:start + size]}
    if start + size < len(items):
        page["NextToken"] = base64.b64encode(f"{digest}/{start + size}".encode()).decode()
    return page


def _page_start(token, digest):
    try:
        given, start = base64.b64decode(token, validate=True).decode().split("/")
        if given == digest:
            return int(start)
    except ValueError:
        pass
    raise ServiceError("InvalidNextToken", "The next token specified is invalid")
