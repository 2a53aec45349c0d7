"""AWS's own service model, held against a request: members, types, lengths, patterns, enumerations.

An unknown member is an error, although the service may be more lenient: it is a typing mistake here.
"""
import math
import re

from botocore.loaders import Loader

from .errors import ServiceError

# What the service has learnt since Debian's botocore 1.29; merged into its model. `required` replaces.
NEWER = {
    "PutMetricDataInput": {
        "required": ["Namespace"],
        "members": {"EntityMetricData": {"shape": "EntityMetricDataList"}, "StrictEntityValidation": {"shape": "Strict"}},
    },
    "Strict": {"type": "boolean"},
    "EntityMetricDataList": {"type": "list", "max": 2, "member": {"shape": "EntityMetricData"}},
    "EntityMetricData": {
        "type": "structure",
        "members": {"Entity": {"shape": "Entity"}, "MetricData": {"shape": "MetricData"}},
    },
    "Entity": {
        "type": "structure",
        "members": {"KeyAttributes": {"shape": "KeyAttributes"}, "Attributes": {"shape": "EntityAttributes"}},
    },
    "KeyAttributes": {"type": "map", "min": 2, "max": 4,
                      "key": {"shape": "KeyAttributeName"}, "value": {"shape": "AttributeValue"}},
    "EntityAttributes": {"type": "map", "min": 0, "max": 10,
                         "key": {"shape": "AttributeName"}, "value": {"shape": "AttributeValue"}},
    "KeyAttributeName": {"type": "string", "min": 1, "max": 32},
    "AttributeName": {"type": "string", "min": 1, "max": 256},
    "AttributeValue": {"type": "string", "min": 1, "max": 2048},
    "AlarmType": {"type": "string", "enum": ["MetricAlarm", "CompositeAlarm", "LogAlarm"]},
    "TagList": {"max": 50},
    "DashboardNames": {"max": 100},
    "PutDashboardInput": {"members": {"Tags": {"shape": "TagList"}}},
}


class Model:
    def __init__(self, service="cloudwatch"):
        raw = Loader().load_service_model(service, "service-2")
        self.operations, self.shapes = raw["operations"], raw["shapes"]
        for name, newer in NEWER.items() if service == "cloudwatch" else ():
            shape = self.shapes.setdefault(name, {})
            members = {**shape.get("members", {}), **newer.get("members", {})}
            shape.update(newer, **({"members": members} if members else {}))

    def check(self, operation, document):
        """Raises the error that this operation answers with for the first thing that is wrong."""
        row = self.operations[operation]
        errors = {error["shape"] for error in row.get("errors", [])}
        self._check(document, row["input"]["shape"], "", errors)

    def _check(self, value, name, path, errors):
        shape = self.shapes[name]
        getattr(self, "_" + shape["type"])(value, shape, path, errors)
        for constraint in _broken_constraints(value, shape):
            raise _constraint(path, value, constraint, errors)

    def _structure(self, value, shape, path, errors):
        _expect(value, dict, path)
        for name in value.keys() - shape["members"].keys():
            raise ServiceError("SerializationException", f"unknown member {_join(path, name)}")
        for name in shape.get("required", []):
            if name not in value:
                raise missing(_join(path, name), errors)
        for name, member in value.items():
            self._check(member, shape["members"][name]["shape"], _join(path, name), errors)

    def _list(self, value, shape, path, errors):
        _expect(value, list, path)
        for number, member in enumerate(value, 1):
            self._check(member, shape["member"]["shape"], f"{path}.member.{number}", errors)

    def _map(self, value, shape, path, errors):
        _expect(value, dict, path)
        for name, member in value.items():
            self._check(name, shape["key"]["shape"], f"{path}.key", errors)
            self._check(member, shape["value"]["shape"], _join(path, name), errors)

    def _string(self, value, shape, path, errors):
        _expect(value, str, path)

    def _boolean(self, value, shape, path, errors):
        _expect(value, bool, path)

    def _integer(self, value, shape, path, errors):
        _expect(value, int, path)

    def _double(self, value, shape, path, errors):
        _expect(value, (int, float), path)
        if not _is_finite(value):
            raise _constraint(path, value, "Member must be a finite number", errors)

    _timestamp = _double


def _is_finite(value):
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any double
        return False


def _join(path, name):
    return f"{path}.{name}" if path else name


def _expect(value, kind, path):
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ServiceError("SerializationException", f"{path or 'the document'}: unexpected {type(value).__name__}")


def _broken_constraints(value, shape):
    size = value if shape["type"] in ("integer", "long") else len(value) if hasattr(value, "__len__") else None
    if size is not None and size < shape.get("min", size):
        yield f"Member must have value or length greater than or equal to {shape['min']}"
    if size is not None and size > shape.get("max", size):
        yield f"Member must have value or length less than or equal to {shape['max']}"
    if "pattern" in shape and not re.fullmatch(shape["pattern"], value, re.ASCII):
        yield f"Member must satisfy regular expression pattern: {shape['pattern']}"
    if "enum" in shape and value not in shape["enum"]:
        yield f"Member must satisfy enum value set: {shape['enum']}"


def missing(path, errors):
    if "MissingRequiredParameterException" in errors:
        return ServiceError("MissingRequiredParameterException", f"The parameter {path} is required.")
    return ServiceError("ValidationException", f"1 validation error detected: Value null at '{path}' failed to satisfy "
                        "constraint: Member must not be null")


def _constraint(path, value, constraint, errors):
    shown = str(value)[:100]
    if "InvalidParameterValueException" in errors:
        return ServiceError("InvalidParameterValueException",
                            f"The value {shown} for parameter {path} is invalid. {constraint}")
    return ServiceError("ValidationException", f"1 validation error detected: Value '{shown}' at '{path}' failed to "
                        f"satisfy constraint: {constraint}")
