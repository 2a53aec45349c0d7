"""Signature Version 4, checked as the service checks it: over the bytes and the signed headers that were received.

The signature itself is computed by botocore; what may be signed, by whom and when is checked here.
"""
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .errors import ServiceError

SKEW_MAX_MIN = 5
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^ ,]+), *SignedHeaders=([^ ,]+), *Signature=([0-9a-f]{64})")
REGION = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.")
INVALID_TOKEN = "The security token included in the request is invalid."


@dataclass
class Key:
    """One set of credentials; a session token makes it temporary. expires: epoch seconds, or None.

    role: the name of the role whose they are; None: a user's.
    """
    access_key: str
    secret_key: str
    session_token: str = None
    expires: float = None
    role: str = None


@dataclass
class Scope:
    access_key: str
    date: str
    region: str
    service: str
    terminator: str


class _Recomputed(SigV4Auth):
    """botocore's signer, made to sign exactly the headers that it is given and the body as it came."""

    def headers_to_sign(self, request):
        return request.headers

    def payload(self, request):
        return sha256(request.data).hexdigest()


def verify(call, keys, now, service="monitoring", region=None, skew_max_min=SKEW_MAX_MIN):
    """The Scope of a good signature; ServiceError otherwise. keys: access key -> Key; region: None takes any."""
    scope, signed, signature = _parse(call.headers)
    key = keys.get(scope.access_key)
    if key is None:
        raise ServiceError("UnrecognizedClientException", INVALID_TOKEN)
    _check_signed_headers(call.headers, signed)
    _check_time(call.headers.get("X-Amz-Date", ""), scope, datetime.fromtimestamp(now, timezone.utc), skew_max_min)
    _check_scope(scope, service, region)
    if not hmac.compare_digest(signature, _expected(call, scope, signed, key)):
        raise _refused(MISMATCH)
    _check_token(call.headers.get("X-Amz-Security-Token"), key, now)
    return scope


def _refused(message):
    return ServiceError("InvalidSignatureException", message)


def _parse(headers):
    lines = headers.get_all("Authorization")
    if not lines:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = AUTHORIZATION.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    parts = match[1].rsplit("/", 4) if match else []
    if len(parts) != 5:
        raise ServiceError("IncompleteSignatureException", "Authorization header is not in the expected form")
    return Scope(*parts), match[2].split(";"), match[3]


def _check_signed_headers(headers, signed):
    if signed != sorted({name.lower() for name in signed}):
        raise _refused("SignedHeaders are not lower case, sorted and distinct")
    present = {name.lower() for name in headers.keys()}
    needed = {name for name in present if name.startswith("x-amz-")} | {"host", "x-amz-date"}
    needed |= {"content-type", "content-encoding"} & present
    for name in sorted(needed - set(signed)):
        raise _refused(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    for name in sorted(set(signed) - present):
        raise _refused(f"Signed header '{name}' is not in the request")


def _check_time(text, scope, now, skew_max_min):
    try:
        signed_at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ServiceError("IncompleteSignatureException",
                           f"Date must be in ISO-8601 'basic format'. Got '{text}'.") from None
    if scope.date != text[:8]:
        raise _refused("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
    stamp, now_text, skew_max = "%Y%m%dT%H%M%SZ", f"{now:%Y%m%dT%H%M%SZ}", timedelta(minutes=skew_max_min)
    if signed_at < now - skew_max:
        bound = (now - skew_max).strftime(stamp)
        raise _refused(f"Signature expired: {text} is now earlier than {bound} ({now_text} - {skew_max_min} min.)")
    if signed_at > now + skew_max:
        bound = (now + skew_max).strftime(stamp)
        raise _refused(f"Signature not yet current: {text} is still later than {bound} "
                       f"({now_text} + {skew_max_min} min.)")


def _check_scope(scope, service, region):
    if scope.terminator != "aws4_request":
        raise _refused("Credential should be scoped with a valid terminator: 'aws4_request'.")
    if scope.service != service:
        raise _refused(f"Credential should be scoped to correct service: '{service}'.")
    if not REGION.fullmatch(scope.region) or region not in (None, scope.region):
        raise _refused(f"Credential should be scoped to a valid region, not '{scope.region}'.")


def _expected(call, scope, signed, key):
    request = AWSRequest(call.method, "http://standin" + call.target, data=call.body)
    for name in signed:
        for value in call.headers.get_all(name):
            request.headers[name] = value  # appends
    request.context["timestamp"] = call.headers["X-Amz-Date"]
    declared = call.headers.get("X-Amz-Content-SHA256")
    if declared not in (None, sha256(call.body).hexdigest()):
        raise _refused("The value of X-Amz-Content-SHA256 is not the hash of the body")
    signer = _Recomputed(Credentials(key.access_key, key.secret_key), scope.service, scope.region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def _check_token(token, key, now):
    if token != key.session_token:
        raise ServiceError("UnrecognizedClientException", INVALID_TOKEN)
    if key.expires is not None and now >= key.expires:
        raise ServiceError("ExpiredTokenException", "The security token included in the request is expired")
