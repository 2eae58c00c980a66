"""The requests, whole and encoded before any clock runs; every server gets the same bytes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import cbor2

NAMESPACE = "Bench/LocalAws"
DATA_A_CALL = 20
EVENTS_A_CALL = 100
SEGMENTS_A_CALL = 20
STORED_POINTS = 100_000
STORED_S = 86_400
_CLOUDWATCH = "GraniteServiceVersion20100801"
_VARIANTS = 50

Item = Mapping[str, Any]


def one_datum() -> bytes:
    """The smallest PutMetricData."""
    return _cloudwatch("PutMetricData", {"Namespace": "Bench/Hello", "MetricData": [{"MetricName": "m", "Value": 1}]})


def metric_data(protocol: str) -> list[bytes]:
    """PutMetricData of 20 data with two dimensions each, in the protocol ``json``, ``query`` or ``cbor``."""
    encode = {"json": _json_data, "query": _query_data, "cbor": _cbor_data}[protocol]
    dice = random.Random(1)
    return [encode([_datum(dice, number) for number in range(DATA_A_CALL)]) for _ in range(_VARIANTS)]


def _datum(dice: random.Random, number: int) -> Item:
    dimensions = [{"Name": "Service", "Value": "shop"}, {"Name": "Operation", "Value": f"operation-{number % 5}"}]
    return {
        "MetricName": f"metric-{number // 5}",
        "Dimensions": dimensions,
        "Value": round(dice.lognormvariate(3, 1), 3),
        "Unit": "Milliseconds",
    }


def _json_data(data: Sequence[Item]) -> bytes:
    return _cloudwatch("PutMetricData", {"Namespace": NAMESPACE, "MetricData": data})


def _query_data(data: Sequence[Item]) -> bytes:
    form: dict[str, Any] = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": NAMESPACE}
    for number, datum in enumerate(data, 1):
        start = f"MetricData.member.{number}"
        form |= {f"{start}.{key}": value for key, value in datum.items() if key != "Dimensions"}
        for place, dimension in enumerate(datum["Dimensions"], 1):
            form |= {f"{start}.Dimensions.member.{place}.{key}": value for key, value in dimension.items()}
    return _post("monitoring", urlencode(form).encode(), "application/x-www-form-urlencoded; charset=utf-8")


def _cbor_data(data: Sequence[Item]) -> bytes:
    body = cbor2.dumps({"Namespace": NAMESPACE, "MetricData": data})
    path = f"/service/{_CLOUDWATCH}/operation/PutMetricData"
    return _post("monitoring", body, "application/cbor", {"smithy-protocol": "rpc-v2-cbor"}, path)


def stored(points: Sequence[tuple[float, float]]) -> list[bytes]:
    """PutMetricData of (timestamp, value) pairs of one metric, 500 a call."""
    calls = [points[at : at + 500] for at in range(0, len(points), 500)]
    return [
        _json_data([{"MetricName": "stored", "Timestamp": moment, "Value": value} for moment, value in call])
        for call in calls
    ]


def question(start: int, end: int, period: int, statistic: str) -> bytes:
    """GetMetricData of one statistic of the stored points."""
    metric = {"Namespace": NAMESPACE, "MetricName": "stored"}
    asked = {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}
    times = {"StartTime": start, "EndTime": end, "ScanBy": "TimestampAscending"}
    return _cloudwatch("GetMetricData", {"MetricDataQueries": [asked], **times})


def log_stream() -> list[bytes]:
    """What makes the log group and stream that the events go to."""
    group = {"logGroupName": "/bench"}
    return [_logs("CreateLogGroup", group), _logs("CreateLogStream", {**group, "logStreamName": "one"})]


def log_events() -> list[bytes]:
    """PutLogEvents of 100 lines of JSON as a service logs them."""
    dice = random.Random(2)
    now_ms = int(time.time() * 1000)
    batches = []
    for _ in range(_VARIANTS):
        events = [{"timestamp": now_ms, "message": _line(dice)} for _ in range(EVENTS_A_CALL)]
        batches.append(_logs("PutLogEvents", {"logGroupName": "/bench", "logStreamName": "one", "logEvents": events}))
    return batches


def _line(dice: random.Random) -> str:
    trace = f"1-{dice.getrandbits(32):08x}-{dice.getrandbits(96):024x}"
    took = round(dice.lognormvariate(3, 1), 3)
    return json.dumps({"level": "INFO", "message": "GET /products 200", "trace_id": trace, "duration_ms": took})


def trace_segments(calls: int) -> list[bytes]:
    """PutTraceSegments of 20 segments; a trace of its own each, since one that came before would only be replaced."""
    return [_xray([_segment() for _ in range(SEGMENTS_A_CALL)]) for _ in range(calls)]


def _segment() -> str:
    now = time.time()
    document = {
        "name": "shop",
        "id": f"{random.getrandbits(64):016x}",
        "trace_id": f"1-{int(now):08x}-{random.getrandbits(96):024x}",
        "start_time": now - 0.05,
        "end_time": now,
        "http": {"request": {"method": "GET", "url": "http://shop/products"}, "response": {"status": 200}},
        "annotations": {"operation": "list_products"},
    }
    return json.dumps(document)


def _cloudwatch(operation: str, params: Item) -> bytes:
    target = {"X-Amz-Target": f"{_CLOUDWATCH}.{operation}"}
    return _post("monitoring", json.dumps(params).encode(), "application/x-amz-json-1.0", target)


def _logs(operation: str, params: Item) -> bytes:
    target = {"X-Amz-Target": f"Logs_20140328.{operation}"}
    return _post("logs", json.dumps(params).encode(), "application/x-amz-json-1.1", target)


def _xray(documents: Sequence[str]) -> bytes:
    body = json.dumps({"TraceSegmentDocuments": documents}).encode()
    return _post("xray", body, "application/json", path="/TraceSegments")


def _post(
    service: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None, path: str = "/"
) -> bytes:
    scope = f"bench/20260101/us-east-1/{service}/aws4_request"
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
