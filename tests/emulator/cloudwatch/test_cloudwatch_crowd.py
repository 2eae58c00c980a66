"""A client that makes a metric with every request does not fill the memory."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.crowd import MOST_METRICS, Crowd
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.emulator.server import Binding, Emulator
from tests.emulator.keeping.conftest import REGION, TEN, Kept
from tests.emulator.test_emulator_reset import client as client_of

ALL = float("-inf")


def datum(request: str, moment: float, value: float = 1.0) -> Datum:
    return Datum("Shop", "Latency", (("Request", request),), moment, None, 60, (value,), (1.0,))


def test_what_is_written_again_and_again_outlives_what_came_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(TEN)
    store = MetricStore(clock, most=100)
    for n in range(1000):
        now = clock.advance(1)
        store.record([datum(f"{n:04}", now), datum("steady", now)])
        assert len(store) <= 100
    assert store.dropped == 1001 - len(store)
    kept = [ref.dimensions[0][1] for ref in store.refs(ALL)]
    assert kept == [f"{n:04}" for n in range(1001 - len(store), 1000)] + ["steady"]
    assert caplog.text.count("there are 100 metrics, as many as are kept") == 1
    assert caplog.text.count("WARNING") == 1


def test_data_of_long_ago_go_before_data_of_today() -> None:
    store = MetricStore(ManualClock(TEN), most=20)
    store.record([datum(f"today{n}", TEN) for n in range(10)])
    store.record([datum(f"past{n}", TEN - 86_400) for n in range(30)])
    names = {ref.dimensions[0][1] for ref in store.refs(ALL)}
    assert {f"today{n}" for n in range(10)} < names


def test_a_metric_that_had_to_go_is_gone_from_the_file_too(tmp_path: Path) -> None:
    clock = ManualClock(TEN)

    def held(kept: Kept) -> dict[str, float]:
        store = kept.engines.cloudwatch(REGION).metrics
        lanes = [store.lanes()[key, lane] for key, lane in store.lanes()]
        sums = [sum(row[2] for row in lane.sums(int(TEN) - 60, int(TEN) + 7200, 60, clock.now())) for lane in lanes]
        return dict(zip([dict(key[2])["Request"] for key, _ in store.lanes()], sums, strict=True))

    with Kept(tmp_path, clock) as kept:
        store = kept.engines.cloudwatch(REGION).metrics
        store._crowd = Crowd(20)
        for n in range(60):
            now = clock.advance(1)
            store.record([datum(str(n), now)])
            if n % 7 == 0:
                assert kept.keeper.flush()
        assert kept.keeper.flush()
        store.record([datum("0", now, 5.0)])  # again, after it had gone
        assert kept.keeper.flush()
        was = held(kept)
        assert was["0"] == 5.0
        rows = [key for key, _ in kept.keeper._database.read(f"metrics {REGION}", "s/")]
        assert len(rows) == len(was) <= 20
    with Kept(tmp_path, clock) as kept:
        assert held(kept) == was


def test_over_the_wire_they_stay_within_the_most_and_the_health_page_counts_who_went() -> None:
    assert MOST_METRICS >= 10_000
    emulator = Emulator(Binding(port=0, xray_port=0))
    emulator.start()
    try:
        emulator.engines.cloudwatch(REGION).metrics._crowd = Crowd(500)
        cloudwatch = client_of("cloudwatch", emulator)
        now = time.time()
        for batch in range(8):
            data = [
                {
                    "MetricName": "m",
                    "Value": 1,
                    "Timestamp": now - 600 + batch,
                    "Dimensions": [{"Name": "Request", "Value": f"{batch}-{n}"}],
                }
                for n in range(100)
            ]
            cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Shop")
        listed = sum(len(page["Metrics"]) for page in pages)
        with urllib.request.urlopen(f"http://127.0.0.1:{emulator.port}/_kit/health", timeout=10) as answer:
            found = json.load(answer)["engines"][f"cloudwatch {REGION}"]
        assert found["metrics"] == listed <= 500
        assert found["metrics_dropped"] == 800 - listed
        for value, there in (("7-99", True), ("0-0", False)):
            dimensions = [{"Name": "Request", "Value": value}]
            assert bool(cloudwatch.list_metrics(Namespace="Shop", Dimensions=dimensions)["Metrics"]) is there
    finally:
        emulator.stop()
        client_of.cache_clear()
