import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from service.telemetry.emf import Declared, Flush, documents
from service.telemetry.histogram import LEAST_MS, MOST_MS, SCALE, Distribution
from service.telemetry.metrics import RECORDS, Gauges, MetricPump

from .emf_rules import check

START = 1_795_364_220


def pump(flushes: list[Flush], gauges: Gauges | None = None, dropped: int = 0) -> MetricPump:
    return MetricPump(Resource({}), gauges or Gauges(), flushes.append, lambda: dropped, latency_objective_ms=300)


def told(flush: Flush, **declared: Any) -> list[dict[str, Any]]:
    found = [json.loads(text) for text in documents(flush, Declared(**declared), "Shop", "shop", "local")]
    for document in found:
        check(document)
    return found


def series(found: list[dict[str, Any]], **dimensions: str) -> dict[str, Any]:
    (document,) = [
        document
        for document in found
        if {key: document.get(key) for key in ("Operation", "RemoteService") if key in document} == dimensions
    ]
    return document


def test_a_request_counts_in_its_operation_and_in_the_service() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    for operation, status, milliseconds in (("GET /a", 200, 10), ("GET /a", 503, 400), ("POST /b", 404, 20)):
        metrics.request(START, operation, status, milliseconds, 0)
    metrics._drain(float("inf"))
    metrics._flush(START)
    found = told(flushes[0], operations=frozenset({"GET /a", "POST /b"}))
    a, b, service = series(found, Operation="GET /a"), series(found, Operation="POST /b"), series(found)
    assert [a[name] for name in ("Requests", "Fault", "Error", "Slow")] == [2, 1, 0, 1]
    assert [b[name] for name in ("Requests", "Fault", "Error", "Slow")] == [1, 0, 1, 0]
    assert [service[name] for name in ("Requests", "Fault", "Error", "Slow")] == [3, 1, 1, 1]
    assert service["Latency"]["Count"] == 3
    assert service["Latency"]["Sum"] == 430
    assert (service["Latency"]["Min"], service["Latency"]["Max"]) == (10, 400)
    assert "Operation" not in service


def test_only_the_counters_of_sli_operations_are_high_resolution() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    metrics.request(START, "POST /checkout", 201, 10, 0)
    metrics._drain(float("inf"))
    metrics._flush(START)
    found = told(flushes[0], sli_operations=frozenset({"POST /checkout"}), operations=frozenset({"GET /a"}))
    resolution = {
        (document.get("Operation"), metric["Name"]): metric.get("StorageResolution", 60)
        for document in found
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    high = {key for key, seconds in resolution.items() if seconds == 1}
    assert high == {("POST /checkout", name) for name in ("Requests", "Fault", "Error", "Slow")}


def test_everything_declared_is_told_once_a_minute_and_sli_series_at_each_flush() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    declared = {
        "operations": frozenset({"GET /a", "POST /checkout"}),
        "sli_operations": frozenset({"POST /checkout"}),
        "remotes": frozenset({"payments"}),
        "events": frozenset({"CheckoutMismatch"}),
    }
    for tick in range(13):
        metrics._flush(START + 5 * tick)
    sizes = [len(told(flush, **declared)) for flush in flushes]
    assert sizes == [4, *[1] * 11, 4]
    whole = told(flushes[0], **declared)
    assert series(whole, Operation="GET /a")["Requests"] == 0
    assert series(whole, RemoteService="payments")["DependencyFault"] == 0
    assert series(whole)["CheckoutMismatch"] == 0
    assert series(whole)["Heartbeat"] == 1
    assert series(whole)["ProcessMemory"] > 1_000_000
    (idle,) = told(flushes[1], **declared)
    assert idle["Operation"] == "POST /checkout"
    assert [idle[name] for name in ("Requests", "Fault", "Error", "Slow")] == [0, 0, 0, 0]
    assert idle["_aws"]["Timestamp"] == (START + 5) * 1000
    assert sum(len(json.dumps(document)) for document in told(flushes[1], **declared)) < 600


def test_a_record_counts_in_the_interval_in_which_it_ended() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    for second in (1, 4, 6, 7):
        metrics.request(START + second, "GET /a", 200, 1, 0)
    metrics._drain(START + 5)
    metrics._flush(START)
    metrics._drain(START + 10)
    metrics._flush(START + 5)
    assert [flush.counters["Requests", "GET /a"] for flush in flushes] == [2, 2]


def test_a_clock_that_was_set_back_does_not_hold_up_the_records() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    metrics.request(START + 3_600, "GET /a", 200, 1, 0)
    metrics.request(START + 1, "GET /a", 200, 1, 0)
    metrics._drain(START + 5)
    metrics._flush(START)
    assert flushes[0].counters["Requests", "GET /a"] == 2


def test_the_slowest_sampled_request_stands_beside_its_metric() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    for milliseconds, trace_id in ((10, 0xA), (30, 0), (20, 0xB), (5, 0xC)):
        metrics.request(START, "GET /a", 200, milliseconds, trace_id)
    metrics._drain(float("inf"))
    metrics._flush(START)
    document = series(told(flushes[0]), Operation="GET /a")
    assert document["trace_id"] == f"{0xB:032x}"
    assert document["xray_trace_id"] == f"1-{0:08x}-{0xB:024x}"
    assert series(told(flushes[0]))["trace_id"] == f"{0xB:032x}"
    metrics._flush(START + 5)
    assert not flushes[1].slowest


def test_dependencies_and_events_have_their_own_series() -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes, dropped=7)
    metrics.dependency(START, "payments", 12.5, fault=False)
    metrics.dependency(START, "payments", 800, fault=True)
    metrics.event(START, "CheckoutMismatch", 3)
    metrics._drain(float("inf"))
    metrics._flush(START)
    found = told(flushes[0])
    remote = series(found, RemoteService="payments")
    assert (remote["DependencyCalls"], remote["DependencyFault"]) == (2, 1)
    assert remote["DependencyLatency"]["Values"] == [pytest.approx(12.5, rel=0.045), 800]
    assert series(found)["CheckoutMismatch"] == 3
    assert series(found)["TelemetryDropped"] == 7
    metrics._flush(START + 60)
    assert series(told(flushes[1]))["TelemetryDropped"] == 0


def test_peaks_are_since_the_last_reading() -> None:
    flushes: list[Flush] = []
    gauges = Gauges()
    out = 0
    gauges.add_pool(lambda: out)
    metrics = pump(flushes, gauges)
    gauges.enter()
    gauges.enter()
    gauges.leave()
    out = 3
    gauges.pool_changed()
    out = 1
    metrics._flush(START)
    metrics._flush(START + 5)
    assert [(flush.gauges["InFlight"], flush.gauges["PoolInUse"]) for flush in flushes] == [(2, 3), (1, 1)]


def test_records_beyond_the_cap_are_dropped_and_counted() -> None:
    metrics = pump([])
    for _ in range(RECORDS + 5):
        metrics.event(START, "CheckoutMismatch", 1)
    assert metrics.dropped == 5


def test_a_metric_that_no_name_stands_for_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    metrics._provider.get_meter("library").create_counter("queue.jobs").add(1)
    metrics._flush(START)
    metrics._flush(START + 5)
    assert not [name for name, _ in flushes[0].counters if name not in {"Heartbeat", "TelemetryDropped"}]
    assert [record.getMessage() for record in caplog.records] == [
        "metric queue.jobs is not in names.py and is not sent"
    ]


def test_the_ticker_flushes_at_whole_multiples_of_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.telemetry.metrics.TICK", 2)  # 5 s are waited for in a real process elsewhere
    flushes: list[Flush] = []
    metrics = pump(flushes)
    metrics.start()
    try:
        until = time.monotonic() + 8
        while not flushes and time.monotonic() < until:
            time.sleep(0.05)
        flushed_at = time.time()
        assert flushes[0].start % 2 == 0
        assert 0 <= flushed_at - (flushes[0].start + 2) < 1
    finally:
        metrics.request(time.time(), "GET /last", 200, 1, 0)
        metrics.close(time.monotonic() + 5)
    assert flushes[-1].counters["Requests", "GET /last"] == 1


latencies = st.lists(st.floats(LEAST_MS, MOST_MS), min_size=1, max_size=300)


@given(latencies, st.floats(0.01, 1))
@settings(max_examples=150, deadline=None)
def test_any_percentile_of_latency_is_within_five_per_cent(values: list[float], share: float) -> None:
    flushes: list[Flush] = []
    metrics = pump(flushes)
    for value in values:
        metrics.request(START, "GET /a", 200, value, 0)
    metrics._drain(float("inf"))
    metrics._flush(START)
    rank = max(0, round(share * len(values)) - 1)
    exact = sorted(values)[rank]
    targets = list(flushes[0].distributions["Latency", "GET /a"].targets())
    told_values = [
        value
        for target in targets
        for value, count in zip(target["Values"], target["Counts"], strict=True)
        for _ in range(count)
    ]
    assert len(told_values) == len(values)
    assert abs(told_values[rank] - exact) / exact < 0.05
    assert sum(target["Sum"] for target in targets) == pytest.approx(sum(values), rel=1e-3)


class Point:
    """What Distribution.add reads of an OpenTelemetry data point."""

    def __init__(self, scale: int, offset: int, counts: list[int]) -> None:
        self.scale, self.count = scale, sum(counts)
        self.positive = type("Buckets", (), {"offset": offset, "bucket_counts": counts})()
        base = 2.0 ** (2.0**-scale)
        self.min, self.max = base**offset, base ** (offset + len(counts))
        self.sum = self.count * self.min


def test_more_than_a_hundred_values_become_several_documents_that_add_up() -> None:
    distribution = Distribution()
    distribution.add(Point(SCALE, -20, [1] * 150))
    flush = Flush(START, whole=False, distributions={("Latency", "GET /a"): distribution})
    found = [document for document in told(flush) if document.get("Operation") == "GET /a"]
    assert [len(document["Latency"]["Values"]) for document in found] == [100, 50]
    assert sum(document["Latency"]["Count"] for document in found) == 150
    assert found[0]["Latency"]["Max"] < found[1]["Latency"]["Min"]


def test_points_of_a_finer_scale_are_brought_to_ours() -> None:
    distribution = Distribution()
    distribution.add(Point(SCALE + 2, -5, [1, 2, 3, 4, 5, 6, 7, 8, 9]))
    assert distribution.buckets == {-2: 1, -1: 2 + 3 + 4 + 5, 0: 6 + 7 + 8 + 9}
