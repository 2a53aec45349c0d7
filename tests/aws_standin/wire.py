"""JSON 1.0 as the service reads it: which operation is meant, and the document in the body."""
import json
import zlib

from .errors import JSON_TYPE, ServiceError

TARGET = "GraniteServiceVersion20100801."
REQUEST_MAX = 1_000_000  # "1 MB", not said whether compressed: held against both


def operation_of(call):
    """The operation's name, for the record too: "" when the request names none."""
    target = call.headers.get("X-Amz-Target", "")
    return target[len(TARGET):] if target.startswith(TARGET) else ""


def check_envelope(call):
    if (call.method, call.target) != ("POST", "/") or call.headers.get("Content-Type") != JSON_TYPE:
        raise ServiceError("UnknownOperationException", f"not POST / with Content-Type {JSON_TYPE}")


def decode(call, operation):
    body = call.body
    if len(body) > REQUEST_MAX:
        raise _too_large()
    encoding = call.headers.get("Content-Encoding")
    if encoding == "gzip" and operation == "PutMetricData":
        body = _inflate(body)
    elif encoding is not None:
        raise _unreadable(f"Content-Encoding {encoding} is not taken by {operation}")
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    if not isinstance(document, dict):
        raise _unreadable("the body is not a JSON object")
    return document


def _inflate(body):
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, REQUEST_MAX + 1)
    except zlib.error as error:
        raise _unreadable(f"gzip: {error}") from None
    if len(plain) > REQUEST_MAX:
        raise _too_large()
    if not inflater.eof or inflater.unused_data:
        raise _unreadable("gzip: not one whole stream")
    return plain


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _distinct(pairs):
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return document


def _unreadable(why):
    return ServiceError("SerializationException", why)


def _too_large():
    return ServiceError("RequestEntityTooLargeException", f"Request size exceeded {REQUEST_MAX} bytes")
