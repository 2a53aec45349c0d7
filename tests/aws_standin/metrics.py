"""Datums as they arrived, and series as CloudWatch shows them: what has one timestamp is one point, added up."""
from dataclasses import dataclass


@dataclass
class Datum:
    """values and counts are alike for Value and Values; for StatisticValues they are empty."""
    region: str
    namespace: str
    name: str
    dimensions: dict
    timestamp: float
    unit: str
    resolution: int
    values: list
    counts: list
    sample_count: float
    sum: float
    min: float
    max: float
    arrived: float
    request: int  # number of the request that brought it
    entity: dict = None

    @property
    def value(self):
        """The only value; ValueError when there are several."""
        [value] = self.values
        return value


def read_datum(datum, region, namespace, arrived, request, entity=None):
    """From a MetricDatum that has been checked."""
    values = datum.get("Values") or ([datum["Value"]] if "Value" in datum else [])
    counts = datum.get("Counts") or [1] * len(values)
    statistics = datum.get("StatisticValues") or {
        "SampleCount": sum(counts), "Sum": sum(value * count for value, count in zip(values, counts)),
        "Minimum": min(values), "Maximum": max(values)}
    return Datum(
        region=region, namespace=namespace, name=datum["MetricName"],
        dimensions={dimension["Name"]: dimension["Value"] for dimension in datum.get("Dimensions", [])},
        timestamp=datum.get("Timestamp", arrived), unit=datum.get("Unit", "None"),
        resolution=datum.get("StorageResolution", 60), values=values, counts=counts,
        sample_count=statistics["SampleCount"], sum=statistics["Sum"], min=statistics["Minimum"],
        max=statistics["Maximum"], arrived=arrived, request=request, entity=entity)


def select(datums, name=None, dimensions=None, namespace=None):
    """None takes any; dimensions are compared as a whole, {} is the metric without any."""
    return [datum for datum in datums
            if name in (None, datum.name) and namespace in (None, datum.namespace)
            and (dimensions is None or datum.dimensions == dimensions)]


def merge(datums):
    """[(timestamp, point)] in order of time. Points: sum, sample_count, min, max, values {value: count}, datums.

    The timestamps are the datums' own: CloudWatch would show them by the minute (resolution 60) or by the second.
    """
    points = {}
    for datum in datums:
        point = points.setdefault(datum.timestamp, {"sum": 0, "sample_count": 0, "min": datum.min, "max": datum.max,
                                                    "values": {}, "datums": 0})
        point["sum"] += datum.sum
        point["sample_count"] += datum.sample_count
        point["min"], point["max"] = min(point["min"], datum.min), max(point["max"], datum.max)
        point["datums"] += 1
        for value, count in zip(datum.values, datum.counts):
            point["values"][value] = point["values"].get(value, 0) + count
    return sorted(points.items())
