"""The rules that AWS documents beside its service model. check() comes after the model's, so types are right here.

API references of PutMetricData, MetricDatum and PutMetricAlarm; CloudWatch service quotas.
"""
import json
import re
from collections import Counter

from .errors import ServiceError

DATUMS_MAX = 1000
VALUES_MAX = 150
NUMBER_MAX = 2.0 ** 360
PAST_MAX_S, FUTURE_MAX_S = 14 * 86400, 2 * 3600
ALARM_BYTES_MAX = 120_000
TAGS_MAX = 50
PRINTABLE = re.compile(r"[\x20-\x7e]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:\d*:.+")
QUERY_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
PERCENT = r"(\d{1,2}(\.\d{1,10})?|100)"
EXTENDED = re.compile(rf"(p|tm|tc|ts|wm){PERCENT}|IQM|(PR|TM|TC|TS|WM)\([0-9.%]*:[0-9.%]*\)")
SINGLE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
BANDS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")


def check(operation, document, now):
    rule = RULES.get(operation)
    if rule:
        rule(document, now)


def datums_of(document):
    """(path, datum) of every datum in a PutMetricData request, those of entities too."""
    for number, datum in enumerate(document.get("MetricData", []), 1):
        yield f"MetricData.member.{number}", datum
    for entity, group in enumerate(document.get("EntityMetricData", []), 1):
        for number, datum in enumerate(group.get("MetricData", []), 1):
            yield f"EntityMetricData.member.{entity}.MetricData.member.{number}", datum


def _invalid(path, value):
    return ServiceError("InvalidParameterValueException", f"The value {value} for parameter {path} is invalid.")


def _missing(path):
    return ServiceError("MissingRequiredParameterException", f"The parameter {path} is required.")


def _combination(message):
    return ServiceError("InvalidParameterCombinationException", message)


# ---- PutMetricData ----


def _metric_data(document, now):
    namespace = document["Namespace"]
    if namespace.startswith("AWS/") or not _is_text(namespace):
        raise _invalid("Namespace", namespace)
    datums = list(datums_of(document))
    if not datums:
        raise _missing("MetricData")
    if len(datums) > DATUMS_MAX:
        raise _invalid("MetricData", f"of {len(datums)} members (at most {DATUMS_MAX})")
    if "EntityMetricData" in document and "StrictEntityValidation" not in document:
        raise _missing("StrictEntityValidation")
    for path, datum in datums:
        _datum(path, datum, now)


def _is_text(text):
    return PRINTABLE.fullmatch(text) is not None and text.strip() != ""


def _datum(path, datum, now):
    if not _is_text(datum["MetricName"]):
        raise _invalid(f"{path}.MetricName", datum["MetricName"])
    _dimensions(f"{path}.Dimensions", datum.get("Dimensions", []))
    _value_form(path, datum)
    _numbers(path, datum)
    timestamp = datum.get("Timestamp", now)
    if not now - PAST_MAX_S <= timestamp <= now + FUTURE_MAX_S:
        raise _invalid(f"{path}.Timestamp", timestamp)
    if datum.get("StorageResolution", 60) not in (1, 60):
        raise _invalid(f"{path}.StorageResolution", datum["StorageResolution"])


def _dimensions(path, dimensions, invalid=_invalid):
    for number, dimension in enumerate(dimensions, 1):
        name, value = dimension["Name"], dimension["Value"]
        if not _is_text(name) or name.startswith(":"):
            raise invalid(f"{path}.member.{number}.Name", name)
        if not _is_text(value):
            raise invalid(f"{path}.member.{number}.Value", value)
    for name, times in Counter(dimension["Name"] for dimension in dimensions).items():
        if times > 1:
            raise invalid(path, f"{name} given twice")


def _value_form(path, datum):
    forms = [form for form in ("Value", "StatisticValues", "Values") if form in datum]
    if not forms:
        raise _missing(f"{path}.Value")
    if len(forms) > 1:
        raise _combination(f"The parameters {path}.{forms[0]} and {path}.{forms[1]} are mutually exclusive.")
    if "Counts" in datum and "Values" not in datum:
        raise _combination(f"The parameter {path}.Counts needs {path}.Values.")


def _numbers(path, datum):
    values = datum.get("Values", [])
    counts = datum.get("Counts", [1] * len(values))
    if "Values" in datum and not 1 <= len(values) <= VALUES_MAX:
        raise _invalid(f"{path}.Values", f"of {len(values)} members (1 to {VALUES_MAX})")
    if len(set(values)) < len(values):
        raise _invalid(f"{path}.Values", "with a member twice")
    if len(counts) != len(values):
        raise _combination(f"{path}.Values and {path}.Counts must have the same size.")
    statistics = datum.get("StatisticValues", {})
    for number in [*values, *counts, *statistics.values(), datum.get("Value", 0)]:
        if abs(number) > NUMBER_MAX:
            raise _invalid(path, number)
    if any(count <= 0 for count in counts) or statistics.get("SampleCount", 1) <= 0:
        raise _invalid(path, "with a count that is not positive")
    if statistics and statistics["Minimum"] > statistics["Maximum"]:
        raise _invalid(f"{path}.StatisticValues", "with Minimum over Maximum")


# ---- PutMetricAlarm ----


def _require(condition, message):
    if not condition:
        raise ServiceError("ValidationException", message)


def _refused_member(path, value):
    return ServiceError("ValidationException", f"The value {value} for parameter {path} is invalid.")


def _metric_alarm(alarm, _):
    _require(len(json.dumps(alarm, ensure_ascii=False).encode()) <= ALARM_BYTES_MAX, "The request is over 120 KB")
    _require(not CONTROL.search(alarm["AlarmName"]), "AlarmName must not contain ASCII control characters")
    for actions in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        for action in alarm.get(actions, []):
            _require(ARN.fullmatch(action), f"Invalid arn syntax: {action}")
    _require(("MetricName" in alarm) != ("Metrics" in alarm), "Exactly one of MetricName and Metrics is needed")
    if "Metrics" in alarm:
        _metric_math(alarm)
    else:
        _single_metric(alarm)
    _evaluation(alarm)
    _threshold(alarm)
    _tags(alarm.get("Tags", []))


def _single_metric(alarm):
    _require("Namespace" in alarm, "Namespace is needed with MetricName")
    for name in ("Namespace", "MetricName"):
        _require(_is_text(alarm[name]), f"{name} must be printable ASCII")
    _dimensions("Dimensions", alarm.get("Dimensions", []), _refused_member)
    _require(("Statistic" in alarm) != ("ExtendedStatistic" in alarm),
             "Exactly one of Statistic and ExtendedStatistic is needed")
    extended = alarm.get("ExtendedStatistic")
    _require(extended is None or EXTENDED.fullmatch(extended), f"The value {extended} for ExtendedStatistic is invalid")
    _require("Period" in alarm, "Period is needed")
    _period(alarm["Period"], alarm["EvaluationPeriods"])
    if "EvaluateLowSampleCountPercentile" in alarm:
        _require((extended or "").startswith("p"), "EvaluateLowSampleCountPercentile is for percentiles only")


def _period(period, evaluation_periods):
    _require(period in (10, 20, 30) or period % 60 == 0, "Period must be 10, 20, 30 or a multiple of 60")
    window = period * evaluation_periods
    _require(window <= 604_800, "Metrics cannot be checked across more than seven days")
    _require(window <= 86_400 or period >= 3_600, "Metrics of this Period cannot be checked across more than a day")


def _metric_math(alarm):
    for name in SINGLE_METRIC:
        _require(name not in alarm, f"{name} must not be given with Metrics")
    queries = alarm["Metrics"]
    kinds = Counter("MetricStat" if "MetricStat" in query else "Expression" for query in queries)
    _require(1 <= len(queries) <= 20 and max(kinds.values()) <= 10, "At most 10 metrics and 10 expressions")
    _require(len({query["Id"] for query in queries}) == len(queries), "Each Id must be unique")
    returned = [query for query in queries if query.get("ReturnData", True)]
    _require(len(returned) == 1, "Exactly one of Metrics must return data")
    for query in queries:
        _require(("MetricStat" in query) != ("Expression" in query), "Exactly one of MetricStat and Expression is needed")
        _require(QUERY_ID.fullmatch(query["Id"]), f"The Id {query['Id']} is invalid")
        if "MetricStat" in query:
            _period(query["MetricStat"]["Period"], alarm["EvaluationPeriods"])


def _evaluation(alarm):
    _require(alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"],
             "DatapointsToAlarm must not exceed EvaluationPeriods")
    _require(alarm.get("TreatMissingData", "missing") in ("breaching", "notBreaching", "ignore", "missing"),
             f"Option {alarm.get('TreatMissingData')} is not valid for TreatMissingData")
    _require(alarm.get("EvaluateLowSampleCountPercentile", "evaluate") in ("evaluate", "ignore"),
             "EvaluateLowSampleCountPercentile must be evaluate or ignore")


def _threshold(alarm):
    is_band = alarm["ComparisonOperator"] in BANDS
    _require(("Threshold" in alarm) != ("ThresholdMetricId" in alarm), "Threshold is needed")
    _require(is_band == ("ThresholdMetricId" in alarm), "The comparison and the kind of threshold do not fit")


# ---- tags, DescribeAlarms, dashboards ----


def _tags(tags):
    keys = [tag["Key"] for tag in tags]
    _require(len(set(keys)) == len(keys) <= TAGS_MAX, f"At most {TAGS_MAX} tags, each key once")
    _require(not any(key.lower().startswith("aws:") for key in keys), "Tag keys must not begin with aws:")


def _describe_alarms(document, _):
    _require(not ("AlarmNames" in document and "AlarmNamePrefix" in document),
             "AlarmNames and AlarmNamePrefix cannot be given together")
    if "ChildrenOfAlarmName" in document or "ParentsOfAlarmName" in document:
        _require(len(document) == 1, "ChildrenOfAlarmName and ParentsOfAlarmName stand alone")


# Dashboard body structure and syntax; service quotas.
WIDGETS_MAX, WIDGET_METRICS_MAX, DASHBOARD_METRICS_MAX, WIDGET_ALARMS_MAX = 500, 500, 2500, 100
VIEWS = ("timeSeries", "bar", "pie", "gauge", "singleValue", "table")
GRID = {"x": (0, 23), "y": (0, 10**9), "width": (1, 24), "height": (1, 1000)}
ALARM_ARN = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]+:\d{12}:alarm:.+")
METRIC_OPTIONS = ("color", "label", "period", "stat", "visible", "yAxis", "region", "id", "expression", "accountId")


def _dashboard(document, _):
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", document["DashboardName"]):
        raise _bad_dashboard("/name", "Dashboard name: only letters, digits, - and _")
    try:
        widgets = json.loads(document["DashboardBody"])["widgets"]
        assert isinstance(widgets, list)
    except (ValueError, KeyError, TypeError, AssertionError):
        raise _bad_dashboard("/widgets", "The body is not a JSON object with a list of widgets") from None
    if len(widgets) > WIDGETS_MAX:
        raise _bad_dashboard("/widgets", f"More than {WIDGETS_MAX} widgets")
    for number, widget in enumerate(widgets):
        for problem in _widget_problems(widget):
            raise _bad_dashboard(f"/widgets/{number}", problem)
    if sum(len(widget["properties"].get("metrics", [])) for widget in widgets) > DASHBOARD_METRICS_MAX:
        raise _bad_dashboard("/widgets", f"More than {DASHBOARD_METRICS_MAX} metrics")
    _tags(document.get("Tags", []))


def _widget_problems(widget):
    """What is wrong with one; the first counts."""
    kinds = {"metric": _graph_problems, "text": _text_problems, "alarm": _alarm_widget_problems, "log": lambda _: [],
             "explorer": lambda _: [], "custom": lambda _: []}
    if not isinstance(widget, dict) or widget.get("type") not in kinds or not isinstance(widget.get("properties"), dict):
        yield "A widget has a type and properties"
        return
    for name, (least, most) in GRID.items():
        if not isinstance(widget.get(name, least), int) or not least <= widget.get(name, least) <= most:
            yield f"{name} must be a whole number from {least} to {most}"
    if widget.get("x", 0) + widget.get("width", 6) > 24:
        yield "A widget lies within 24 columns"
    yield from kinds[widget["type"]](widget["properties"])


def _text_problems(properties):
    if not isinstance(properties.get("markdown"), str) or set(properties) - {"markdown", "background"}:
        yield "A text has markdown"


def _alarm_widget_problems(properties):
    alarms = properties.get("alarms")
    if not isinstance(alarms, list) or not 1 <= len(alarms) <= WIDGET_ALARMS_MAX:
        yield f"An alarm widget has 1 to {WIDGET_ALARMS_MAX} alarms"
    elif not all(isinstance(arn, str) and ALARM_ARN.fullmatch(arn) for arn in alarms):
        yield "An alarm is named by its ARN"


def _graph_problems(properties):
    metrics = properties.get("metrics")
    if not isinstance(properties.get("region"), str):
        yield "A graph has a region"
    if properties.get("view", "timeSeries") not in VIEWS:
        yield f"The view is one of {VIEWS}"
    if not isinstance(metrics, list) or not 1 <= len(metrics) <= WIDGET_METRICS_MAX:
        yield f"A graph has 1 to {WIDGET_METRICS_MAX} metrics"
        return
    ids = [metric[-1]["id"] for metric in metrics if isinstance(metric[-1], dict) and "id" in metric[-1]]
    if len(set(ids)) < len(ids) or not all(QUERY_ID.fullmatch(name) for name in ids):
        yield "Each id once, and each a small letter with letters, digits and _ behind it"
    for metric in metrics:
        yield from _metric_problems(metric)
    for line in properties.get("annotations", {}).get("horizontal", []):
        if not isinstance(line.get("value"), (int, float)):
            yield "A horizontal annotation has a value"


def _metric_problems(metric):
    *words, options = [*metric, {}] if not isinstance(metric[-1], dict) else metric
    if set(options) - set(METRIC_OPTIONS):
        yield f"Unknown: {set(options) - set(METRIC_OPTIONS)}"
    if "expression" in options:
        if words:
            yield "An expression stands alone"
    elif len(words) < 2 or len(words) % 2 or not all(isinstance(word, str) and word for word in words):
        yield "A metric is namespace, name, and dimensions as names and values"
    elif len(words) > 2 + 2 * 30:
        yield "At most 30 dimensions"


def _bad_dashboard(path, message):
    return ServiceError("DashboardInvalidInputError", "The dashboard body is invalid, there are 1 validation errors",
                        dashboardValidationMessages=[{"DataPath": path, "Message": message}])


RULES = {
    "PutMetricData": _metric_data,
    "PutMetricAlarm": _metric_alarm,
    "DescribeAlarms": _describe_alarms,
    "TagResource": lambda document, _: _tags(document["Tags"]),
    "PutDashboard": _dashboard,
}
