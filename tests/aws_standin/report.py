"""What arrived, for people."""
from collections import Counter, defaultdict

SIGNS = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=",
         "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<="}


def report(standin):
    with standin.service.changed:
        parts = [_requests(standin.requests), _metrics(standin.metrics()), _alarms(standin.alarms)]
    return "\n\n".join(part for part in parts if part)


def _requests(requests):
    operations = Counter(request.operation or "?" for request in requests)
    bad = [request for request in requests if not request.verified]
    refused = Counter(request.error for request in requests if request.error)
    lines = [f"requests     {len(requests)}" + _in_brackets(operations),
             "signatures   " + (f"{len(bad)} NOT VERIFIED" if bad else "all verified" if requests else "none"),
             f"refused      {sum(refused.values())}" + _in_brackets(refused)]
    return "\n".join(lines)


def _in_brackets(counts):
    return f" ({', '.join(f'{name} {count}' for name, count in sorted(counts.items()))})" if counts else ""


def _metrics(datums):
    groups = defaultdict(list)
    for datum in datums:
        groups[datum.name, _dimensions(datum.dimensions), datum.unit].append(datum)
    rows = [("metric", "dimensions", "unit", "datums", "samples", "min", "avg", "max")]
    for (name, dimensions, unit), group in sorted(groups.items()):
        samples = sum(datum.sample_count for datum in group)
        numbers = (min(datum.min for datum in group), sum(datum.sum for datum in group) / samples,
                   max(datum.max for datum in group))
        rows.append((name, dimensions, unit, str(len(group)), f"{samples:g}", *(f"{number:.5g}" for number in numbers)))
    return _table(rows, right=5) if datums else ""


def _dimensions(dimensions):
    return " ".join(f"{name}={value}" for name, value in dimensions.items()) or "-"


def _alarms(alarms):
    rows = [("alarm", "metric", "rule", "missing data")]
    for name, alarm in sorted(alarms.items()):
        rows.append((name, alarm.get("MetricName", "(metric math)"), _rule(alarm),
                     alarm.get("TreatMissingData", "missing")))
    return _table(rows) if alarms else ""


def _rule(alarm):
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic", "")
    sign = SIGNS.get(alarm["ComparisonOperator"], alarm["ComparisonOperator"])
    periods = alarm["EvaluationPeriods"]
    of = f"{alarm.get('DatapointsToAlarm', periods)} of {periods} x {alarm.get('Period', '?')} s"
    return f"{statistic} {sign} {alarm.get('Threshold', '?'):g}, {of}".strip()


def _table(rows, right=0):
    """Columns as wide as they must be; the last `right` ones aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    first_right = len(widths) - right
    return "\n".join(
        "  ".join(cell.rjust(width) if column >= first_right else cell.ljust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows)
