"""Requests for ``bench.fuzz_requests``: each is made from a seed and a number alone."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import cbor2

from bench import fuzz_behind
from bench.fuzz_templates import DASHBOARD, EMBEDDED, NOW, SEGMENT, TEMPLATES
from kit.emulator.protocol.model import Ref, ServiceModel, load_model

MODELS = {name: load_model(name) for name in ("cloudwatch", "logs", "xray")}
SCOPES = {"cloudwatch": "monitoring", "logs": "logs", "xray": "xray"}
REGIONS = ["us-east-1", "eu-west-1"]
# What the server may come to keep is named by these alone (the longer are refused), so what it keeps is bounded.
NAMES = ["a", "Shop", "/shop/logs", "", "\x00\x01", ":a", "x" * 2000]
NAMING = re.compile(r"(?i)(name|namespace|key|value|id|arn|messages?|documents?)$")
TEXTS = ["ERROR a", SEGMENT, EMBEDDED, "{", "\x00", "\U0001f600"]

WORDS = [
    "", "a", "Shop", "Requests", "/shop/logs", "ALARM", "OK", "Sum", "p99", "SampleCount", "Count", "m1", "e1", "None",
    "GreaterThanThreshold", "missing", "MetricAlarm", "StateUpdate", "TimestampAscending", "2026-11-22T10:00:00Z",
    "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a", "arn:aws:sns:us-east-1:123456789012:t", 'ALARM("a") OR OK(a)',
    "SUM(METRICS())", "SEARCH('{Shop} Requests', 'Sum', 60)", "m1 * 100 / m1", '{ $.a = "b" }', "?a -b", "[a, b, c]",
    'service("shop") { fault }', '{"widgets": []}', DASHBOARD, SEGMENT, EMBEDDED, '{ $.a = 1 && $.b != "x" }',
    "1-6a016d20-5759e988bd862e3fe1be46a9", "\x00\x01", "\ufffe\U0001f600", "%s%n{}", "../..", "a" * 300, "é" * 2000,
    "x" * 20_000, "<!--", "]]>", "${LABEL}", "-1", "1e309", "PT3H", "+0130", "2026-11-22T09:00:00Z",
]  # fmt: skip
NUMBERS: list[float] = [
    0, 1, -1, 2, 5, 7, 10, 60, 300, 3600, 86_400, 10_000, 10**6, 2**31 - 1, 2**31, 2**63 - 1, -(2**63), 0.5, -0.0,
    1e308, 5e-324, 2.0**360, 2.0**361, NOW, NOW - 600, NOW * 1000, NOW * 1000 - 5000, 253_402_300_800, -62_135_596_801,
]  # fmt: skip
ODD: list[Any] = [None, True, [], {}, [[]], {"a": {"b": []}}, "text", 3, 1.5, [None], {"": None}]


@dataclass(frozen=True)
class Case:
    """``raw`` is sent as it stands; ``broken`` ends before it is whole; ``daemon`` is 1 for X-Ray's own port."""

    kind: str
    raw: bytes
    broken: bool = False
    daemon: int = 0


@dataclass
class Draft:
    """A request on its way to a case."""

    headers: dict[str, str]
    body: bytes
    path: str = "/"
    method: str = "POST"

    def raw(self) -> bytes:
        """HTTP/1.1, with a length that is true."""
        fields = {"Host": "localhost", "Content-Length": str(len(self.body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self.body


def make_case(seed: int, number: int) -> Case:
    """The case of a number."""
    dice = random.Random(f"{seed}:{number}")
    make = dice.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
    return make(dice)


def _plausible(dice: random.Random, wrong: float = 0.03) -> Draft:
    """An operation of the models with members of its own; a share of them is of the wrong kind."""
    if dice.random() < 0.5:
        service, name, right = dice.choice(TEMPLATES)
        model = MODELS[service]
        params = _changed(dice, right, wrong)
    else:
        service = dice.choice(list(MODELS))
        model = MODELS[service]
        name = dice.choice(_here(service) if dice.random() < 0.9 else sorted(model.operations))
        asked = model.operations[name].input
        params = {} if asked is None else _value(dice, model, asked, wrong, 0)
    protocol = dice.choice(["json", "cbor", "query"]) if service == "cloudwatch" else "json"
    credential = f"Credential=test/20261122/{dice.choice(REGIONS)}/{SCOPES[service]}/aws4_request"
    draft = _PROTOCOLS[protocol](model, name, params)
    draft.headers["Authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"
    return draft


def _changed(dice: random.Random, value: Any, wrong: float) -> Any:
    """The same, with a leaf here and there replaced by one of the same type, or of none."""
    if dice.random() < wrong:
        return dice.choice(ODD)
    if isinstance(value, dict):
        return {key: _changed(dice, inner, wrong) for key, inner in value.items() if dice.random() < 0.97}
    if isinstance(value, list):
        return [_changed(dice, inner, wrong) for inner in value]
    if dice.random() < 0.96 or isinstance(value, bool):
        return value
    return dice.choice(NAMES + TEXTS) if isinstance(value, str) else dice.choice(NUMBERS)


def _here(service: str) -> list[str]:
    # the ones that keep something, or are asked most, among all that are here
    return {
        "cloudwatch": "PutMetricData PutMetricAlarm PutCompositeAlarm PutDashboard GetMetricData GetMetricStatistics "
        "ListMetrics DescribeAlarms DescribeAlarmHistory DescribeAlarmsForMetric SetAlarmState TagResource "
        "UntagResource ListTagsForResource GetDashboard ListDashboards DeleteAlarms DeleteDashboards "
        "EnableAlarmActions DisableAlarmActions",
        "logs": "CreateLogGroup CreateLogStream PutLogEvents FilterLogEvents GetLogEvents DescribeLogGroups "
        "DescribeLogStreams PutRetentionPolicy DeleteLogGroup DeleteLogStream DeleteRetentionPolicy PutMetricFilter "
        "DescribeMetricFilters DeleteMetricFilter TestMetricFilter",
        "xray": "PutTraceSegments BatchGetTraces GetTraceSummaries GetSamplingRules GetSamplingTargets "
        "PutTelemetryRecords",
    }[service].split()


def _value(dice: random.Random, model: ServiceModel, ref: Ref, wrong: float, depth: int, name: str = "") -> Any:
    if dice.random() < wrong:
        return dice.choice(ODD)
    shape = model.shapes[ref.shape]
    if shape.type == "structure":
        chosen = [n for n in shape.members if (n in shape.required and dice.random() > wrong) or dice.random() < 0.3]
        if dice.random() > wrong:
            chosen = _compatible(dice, chosen, "StorageResolution" in shape.members)
        return {n: _value(dice, model, shape.members[n], wrong, depth + 1, n) for n in chosen if depth < 12}
    if shape.type == "list" and shape.member is not None:
        member, most = shape.member, 3 if dice.random() < 0.97 or depth > 1 else 400
        return [_value(dice, model, member, wrong, depth + 1, name) for _ in range(dice.randint(0, most))]
    if shape.type == "map" and shape.value is not None:
        return {
            dice.choice(WORDS): _value(dice, model, shape.value, wrong, depth + 1) for _ in range(dice.randint(0, 2))
        }
    return _leaf(dice, shape.type, shape.enum, name)


def _compatible(dice: random.Random, chosen: list[str], datum: bool) -> list[str]:
    """At most one of the members that exclude each other, and a value if it is a datum."""
    for group in _EITHER:
        found = [name for name in chosen if name in group]
        if found or (datum and "Value" in group):
            keep = dice.choice(found or ["Value"])
            chosen = [name for name in chosen if name not in group or name == keep] + ([] if found else [keep])
    return chosen


_EITHER = [
    ("Value", "Values", "StatisticValues"),
    ("Metrics", "MetricName", "EvaluationCriteria"),
    ("Statistic", "ExtendedStatistic", "Statistics", "ExtendedStatistics"),
    ("MetricStat", "Expression"),
    ("AlarmNames", "AlarmNamePrefix"),
    ("logGroupName", "logGroupIdentifier"),
    ("logStreamNames", "logStreamNamePrefix"),
]


def _leaf(dice: random.Random, kind: str, enum: tuple[str, ...], name: str) -> Any:
    if kind == "string" and not enum and NAMING.search(name):
        return dice.choice(
            TEXTS if name.lower().startswith(("message", "trace", "log")) and "ame" not in name else NAMES
        )
    if kind == "string":
        return dice.choice(enum) if enum and dice.random() < 0.9 else dice.choice(WORDS)
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "blob":
        return base64.b64encode(dice.randbytes(dice.randint(0, 20))).decode()
    if kind in ("integer", "long"):
        return int(dice.choice(NUMBERS)) if dice.random() < 0.9 else dice.choice(NUMBERS)
    return dice.choice(NUMBERS)


def _json(model: ServiceModel, operation: str, params: Any) -> Draft:
    body = json.dumps(params).encode()
    if model.metadata.target_prefix is None:
        return Draft({"Content-Type": "application/json"}, body, model.operations[operation].http.request_uri)
    target = f"{model.metadata.target_prefix}.{operation}"
    kind = f"application/x-amz-json-{model.metadata.json_version}"
    return Draft({"X-Amz-Target": target, "Content-Type": kind}, body)


def _cbor(model: ServiceModel, operation: str, params: Any) -> Draft:
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    path = f"/service/{model.metadata.target_prefix}/operation/{operation}"
    return Draft(headers, cbor2.dumps(_tagged(params)), path)


def _tagged(value: Any, name: str = "") -> Any:
    """Numbers under names that sound like a time are tagged as one, as a client would."""
    if isinstance(value, dict):
        return {key: _tagged(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tagged(inner, name) for inner in value]
    timely = isinstance(value, int | float) and not isinstance(value, bool) and name.endswith(("Time", "Date", "stamp"))
    return cbor2.CBORTag(1, value) if timely else value


def _query(model: ServiceModel, operation: str, params: Any) -> Draft:
    fields = [("Action", operation), ("Version", model.metadata.api_version)]
    _flatten(params, "", fields)
    return Draft({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(fields).encode())


def _flatten(value: Any, path: str, out: list[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}" if path else key, out)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            _flatten(inner, f"{path}.member.{number}", out)
    else:
        timely = path.endswith(("Time", "Date", "stamp")) and value == NOW
        out.append((path, "2026-11-22T10:00:00Z" if timely else json.dumps(value).strip('"')))


_PROTOCOLS: dict[str, Callable[[ServiceModel, str, Any], Draft]] = {"json": _json, "cbor": _cbor, "query": _query}


def _right(dice: random.Random) -> Case:
    draft = _plausible(dice, wrong=0.0)
    if dice.random() < 0.1:
        draft.headers["Content-Encoding"] = "gzip"
        draft.body = gzip.compress(draft.body, 1)
    return Case("right", draft.raw())


def _mistyped(dice: random.Random) -> Case:
    return Case("mistyped", _plausible(dice, wrong=0.1).raw())


def _mutated(dice: random.Random) -> Case:
    draft = _plausible(dice)
    body = bytearray(draft.body)
    for _ in range(dice.randint(1, 8)):
        if body:
            body[dice.randrange(len(body))] = dice.randrange(256)
    draft.body = bytes(body[: dice.randint(0, len(body))] if dice.random() < 0.4 else body)
    if dice.random() < 0.1:
        draft.headers["Content-Encoding"] = dice.choice(["gzip", "br", "deflate", "identity"])
    return Case("mutated", draft.raw())


def _confused(dice: random.Random) -> Case:
    """The headers, path or method of one with the body of another."""
    one, other = _plausible(dice), _plausible(dice)
    one.body = other.body
    if dice.random() < 0.4:
        one.path = other.path
    for name in ("X-Amz-Target", "Content-Type", "smithy-protocol", "Authorization"):
        if dice.random() < 0.3:
            one.headers.pop(name, None)
            one.headers |= {name: other.headers[name]} if name in other.headers else {}
    if dice.random() < 0.2:
        one.method = dice.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "TRACE"])
    if dice.random() < 0.2:
        one.path = dice.choice(["/", "//", "/service/", "/service/a/operation/b", "/%00", "/?Action=ListMetrics", "/é"])
    return Case("confused", one.raw(), daemon=int(dice.random() < 0.1))


def _noise(dice: random.Random) -> Case:
    draft = _plausible(dice)
    draft.body = dice.randbytes(dice.choice([0, 1, 5, 100, 5000]))
    return Case("noise", draft.raw())


def _deep(dice: random.Random) -> Case:
    draft, depth = _plausible(dice), dice.choice([10, 50, 500, 5000, 100_000])
    opened = dice.choice([b"[", b'{"a":', b'{"MetricData":[', b"\x81", b"\xa1\x61a", b"\xd8\x1c\x81", b"\xc1", b"a."])
    draft.body = opened * depth + (b"Action=ListMetrics&Version=2010-08-01" if opened == b"a." else b"")
    return Case("deep", draft.raw())


def _huge(dice: random.Random) -> Case:
    draft = _plausible(dice)
    size = dice.choice([100_000, 1_100_000])
    filler = dice.choice(
        [b'"' + b"x" * size, b"[" + b"1," * (size // 2), b"a=b&" * (size // 4), b"\x9b\x7f" + b"\xff" * 8]
    )
    draft.body = filler + draft.body
    if dice.random() < 0.3:
        draft.headers["Content-Encoding"] = "gzip"
        draft.body = gzip.compress(b" " * dice.choice([size, 20_000_000]), 1)
    return Case("huge", draft.raw())


def _wrong_header(dice: random.Random) -> Case:
    draft = _plausible(dice)
    name, values = dice.choice(_HEADERS)
    draft.headers[name] = dice.choice(values)
    return Case("wrong header", draft.raw())


_HEADERS = [
    ("Host", ["evil.example", "", "[::", "localhost:x", "127.0.0.1:99999999"]),
    ("Origin", ["null", "https://evil.example", "http://["]),
    ("Authorization", ["", "Basic x", "AWS4-HMAC-SHA256 Credential=a/20261122/nowhere/logs/aws4_request", "\xff"]),
    ("X-Amz-Target", ["", ".", "Logs_20140328.", "Logs_20140328.é", "GraniteServiceVersion20100801." + "A" * 5000]),
    ("Content-Type", ["", "text/html", "application/cbor", "application/x-www-form-urlencoded", "é"]),
    ("smithy-protocol", ["", "rpc-v2-json", "\xff"]),
    ("Content-Encoding", ["gzip", "gzip, gzip", "br"]),
]


def _behind(dice: random.Random) -> Case:
    """One of the services behind: right, of wrong types, mutated, in another's protocol, or a path that isn't there."""
    kind = dice.choice(["right", "mistyped", "mutated", "confused"])
    method, path, headers, body = fuzz_behind.draft(dice, 0.2 if kind == "mistyped" else 0.0)
    if kind == "mutated":
        content = bytearray(body)
        for _ in range(dice.randint(1, 8)):
            if content:
                content[dice.randrange(len(content))] = dice.randrange(256)
        body = bytes(content[: dice.randint(0, len(content))] if dice.random() < 0.4 else content)
    if kind == "confused":
        _, other_path, other_headers, body = fuzz_behind.draft(dice, 0.0)
        path = dice.choice([path, other_path, "/nowhere", "/nowhere/", "/a/b?x=1", "/%00"])
        method = dice.choice([method, "GET", "PUT", "DELETE", "PATCH"])
        for name in ("X-Amz-Target", "Content-Type", "Authorization"):
            if dice.random() < 0.3:
                headers.pop(name, None)
                headers |= {name: other_headers[name]} if name in other_headers else {}
    return Case(f"behind, {kind}", Draft(headers, body, path, method).raw())


def _not_http(dice: random.Random) -> Case:
    draft = _plausible(dice)
    raw = draft.raw()
    match dice.randrange(5):
        case 0:
            broken = dice.randbytes(50).replace(b"\n", b"") + b"\r\n\r\n"
        case 1:
            broken = raw.replace(b"HTTP/1.1", dice.choice([b"HTTP/9.9", b"HTTP", b"", b"HTTP/1.1 x"]), 1)
        case 2:
            broken = raw.replace(
                b"Content-Length: ", dice.choice([b"Content-Length: -", b"Content-Length: 1\r\nX: ", b"Y:"]), 1
            )
        case 3:
            chunks = dice.choice([b"zz\r\n", b"-1\r\n", b"5\r\nabcdeXX", b"0\r\n\r\n"])
            coding = dice.choice([b"chunked", b"gzip", b"chunked, chunked"])
            broken = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + coding + b"\r\n\r\n" + chunks
        case _:
            broken = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n"
    return Case("not HTTP", broken, broken=True)


_KINDS: dict[Callable[[random.Random], Case], float] = {
    _right: 25,
    _mistyped: 20,
    _mutated: 20,
    _confused: 15,
    _noise: 5,
    _deep: 4,
    _huge: 1,
    _wrong_header: 7,
    _not_http: 3,
    _behind: 15,
}
