import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import metrics as otel
from opentelemetry.sdk.resources import Resource

from service.telemetry.emf import Declared, Documents, Flush
from service.telemetry.gauges import Gauges
from service.telemetry.histogram import LEAST_MS, MOST_MS, SCALE, Distribution
from service.telemetry.meter import Meters
from service.telemetry.metrics import Guard, Metrics
from service.telemetry.names import SERVICE, Metric
from service.telemetry.waiting import Answered

from .conftest import EMF_SCHEMA
from .emf_rules import check

START = 1_795_364_220


class Pump(Metrics):
    """Metrics whose flushes are kept; ``end(second)`` flushes as the encoder would at that time."""

    def __init__(self, most: int = 200) -> None:
        self.flushes: list[Flush] = []
        super().__init__(300, Guard(most), lambda _: None, self.flushes.append)
        self.start(START)

    def answered(
        self, operation: str, status: int = 200, milliseconds: float = 10, trace_id: int = 0, at: float = START
    ) -> None:
        self.request(
            Answered(
                f"{trace_id:032x}", 1, int(at * 1e9), operation, "GET", status, milliseconds, "r", trace_id > 0, ""
            )
        )

    def end(self, second: float = START + 5) -> list[dict[str, Any]]:
        self.flush(second)
        return told(self.flushes[-1])


def told(flush: Flush, *, strict: bool = False, **declared: Any) -> list[dict[str, Any]]:
    writer = Documents("Shop", "shop", "local", strict=strict)
    found = [json.loads(text) for text, _ in writer.write(flush, Declared(**declared))]
    for document in found:
        check(document)
    return found


def series(found: list[dict[str, Any]], **dimensions: str) -> dict[str, Any]:
    (document,) = [
        document
        for document in found
        if set(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) - {"Service", "Environment"}
        == set(dimensions)
        and {key: document[key] for key in dimensions} == dimensions
    ]
    return document


def test_a_request_counts_in_its_operation_and_in_the_service() -> None:
    pump = Pump()
    for operation, status, milliseconds in (("GET /a", 200, 10), ("GET /a", 503, 400), ("POST /b", 404, 20)):
        pump.answered(operation, status, milliseconds)
    pump.flush(START + 5)
    found = told(pump.flushes[0], operations=frozenset({"GET /a", "POST /b"}))
    a, b, service = series(found, Operation="GET /a"), series(found, Operation="POST /b"), series(found)
    assert [a[name] for name in ("Requests", "Fault", "Error", "Slow")] == [2, 1, 0, 1]
    assert [b[name] for name in ("Requests", "Fault", "Error", "Slow")] == [1, 0, 1, 0]
    assert [service[name] for name in ("Requests", "Fault", "Error", "Slow")] == [3, 1, 1, 1]
    assert service["Latency"]["Count"] == 3
    assert service["Latency"]["Sum"] == 430
    assert (service["Latency"]["Min"], service["Latency"]["Max"]) == (10, 400)
    assert "Operation" not in service


def test_only_the_counters_of_sli_operations_are_high_resolution() -> None:
    pump = Pump()
    pump.answered("POST /checkout")
    pump.flush(START + 5)
    found = told(pump.flushes[0], sli_operations=frozenset({"POST /checkout"}), operations=frozenset({"GET /a"}))
    resolution = {
        (document.get("Operation"), metric["Name"]): metric.get("StorageResolution", 60)
        for document in found
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    high = {key for key, seconds in resolution.items() if seconds == 1}
    assert high == {("POST /checkout", name) for name in ("Requests", "Fault", "Error", "Slow")}


def test_everything_declared_is_told_once_a_minute_and_sli_series_at_each_flush() -> None:
    pump = Pump()
    declared = {
        "operations": frozenset({"GET /a", "POST /checkout"}),
        "sli_operations": frozenset({"POST /checkout"}),
        "remotes": frozenset({"payments"}),
        "events": frozenset({"CheckoutMismatch"}),
    }
    for tick in range(1, 14):
        pump.flush(START + 5 * tick)
    assert [len(told(flush, **declared)) for flush in pump.flushes] == [4, *[1] * 11, 4]
    whole = told(pump.flushes[0], **declared)
    assert series(whole, Operation="GET /a")["Requests"] == 0
    assert series(whole, RemoteService="payments")["DependencyFault"] == 0
    assert series(whole)["CheckoutMismatch"] == 0
    assert series(whole)["Heartbeat"] == 1
    (idle,) = told(pump.flushes[1], **declared)
    assert idle["Operation"] == "POST /checkout"
    assert [idle[name] for name in ("Requests", "Fault", "Error", "Slow")] == [0, 0, 0, 0]
    assert idle["_aws"]["Timestamp"] == (START + 5) * 1000
    assert sum(len(json.dumps(document)) for document in told(pump.flushes[1], **declared)) < 600


def test_a_record_counts_in_the_interval_in_which_it_ended_however_late_it_comes() -> None:
    pump = Pump()
    for second in (1, 6, 4, 7):
        pump.answered("GET /a", at=START + second)
    pump.flush(START + 5)
    pump.answered("GET /a", at=START + 3)
    pump.flush(START + 10)
    counts = [(flush.start - START, flush.series[()]["Requests"]) for flush in pump.flushes]
    assert counts == [(0, 2), (0, 1), (5, 2)]


def test_a_clock_that_was_set_back_does_not_hold_up_the_records() -> None:
    pump = Pump()
    pump.answered("GET /a", at=START + 3_600)
    pump.answered("GET /a", at=START + 1)
    pump.flush(START + 5)
    assert pump.flushes[0].series[()]["Requests"] == 2
    pump.flush(START - 1_000)
    assert pump.due() == START - 995


def test_the_slowest_sampled_request_stands_beside_its_metric() -> None:
    pump = Pump()
    for milliseconds, trace_id in ((10, 0xA), (30, 0), (20, 0xB), (5, 0xC)):
        pump.answered("GET /a", 200, milliseconds, trace_id)
    document = series(pump.end(), Operation="GET /a")
    assert document["trace_id"] == f"{0xB:032x}"
    assert document["xray_trace_id"] == f"1-{0:08x}-{0xB:024x}"
    assert document["record_id"]


def test_calls_and_events_are_counted() -> None:
    pump = Pump()
    pump.call((START, "payments", 12.5, False))
    pump.call((START, "payments", 800, True))
    pump.event((START, "CheckoutMismatch", 3))
    found = pump.end()
    remote = series(found, RemoteService="payments")
    assert (remote["DependencyCalls"], remote["DependencyFault"]) == (2, 1)
    assert remote["DependencyLatency"]["Values"] == [pytest.approx(12.5, rel=0.045), 800]
    assert series(found)["CheckoutMismatch"] == 3


def test_every_accepted_record_is_the_weight_of_one_document() -> None:
    pump = Pump()
    for number in range(500):
        pump.answered(f"GET /{number % 7}", milliseconds=number + 1)
        pump.call((START, f"remote{number % 3}", 1, False))
    pump.event((START, "CheckoutMismatch", 9))
    pump.flush(START + 5)
    writer = Documents("Shop", "shop", "local", strict=True)
    written = list(writer.write(pump.flushes[0], Declared()))
    assert sum(weight for _, weight in written) == 1_001


def test_beyond_the_cap_one_series_takes_the_rest_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    pump = Pump(most=3)
    for number in range(50):
        pump.call((START, f"remote{number}", 1, False))
    found = pump.end()
    assert len([document for document in found if "RemoteService" in document]) == 4
    assert series(found, RemoteService="OVERFLOW")["DependencyCalls"] == 47
    assert len(caplog.records) == 1


def test_peaks_are_since_the_last_reading() -> None:
    gauges, out = Gauges(), 0
    gauges.add_pool(lambda: out)
    gauges.enter("first")
    gauges.enter("second")
    gauges.leave("first")
    out = 3
    gauges.pool_changed()
    out = 1
    first, second = gauges.read(), gauges.read()
    assert [(read["InFlight"], read["PoolInUse"]) for read in (first, second)] == [(2, 3), (1, 1)]
    assert first["ProcessMemory"] > 1_000_000


OWN = (
    Metric("Refunds", "Count", "counter", (SERVICE, (*SERVICE, "Reason")), "Refunds.", idle=(("late",), ("broken",))),
    Metric("BasketSize", "Count", "histogram", (SERVICE,), "Lines of a cart."),
    Metric("QueueDepth", "Count", "gauge", (SERVICE,), "Jobs that wait."),
)


def collected(meters: Meters, most: int = 200, start: int = START, *, whole: bool = False) -> list[dict[str, Any]]:
    flush = Flush(start, whole)
    meters.fill(flush, Guard(most))
    return told(flush, own=OWN)


def test_anybodys_instruments_reach_cloudwatch_with_the_dimensions_that_were_declared() -> None:
    meters = Meters(Resource({}), OWN)
    meter = meters.provider.get_meter("app")
    refunds = meter.create_counter("Refunds")
    refunds.add(2, {"Reason": "late", "customer": "c-1"})
    refunds.add(1, {"Reason": "late", "customer": "c-2"})
    refunds.add(4, {"Reason": "broken"})
    for size in (0, 1, 1, 7):
        meter.create_histogram("BasketSize").record(size, {"customer": "c-1"})
    meter.create_up_down_counter("QueueDepth").add(5)
    found = collected(meters)
    assert (series(found, Reason="late")["Refunds"], series(found, Reason="broken")["Refunds"]) == (3, 4)
    service = series(found)
    assert (service["Refunds"], service["QueueDepth"]) == (7, 5)
    assert (service["BasketSize"]["Count"], service["BasketSize"]["Sum"]) == (4, 9)
    assert service["BasketSize"]["Values"] == [0, pytest.approx(1, rel=0.05), 7]
    assert '"c-1"' not in json.dumps(found)
    again = collected(meters, start=START + 5)
    assert "Refunds" not in series(again), "a delta, not a sum since the start"


def test_an_idle_series_that_was_declared_is_zero_once_a_minute() -> None:
    found = collected(Meters(Resource({}), OWN), whole=True)
    assert [series(found, Reason=reason)["Refunds"] for reason in ("late", "broken")] == [0, 0]
    assert series(found)["Refunds"] == 0


def test_an_instrument_with_a_value_a_customer_is_capped() -> None:
    meters = Meters(Resource({}), OWN)
    counter = meters.provider.get_meter("app").create_counter("Refunds")
    for number in range(100):
        counter.add(1, {"Reason": f"customer {number}"})
    found = collected(meters, most=10)
    assert series(found, Reason="OVERFLOW")["Refunds"] == 90
    assert series(found)["Refunds"] == 100


def test_a_metric_that_nobody_declared_is_not_sent_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    meters = Meters(Resource({}), OWN)
    meters.provider.get_meter("library").create_counter("queue.jobs").add(1)
    assert collected(meters) == []
    assert collected(meters) == []
    assert [record.getMessage() for record in caplog.records] == [
        "metric queue.jobs is not declared and is not sent; see instrument(metrics=…)"
    ]


def test_a_forked_child_does_not_count_what_its_parent_did() -> None:
    meters = Meters(Resource({}), OWN)
    counter = meters.provider.get_meter("app").create_counter("Refunds")
    counter.add(5)
    meters.discard()
    counter.add(2)
    assert series(collected(meters))["Refunds"] == 2


def test_an_app_with_a_meter_provider_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, given = otel.NoOpMeterProvider(), []
    monkeypatch.setattr(otel, "get_meter_provider", lambda: theirs)
    monkeypatch.setattr(otel, "set_meter_provider", given.append)
    Meters(Resource({}), ()).make_global()
    assert given == []


def test_strict_documents_are_within_the_published_schema_and_the_usual_ones_only_by_their_objects() -> None:
    pump = Pump()
    for number in range(250):
        pump.answered("GET /a", milliseconds=1 + number / 10)
    pump.flush(START + 5)
    strict = told(pump.flushes[0], strict=True, sli_operations=frozenset({"GET /a"}))
    for document in strict:
        jsonschema.validate(document, EMF_SCHEMA)
    latencies = [document["Latency"] for document in strict if document.get("Operation") == "GET /a"]
    assert [len(latency) for latency in latencies] == [100, 100, 50]
    assert sum(map(sum, latencies)) == pytest.approx(sum(1 + number / 10 for number in range(250)), rel=0.05)
    assert sum(document.get("Requests", 0) for document in strict if "Operation" in document) == 250
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(series(told(pump.flushes[0]), Operation="GET /a"), EMF_SCHEMA)


latencies = st.lists(st.floats(LEAST_MS, MOST_MS), min_size=1, max_size=300)


@given(latencies, st.floats(0.01, 1))
@settings(max_examples=150, deadline=None)
def test_any_percentile_of_latency_is_within_five_per_cent(values: list[float], share: float) -> None:
    pump = Pump()
    for value in values:
        pump.answered("GET /a", 200, value)
    pump.flush(START + 5)
    rank = max(0, round(share * len(values)) - 1)
    exact = sorted(values)[rank]
    latency = pump.flushes[0].series[()]["Latency"]
    assert isinstance(latency, Distribution)
    targets = list(latency.targets())
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
        self.scale, self.count, self.zero_count = scale, sum(counts), 0
        self.positive = type("Buckets", (), {"offset": offset, "bucket_counts": counts})()
        base = 2.0 ** (2.0**-scale)
        self.min, self.max = base**offset, base ** (offset + len(counts))
        self.sum = self.count * self.min


def test_more_than_a_hundred_values_become_several_documents_that_add_up() -> None:
    distribution = Distribution()
    distribution.add(Point(SCALE, -20, [1] * 150))
    flush = Flush(START, whole=False, series={(("Operation", "GET /a"),): {"Latency": distribution}})
    found = [document for document in told(flush) if document.get("Operation") == "GET /a"]
    assert [len(document["Latency"]["Values"]) for document in found] == [100, 50]
    assert sum(document["Latency"]["Count"] for document in found) == 150
    assert found[0]["Latency"]["Max"] < found[1]["Latency"]["Min"]


def test_points_of_a_finer_scale_are_brought_to_ours() -> None:
    distribution = Distribution()
    distribution.add(Point(SCALE + 2, -5, [1, 2, 3, 4, 5, 6, 7, 8, 9]))
    assert distribution.buckets == {-2: 1, -1: 2 + 3 + 4 + 5, 0: 6 + 7 + 8 + 9}


def test_points_of_a_coarser_scale_stay_within_their_bucket() -> None:
    distribution = Distribution()
    distribution.add(Point(SCALE - 2, 3, [5]))
    assert distribution.buckets == {14: 5}
