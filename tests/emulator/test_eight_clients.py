"""Eight clients at once, in every protocol, writing and reading: nothing is lost, and everything is counted once."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import boto3
import cbor2
import pytest
from botocore.config import Config

from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator

NOW = 1_795_341_600
ROUNDS = 10
DATA_A_CALL = 10
EVENTS_A_CALL = 10
SEGMENTS_A_CALL = 5
CLIENTS = ["boto3", "boto3", "json", "json", "cbor", "cbor", "query", "query"]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    running = Emulator(Binding(port=0, xray_port=0), clock=ManualClock(NOW))
    running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def short_turns() -> Iterator[None]:
    """Threads take turns a hundred times as often, so that a race that is there is met."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


def boto3_client(service: str, port: int) -> Any:
    untyped: Any = boto3  # its stubs know services by literal names only
    return untyped.session.Session().client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Raw:
    """One connection; every call must succeed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def post(self, service: str, body: bytes, path: str = "/", **headers: str) -> bytes:
        scope = f"AWS4-HMAC-SHA256 Credential=t/20261122/us-east-1/{service}/aws4_request"
        fields = {"Authorization": scope, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self._connection.request("POST", path, body, fields)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        return answer


def put_metrics(kind: str, port: int, raw: Raw) -> Callable[[list[float]], None]:
    """``put(values)`` in this protocol: one datum a value."""
    if kind == "boto3":
        client = boto3_client("cloudwatch", port)
        return lambda values: client.put_metric_data(Namespace="N", MetricData=data(values))
    if kind == "json":
        target = "GraniteServiceVersion20100801.PutMetricData"
        return lambda values: discard(
            raw.post(
                "monitoring",
                json.dumps({"Namespace": "N", "MetricData": data(values)}).encode(),
                X_Amz_Target=target,
                Content_Type="application/x-amz-json-1.0",
            )
        )
    if kind == "cbor":
        path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
        return lambda values: discard(
            raw.post(
                "monitoring",
                cbor2.dumps({"Namespace": "N", "MetricData": data(values)}),
                path,
                smithy_protocol="rpc-v2-cbor",
                Content_Type="application/cbor",
            )
        )
    return lambda values: discard(
        raw.post("monitoring", form(values), Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    )


def discard(_answer: bytes) -> None:
    return None


def data(values: list[float]) -> list[dict[str, Any]]:
    return [{"MetricName": "M", "Value": float(value)} for value in values]


def form(values: list[float]) -> bytes:
    members = "".join(
        f"&MetricData.member.{n}.MetricName=M&MetricData.member.{n}.Value={value}" for n, value in enumerate(values, 1)
    )
    return f"Action=PutMetricData&Version=2010-08-01&Namespace=N{members}".encode()


class Reader:
    """What is stored so far never shrinks, and no part of a call is ever seen without the rest."""

    def __init__(self, port: int) -> None:
        self._cloudwatch, self._logs = boto3_client("cloudwatch", port), boto3_client("logs", port)
        self._seen = self._counted = 0

    def look(self) -> None:
        events = self._logs.filter_log_events(logGroupName="g")["events"]
        assert len(events) >= self._seen
        assert len({event["eventId"] for event in events}) == len(events)
        count = samples(self._cloudwatch)
        assert count >= self._counted
        assert count % DATA_A_CALL == 0
        self._seen, self._counted = len(events), count


def samples(cloudwatch: Any, statistic: str = "SampleCount") -> int:
    points = cloudwatch.get_metric_statistics(
        Namespace="N", MetricName="M", StartTime=NOW - 60, EndTime=NOW + 60, Period=60, Statistics=[statistic]
    )["Datapoints"]
    return int(sum(point[statistic] for point in points))


def segment(client: int, number: int) -> str:
    trace = f"1-{NOW - 1:08x}-{client:08x}{number // 3:016x}"  # three segments a trace, from different calls
    return json.dumps(
        {
            "id": f"{client:04x}{number:012x}",
            "trace_id": trace,
            "name": f"service-{client}",
            "start_time": NOW - 1.0,
            "end_time": NOW - 0.5,
        }
    )


def test_eight_clients_at_once_lose_nothing_and_count_nothing_twice(emulator: Emulator) -> None:
    port = emulator.port
    logs = boto3_client("logs", port)
    logs.create_log_group(logGroupName="g")
    for number in range(4):  # each stream has two writers
        logs.create_log_stream(logGroupName="g", logStreamName=f"s{number}")
    together = threading.Barrier(len(CLIENTS) + 1)
    done = threading.Event()

    def write(number: int) -> None:
        with closing(Raw(port)) as raw:
            write_with(number, raw)

    def write_with(number: int, raw: Raw) -> None:
        put, own_logs = put_metrics(CLIENTS[number], port, raw), boto3_client("logs", port)
        together.wait(30)
        for turn in range(ROUNDS):
            first = (number * ROUNDS + turn) * DATA_A_CALL
            put([float(value) for value in range(first, first + DATA_A_CALL)])
            names = range(turn * EVENTS_A_CALL, (turn + 1) * EVENTS_A_CALL)
            events = [{"timestamp": NOW * 1000 - 1000 + n, "message": f"event {number} {n}"} for n in names]
            own_logs.put_log_events(logGroupName="g", logStreamName=f"s{number % 4}", logEvents=events)
            documents = [segment(number, turn * SEGMENTS_A_CALL + n) for n in range(SEGMENTS_A_CALL)]
            answer = raw.post("xray", json.dumps({"TraceSegmentDocuments": documents}).encode(), "/TraceSegments")
            assert json.loads(answer)["UnprocessedTraceSegments"] == []

    def read() -> int:
        reader, looks = Reader(port), 0
        together.wait(30)
        while not done.is_set():
            reader.look()
            looks += 1
            time.sleep(0.02)
        return looks

    with ThreadPoolExecutor(len(CLIENTS) + 1) as pool:
        reading = pool.submit(read)
        writing = [pool.submit(write, number) for number in range(len(CLIENTS))]
        try:
            for future in writing:
                future.result(timeout=90)
        finally:
            done.set()
        assert reading.result(timeout=30) > 0

    cloudwatch, xray = boto3_client("cloudwatch", port), boto3_client("xray", port)
    total = len(CLIENTS) * ROUNDS * DATA_A_CALL
    assert samples(cloudwatch) == total
    assert samples(cloudwatch, "Sum") == sum(range(total))
    found = [
        event["message"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName="g")
        for event in page["events"]
    ]
    assert sorted(found) == sorted(f"event {c} {n}" for c in range(len(CLIENTS)) for n in range(ROUNDS * EVENTS_A_CALL))
    wanted = {json.loads(segment(c, n))["id"] for c in range(len(CLIENTS)) for n in range(ROUNDS * SEGMENTS_A_CALL)}
    traces = sorted(
        {json.loads(segment(c, n))["trace_id"] for c in range(len(CLIENTS)) for n in range(ROUNDS * SEGMENTS_A_CALL)}
    )
    held = [
        one["Id"]
        for first in range(0, len(traces), 5)
        for trace in xray.batch_get_traces(TraceIds=traces[first : first + 5])["Traces"]
        for one in trace["Segments"]
    ]
    assert len(held) == len(set(held))
    assert set(held) == wanted
