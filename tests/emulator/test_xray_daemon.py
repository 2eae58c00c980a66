"""The daemon's ports: segments by UDP, sampling by TCP, with the SDK's own parts."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.segment import Segment
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.sampling.connector import ServiceConnector
from aws_xray_sdk.core.sampling.sampling_rule import SamplingRule

from kit.emulator.clock import ManualClock
from kit.emulator.server import Emulator
from kit.emulator.xray.engine import Engine
from kit.emulator.xray.sampling import Sampling
from kit.emulator.xray_daemon import document_in

HEADER = b'{"format":"json","version":1}\n'


@pytest.fixture
def send(emulator: Emulator) -> Iterator[Callable[[bytes], None]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda datagram: (sender.sendto(datagram, ("127.0.0.1", emulator.xray_port)), None)[1]


def a_trace_id() -> str:
    return f"1-{int(time.time()):08x}-{random.randbytes(12).hex()}"


def test_what_the_sdks_emitter_sends_is_found_by_the_api(
    emulator: Emulator, client: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    trace_id = a_trace_id()
    segment = Segment("shop", traceid=trace_id)
    alone = Subsegment("charge", "remote", segment)
    segment.add_subsegment(alone)
    alone.close()
    segment.remove_subsegment(alone)  # as the recorder does when it streams a subsegment out
    segment.put_annotation("operation", "POST /checkout")
    segment.close()
    emitter = UDPEmitter()
    emitter.set_daemon_address(f"127.0.0.1:{emulator.xray_port}")
    emitter.send_entity(segment)
    emitter.send_entity(alone)
    emitter._socket.close()

    def complete() -> Any:
        traces = client("xray").batch_get_traces(TraceIds=[trace_id])["Traces"]
        documents = [json.loads(s["Document"]) for t in traces for s in t["Segments"]]
        return documents if len(documents) == 1 and documents[0].get("subsegments") else None

    (document,) = eventually(complete)
    assert document["name"] == "shop"
    assert document["annotations"] == {"operation": "POST /checkout"}
    assert [s["name"] for s in document["subsegments"]] == ["charge"]


def test_malformed_datagrams_are_counted_and_do_no_harm(
    emulator: Emulator, send: Callable[[bytes], None], client: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    before = emulator._daemon.counts()["malformed"]
    bad = [b"x", b"{}", b"\n", HEADER, HEADER + b"{", HEADER + b"{}", HEADER + b"\xff\x00", b'{"format":"xml"}\n{}']
    for datagram in bad:
        send(datagram)
    trace_id, now = a_trace_id(), time.time()
    good = {"id": "0" * 16, "trace_id": trace_id, "name": "shop", "start_time": now - 1, "end_time": now}
    send(HEADER + json.dumps(good).encode())
    eventually(lambda: client("xray").batch_get_traces(TraceIds=[trace_id])["Traces"])
    assert emulator._daemon.counts()["malformed"] == before + len(bad)


def test_a_paced_burst_arrives_whole(
    emulator: Emulator, send: Callable[[bytes], None], eventually: Callable[..., Any]
) -> None:
    # UDP promises nothing, so the sender paces itself as the service's exporter does
    engine = emulator.engines.xray("us-east-1")
    before = engine.counts()["documents"]
    now = time.time()
    for n in range(1000):
        document = {"id": f"{n:016x}", "trace_id": a_trace_id(), "name": "shop", "start_time": now, "end_time": now}
        send(HEADER + json.dumps(document).encode())
        if n % 50 == 49:
            time.sleep(0.01)
    eventually(lambda: engine.counts()["documents"] >= before + 1000)


def test_the_sdks_sampler_gets_rules_and_targets_unsigned(emulator: Emulator) -> None:
    connector = ServiceConnector()
    connector.setup_xray_client("127.0.0.1", emulator.xray_port, None)
    (rule,) = connector.fetch_sampling_rules()
    assert rule.is_default()
    assert (rule.rate, rule.reservoir.quota) == (0.05, None)
    sampling_rule = SamplingRule(name="Default", priority=1, rate=0.05, reservoir_size=1)
    sampling_rule.increment_request_count()
    targets, last_change = connector.fetch_sampling_target([sampling_rule])
    assert targets["Default"]["rate"] == 0.05
    assert targets["Default"]["interval"] == 10
    assert last_change <= time.time()


def test_the_reservoir_goes_to_one_client_and_passes_on_when_it_stops() -> None:
    sampling = Sampling("us-east-1", "1", 0.0)
    first, second = "a" * 24, "b" * 24
    assert sampling.target(first, 0)["ReservoirQuota"] == 1
    assert sampling.target(second, 5)["ReservoirQuota"] == 0
    assert sampling.target(first, 10)["ReservoirQuota"] == 1
    assert sampling.target(second, 15)["ReservoirQuota"] == 0
    assert sampling.target(second, 45)["ReservoirQuota"] == 1
    assert sampling.target(first, 46)["ReservoirQuota"] == 0


def test_a_report_on_an_unknown_rule_is_named(client: Callable[..., Any]) -> None:
    report = {"ClientID": "c" * 24, "Timestamp": time.time(), "RequestCount": 1, "SampledCount": 1}
    answer = client("xray").get_sampling_targets(SamplingStatisticsDocuments=[report | {"RuleName": "nope"}])
    assert answer["SamplingTargetDocuments"] == []
    assert answer["UnprocessedStatistics"][0]["RuleName"] == "nope"


@pytest.mark.parametrize(
    ("datagram", "document"),
    [
        (HEADER + b"{}", b"{}"),
        (b'{"format": "json", "version": 1}\n{"a": "\\n"}', b'{"a": "\\n"}'),
        (b"{}", None),
        (b"", None),
        (b'{"format":"xml","version":1}\n{}', None),
    ],
)
def test_a_datagram_is_a_header_line_and_a_document(datagram: bytes, document: bytes | None) -> None:
    assert document_in(datagram) == document


def test_over_the_cap_the_oldest_traces_are_dropped_and_counted() -> None:
    noise = random.Random(7)
    engine = Engine("us-east-1", "1", ManualClock(1000.0), cap_bytes=500_000)
    ids = []
    for n in range(1000):
        ids.append(f"1-{n:08x}-{noise.randbytes(12).hex()}")
        document = {"id": f"{n:016x}", "trace_id": ids[-1], "name": "shop", "start_time": n, "end_time": n + 1}
        engine.put(json.dumps(document | {"metadata": noise.randbytes(200).hex()}).encode())
    counts = engine.counts()
    assert counts["bytes"] <= 500_000
    assert counts["traces"] + counts["traces_dropped"] == 1000
    assert counts["traces_dropped"] > 0
    assert engine.trace(ids[0]) is None
    assert engine.trace(ids[-1]) is not None
