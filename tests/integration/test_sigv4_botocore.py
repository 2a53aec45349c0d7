"""Random requests, signed by tools/sigv4_tool and by botocore: every stage must agree.

The tool is looked for in $POOLWARDEN_BUILD (default: build/dev). $POOLWARDEN_SEED repeats a failed run.
"""
import base64
import json
import os
import pathlib
import random
import subprocess
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

import pytest

botocore = pytest.importorskip("botocore")
from botocore.auth import SigV4Auth, SigV4QueryAuth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLWARDEN_BUILD", ROOT / "build" / "dev"))
TOOL = BUILD / "tests" / "tools" / "sigv4_tool"
SEED = int(os.environ.get("POOLWARDEN_SEED", "20150830"))
REQUESTS = 1000
STAGES = ("canonical_request", "string_to_sign", "signature", "authorization", "url")

PLAIN = {
    "method": "GET",
    "url": "https://example.amazonaws.com/",
    "headers": [],
    "body_base64": "",
    "access_key": "AKIDEXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "session_token": None,
    "region": "us-east-1",
    "service": "service",
    "time": "20150830T123600Z",
    "normalize_path": True,
    "mode": "header",
}


def run_tool(text):
    if isinstance(text, str):
        text = text.encode()
    return subprocess.run([TOOL], input=text, capture_output=True, timeout=60)


def sign_with_tool(requests):
    done = run_tool("\n".join(json.dumps(request) for request in requests))
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- the other side ----


def as_sent(url):
    """The query as an HTTP client sends it: what cannot travel is encoded, the rest stands."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=quote(parts.query, safe="%!$&'()*+,/:;=?@[]~")))


def signer_for(request):
    keys = Credentials(request["access_key"], request["secret_key"], request["session_token"])
    if request["mode"] == "header":
        signer = SigV4Auth(keys, request["service"], request["region"])
    else:
        signer = SigV4QueryAuth(keys, request["service"], request["region"], request["expires"])
    if not request["normalize_path"]:
        signer._normalize_url_path = lambda path: quote(path or "/", safe="/~")
    return signer


def sign_with_botocore(request):
    signer = signer_for(request)
    url = as_sent(request["url"]) if request["mode"] == "header" else request["url"]
    theirs = AWSRequest(request["method"], url, data=base64.b64decode(request["body_base64"]))
    for name, value in request["headers"]:
        theirs.headers[name] = value  # appends
    theirs.context["timestamp"] = request["time"]
    signer._modify_request_before_signing(theirs)
    stages = {"canonical_request": signer.canonical_request(theirs)}
    stages["string_to_sign"] = signer.string_to_sign(theirs, stages["canonical_request"])
    stages["signature"] = signer.signature(stages["string_to_sign"], theirs)
    signer._inject_signature_to_request(theirs, stages["signature"])
    stages["authorization"] = theirs.headers["Authorization"]
    stages["url"] = request["url"] if request["mode"] == "header" else theirs.url
    return stages


# ---- random requests ----

TEXT = "abcXYZ019-._~!*'()+,;:@$" + "éß€日本😀ሴ\u00a0" + " "
ESCAPES = ["%20", "%2F", "%2f", "%e2%82%ac", "%C3%A9", "%7E", "%41", "%25", "%2B", "%3D", "%26"]
BLANKS = [" ", "  ", "\t", " \t ", "\u00a0", "\u3000", "\x0b"]


def some_text(rng, most=6):
    return "".join(rng.choice(TEXT) for _ in range(rng.randint(0, most)))


def piece(rng, extra=""):
    choices = [some_text, lambda rng: rng.choice(ESCAPES), lambda rng: rng.choice(extra or [""])]
    return "".join(rng.choice(choices)(rng) for _ in range(rng.randint(0, 3)))


def random_path(rng):
    if rng.random() < 0.2:
        return ""
    segments = (rng.choice(["", ".", "..", "...", "a", piece(rng)]) for _ in range(rng.randint(0, 6)))
    return "/" + "/".join(segments)


def random_query(rng, repeats):
    keys = [piece(rng) for _ in range(rng.randint(0, 5))]
    if repeats:
        keys += rng.choices(keys or [""], k=rng.randint(0, 3))
    else:
        keys = {unquote_plus(key): key for key in keys}.values()
    values = ("=" + piece(rng, extra="=/?") for _ in keys)
    pairs = [key + rng.choice(["", "=", value]) for key, value in zip(keys, values)]
    pairs += rng.choice([[], [], [""]])
    rng.shuffle(pairs)
    return "&".join(pairs)


def random_value(rng):
    words = [some_text(rng).strip() for _ in range(rng.randint(0, 4))]
    value = "".join(rng.choice(["", rng.choice(BLANKS)]) + word for word in words)
    return rng.choice([value, '"%s"' % value, value + rng.choice(BLANKS)])


def random_headers(rng):
    names = ["Content-Type", "x-amz-target", "X-Amz-Meta-A", "My-Header1", "my_header", "User-Agent"]
    headers = []
    for name in rng.choices(names, k=rng.randint(0, 6)):
        headers.append([rng.choice([name, name.lower(), name.upper()]), random_value(rng)])
    if rng.random() < 0.3:
        headers.append([rng.choice(["Host", "host"]), rng.choice(["given.test", "Given.Test:99"])])
    return headers


def random_host(rng):
    host = rng.choice(["example.amazonaws.com", "Mixed.Example.COM", "127.0.0.1", "[::1]", "[FE80::A]"])
    user = rng.choice(["", "", "", "user:p%40ss@"])
    port = rng.choice(["", "", ":443", ":80", ":8080", ":"])
    return user + host + port


def random_time(rng):
    day = (2000 + rng.randint(0, 99), rng.randint(1, 12), rng.randint(1, 28))
    return "%d%02d%02dT%02d%02d%02dZ" % (*day, rng.randrange(24), rng.randrange(60), rng.randrange(60))


def random_request(rng):
    mode = rng.choice(["header", "query"])
    # SigV4QueryAuth moves a body into the query, and keeps only the first of several equal keys.
    body = rng.randbytes(rng.choice([0, 1, 200])) if mode == "header" else b""
    query = random_query(rng, repeats=mode == "header")
    url = rng.choice(["https", "http"]) + "://" + random_host(rng) + random_path(rng)
    return dict(
        PLAIN,
        mode=mode,
        expires=rng.randint(1, 604800),
        method=rng.choice(["GET", "POST", "put"]),
        url=url + ("?" + query if query else ""),
        headers=random_headers(rng),
        body_base64=base64.b64encode(body).decode(),
        session_token=rng.choice([None, "IQoJb3JpZ2luX2Vj//wEXAMPLE==", "short"]),
        region=rng.choice(["us-east-1", "eu-west-1", "us-gov-west-1"]),
        service=rng.choice(["monitoring", "sts", "rds-db"]),
        time=random_time(rng),
        normalize_path=rng.random() < 0.8,
    )


def test_random_requests_agree_with_botocore_at_every_stage():
    rng = random.Random(SEED)
    requests = [random_request(rng) for _ in range(REQUESTS)]
    answers = sign_with_tool(requests)
    assert len(answers) == REQUESTS
    for number, (request, ours) in enumerate(zip(requests, answers)):
        theirs = sign_with_botocore(request)
        for stage in STAGES:
            where = f"{stage} of request {number}, POOLWARDEN_SEED={SEED}: {request}"
            assert ours[stage] == theirs[stage], where


# ---- the tool itself ----


def test_the_known_cases_come_out_without_a_host_header_too():
    cases = json.loads((ROOT / "tests" / "data" / "sigv4_cases.json").read_text())
    requests = [case["request"] for case in cases]
    hostless = [dict(r, headers=[h for h in r["headers"] if h[0].lower() != "host"]) for r in requests]
    for case, *answers in zip(cases, sign_with_tool(requests), sign_with_tool(hostless)):
        for answer in answers:
            assert {**answer, **case["expected"]} == answer, case["name"]


def test_one_document_on_several_lines_and_optional_fields_left_out():
    optional = ("headers", "body_base64", "session_token", "normalize_path", "mode")
    short = {key: value for key, value in PLAIN.items() if key not in optional}
    done = run_tool("\n" + json.dumps(short, indent=4) + "\n\n")
    assert done.returncode == 0
    assert json.loads(done.stdout) == sign_with_tool([PLAIN])[0]


def test_a_fragment_is_not_sent():
    request = dict(PLAIN, url=PLAIN["url"] + "a?b=c#d?e")
    without = dict(PLAIN, url=PLAIN["url"] + "a?b=c")
    first, second = sign_with_tool([request, without])
    assert first == second


def without(key):
    return json.dumps({name: value for name, value in PLAIN.items() if name != key})


def changed(**fields):
    return json.dumps(dict(PLAIN, **fields))


BAD = {
    "nothing": ("", "no request"),
    "blanks": (" \n\t", "no request"),
    "no JSON": ("{", "not JSON"),
    "not an object": ("[]", "not a JSON object"),
    "invalid UTF-8": (json.dumps(PLAIN).encode().replace(b"GET", b"G\xff"), "not JSON"),
    "half a surrogate": (changed(method="\ud800"), "not JSON"),
    "a zero byte": (changed(url="https://a/\0"), "not JSON"),
    "a zero byte between": (b"\0" + json.dumps(PLAIN).encode(), "not JSON"),
    "the same field twice": (json.dumps(PLAIN)[:-1] + ', "url": "https://a/"}', "not JSON"),
    "too deep": ("[" * 100000, "not JSON"),
    "empty method": (changed(method=""), "method: missing or empty"),
    "method of two lines": (changed(method="GET\nHost"), "method: not one"),
    "number for a string": (changed(region=1), "region: not a string"),
    "token as a number": (changed(session_token=1), "session_token: not a string"),
    "no scheme": (changed(url="/path"), "url: it does not begin"),
    "another scheme": (changed(url="ftp://a/"), "url: it does not begin"),
    "no host": (changed(url="https:///path"), "url: no host"),
    "only a port": (changed(url="https://:443/"), "url: no host"),
    "only a user": (changed(url="https://u@/"), "url: no host"),
    "blank in the host": (changed(url="https://a b/"), "url: a blank"),
    "port of letters": (changed(url="https://a:b/"), "not a port"),
    "negative port": (changed(url="https://a:-1/"), "not a port"),
    "port too large": (changed(url="https://a:65536/"), "not a port"),
    "port beyond any number": (changed(url="https://a:99999999999999999999/"), "not a port"),
    "two ports": (changed(url="https://a:1:2/"), "not a port"),
    "open bracket": (changed(url="https://[::1/"), "url: no IPv6"),
    "empty bracket": (changed(url="https://[]/"), "url: no IPv6"),
    "words in brackets": (changed(url="https://[example]/"), "url: no IPv6"),
    "letters behind a bracket": (changed(url="https://[::1]a/"), "not a port"),
    "headers as an object": (changed(headers={"a": "b"}), "headers: not a list"),
    "header of one": (changed(headers=[["a"]]), "headers: number 1"),
    "header of three": (changed(headers=[["a", "b"], ["a", "b", "c"]]), "headers: number 2"),
    "header value a number": (changed(headers=[["a", 1]]), "headers: number 1"),
    "header without a name": (changed(headers=[["", "b"]]), "headers: the name of number 1"),
    "header name with a colon": (changed(headers=[["a:b", "c"]]), "headers: the name of number 1"),
    "base64 of three": (changed(body_base64="YWJ"), "body_base64"),
    "base64 with a blank": (changed(body_base64="YW Jj"), "body_base64"),
    "base64 padded within": (changed(body_base64="YQ==YQ=="), "body_base64"),
    "only padding": (changed(body_base64="===="), "body_base64"),
    "time with dashes": (changed(time="2015-08-30T12:36:00Z"), "time"),
    "time that never was": (changed(time="20150230T123600Z"), "time"),
    "time with a blank": (changed(time="2015 830T123600Z"), "time"),
    "another mode": (changed(mode="both"), "mode"),
    "normalize_path in words": (changed(normalize_path="yes"), "normalize_path"),
    "no expiry": (changed(mode="query"), "expires"),
    "expiry of zero": (changed(mode="query", expires=0), "expires"),
    "expiry over a week": (changed(mode="query", expires=604801), "expires"),
    "expiry beyond any number": (changed(mode="query", expires=2**63 - 1), "expires"),
    "expiry with a fraction": (changed(mode="query", expires=1.5), "expires"),
}
BAD.update({
    f"{key} missing": (without(key), f"{key}: missing or empty")
    for key in ("method", "url", "access_key", "secret_key", "region", "service", "time")
})


@pytest.mark.parametrize("text, sentence", BAD.values(), ids=BAD.keys())
def test_bad_input_ends_with_a_sentence(text, sentence):
    done = run_tool(text)
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b""), message
    assert message.startswith("sigv4_tool: ") and message.count("\n") == 1
    assert sentence in message
