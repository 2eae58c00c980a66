"""The metric store gives back exactly what was put in, by any period, for as long as CloudWatch keeps it."""

from __future__ import annotations

import random
import time
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.memo import QUESTIONS_KEPT
from kit.emulator.cloudwatch.slots import DISTINCT_VALUES_KEPT
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.statistics import parse_statistic

from .conftest import TEN

DAY = 86_400
REF = MetricRef("Shop", "Latency", ())
ALL = ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99", "IQM", "TC(1:3)")


def datum(value: float, at: float, resolution: Literal[1, 60] = 60, count: float = 1.0, **more: Any) -> Datum:
    fields = {"namespace": "Shop", "name": "Latency", "dimensions": (), "unit": None} | more
    return Datum(timestamp=TEN + at, resolution=resolution, values=(value,), counts=(count,), **fields)


def stat(text: str, period: int = 60, unit: str | None = None, ref: MetricRef = REF) -> MetricStat:
    return MetricStat(ref, period, parse_statistic(text), unit)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TEN)


@pytest.fixture
def store(clock: ManualClock) -> MetricStore:
    return MetricStore(clock)


def values(store: MetricStore, text: str, start: int, end: int, period: int = 60) -> list[float | None]:
    return list(store.series(stat(text, period), TEN + start, TEN + end).values)


POINTS = st.lists(
    st.tuples(
        st.integers(-1200, 1199),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 250.0]),
        st.integers(1, 4),
        st.sampled_from([1, 60]),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(points=POINTS, period=st.sampled_from([1, 5, 10, 20, 30, 60, 120, 300]), offset=st.integers(-20, 20))
def test_every_statistic_equals_that_of_a_plain_list_of_the_data(
    points: list[tuple[int, float, int, Literal[1, 60]]], period: int, offset: int
) -> None:
    """The oracle sorts whole data points into periods: at their minute if they have a resolution of 60 s."""
    store = MetricStore(ManualClock(TEN))
    for at, value, count, resolution in points:
        store.record([datum(value, at + 0.25, resolution, count)])
    start = offset * 60 if period % 60 == 0 else offset
    expected = [Distribution() for _ in range(-((start - 1200) // period))]
    for at, value, count, resolution in points:
        stamp = at // resolution * resolution if period % 60 == 0 or resolution == 60 else at
        if start <= stamp < 1200:
            expected[(stamp - start) // period].add(value, count)
    for text in ALL:
        wanted = [parse_statistic(text).of(bucket) for bucket in expected]
        assert values(store, text, start, 1200, period) == pytest.approx(wanted)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(-300, 299), st.sampled_from([1.0, 2.0, 9.0, 50.0])),
        st.tuples(st.just("read"), st.integers(-6, 4), st.integers(1, 600)),
    ),
    max_size=40,
)


@settings(max_examples=100)
@given(steps=STEPS)
def test_a_percentile_read_again_is_that_of_the_data_as_it_is_now(steps: list[tuple[str, int, float]]) -> None:
    """What the store remembers of earlier reads never shows: a store that is read for the first time says the same."""
    live, written = MetricStore(ManualClock(TEN)), []
    for kind, where, what in steps:
        if kind == "write":
            written.append(datum(what, where, 1))
            live.record(written[-1:])
            continue
        new = MetricStore(ManualClock(TEN))
        new.record(written)
        for period in (10, 60, 120):
            start, end = where * 60, where * 60 + int(what)
            assert values(live, "p60", start, end, period) == values(new, "p60", start, end, period)


def test_remembered_percentiles_go_when_the_data_does(store: MetricStore, clock: ManualClock) -> None:
    store.record([datum(7, second, resolution=1) for second in range(0, 60, 5)])
    assert values(store, "p99", 0, 60, 10) == [7] * 6
    clock.advance(3 * 3600 + 60)
    store.roll()
    assert values(store, "p99", 0, 60, 10) == [None] * 6
    assert values(store, "p99", 0, 60, 60) == [7]


def test_many_different_questions_do_not_grow_the_memory(store: MetricStore) -> None:
    store.record([datum(1, 0)])
    for tenth in range(300):
        store.series(stat(f"p{tenth / 10}"), TEN - 86_400, TEN + 600)
    (metric,) = store._metrics.values()
    assert len(metric.memo.kept) <= QUESTIONS_KEPT


def test_metrics_differ_by_namespace_name_and_exact_dimensions(store: MetricStore) -> None:
    store.record(
        [
            datum(1, 0),
            datum(2, 0, namespace="Other"),
            datum(4, 0, name="Requests"),
            datum(8, 0, dimensions=(("Service", "shop"),)),
            datum(16, 0, dimensions=(("Operation", "GET /"), ("Service", "shop"))),
        ]
    )
    assert values(store, "Sum", 0, 60) == [1]
    wide = MetricRef("Shop", "Latency", (("Service", "shop"),))
    assert store.series(stat("Sum", ref=wide), TEN, TEN + 60).values == (8,)
    assert len(store.refs(0)) == 5


def test_units_are_kept_apart_and_read_together_when_none_is_named(store: MetricStore) -> None:
    store.record([datum(1, 0, unit="Seconds"), datum(2, 0, unit="Milliseconds"), datum(4, 0)])
    sums = {unit: store.series(stat("Sum", unit=unit), TEN, TEN + 60).values[0] for unit in (None, "Seconds", "None")}
    assert sums == {None: 7, "Seconds": 1, "None": 4}
    assert store.series(stat("Sum", unit="Bytes"), TEN, TEN + 60).values == (None,)
    assert store.units(REF) == ("Seconds", "Milliseconds", "None")


def test_a_statistic_set_hides_percentiles_unless_it_is_one_value(store: MetricStore) -> None:
    hidden = Datum("Shop", "Latency", (), TEN, None, 60, (), (), (3.0, 6.0, 1.0, 3.0))
    single = Datum("Shop", "Latency", (), TEN + 60, None, 60, (), (), (3.0, 6.0, 2.0, 2.0))
    store.record([hidden, single, datum(5, 61)])
    for _ in range(2):  # once open, once packed
        assert values(store, "p99", 0, 120) == [None, 5]
        assert values(store, "Sum", 0, 120) == [6, 11]
        assert values(store, "Maximum", 0, 120) == [3, 5]
        store.record([datum(0, 60 * minute) for minute in range(10, 20)])


def test_seconds_live_three_hours_and_minutes_longer(store: MetricStore, clock: ManualClock) -> None:
    store.record([datum(1, second, resolution=1) for second in range(0, 600, 5)])
    clock.advance(3 * 3600 + 300)
    assert values(store, "Sum", 0, 600, 10) == [None] * 30 + [2.0] * 30
    store.roll()
    assert values(store, "Sum", 0, 600, 10) == [None] * 30 + [2.0] * 30
    assert values(store, "Sum", 0, 600, 60) == [12.0] * 10


def test_late_high_resolution_data_is_kept_by_the_minute_only(store: MetricStore, clock: ManualClock) -> None:
    clock.advance(4 * 3600)
    store.record([datum(1, 30, resolution=1)])
    assert values(store, "Sum", 0, 60, 60) == [1]
    assert values(store, "Sum", 0, 60, 10) == [None] * 6


def test_old_data_is_rolled_up_to_five_minutes_then_hours_then_forgotten(
    store: MetricStore, clock: ManualClock
) -> None:
    store.record([datum(minute % 7, 60 * minute) for minute in range(120)])
    total, p90 = sum(minute % 7 for minute in range(120)), values(store, "p90", 0, 7200, 7200)
    for days, fits in ((14, (60, 300, 3600)), (16, (300, 3600)), (64, (3600,)), (456, ())):
        clock.advance(TEN + days * DAY - clock.now())
        store.roll()
        for period in (60, 300, 3600):
            found = [value for value in values(store, "Sum", 0, 7200, period) if value is not None]
            assert found == [] if period not in fits else sum(found) == total
        assert values(store, "p90", 0, 7200, 7200) == (p90 if fits else [None])
    assert store.refs(0) == []


def test_a_slot_bounds_its_distinct_values_and_keeps_percentiles_close(store: MetricStore) -> None:
    chance = random.Random(7)
    store.record([datum(chance.lognormvariate(4, 1), 0) for _ in range(3 * DISTINCT_VALUES_KEPT)])
    exact = values(store, "p99", 0, 60)[0]
    store.record([datum(1, 60 * minute) for minute in range(1, 10)])  # the slot is packed
    (bucket,) = store.distributions(stat("p99"), TEN, TEN + 60)
    assert bucket is not None
    assert bucket.values is not None
    assert len(bucket.values) < DISTINCT_VALUES_KEPT
    assert bucket.count == 3 * DISTINCT_VALUES_KEPT
    assert values(store, "p99", 0, 60) == [pytest.approx(exact, rel=0.005)]


def test_what_distributions_gives_out_is_the_readers_own(store: MetricStore) -> None:
    store.record([datum(1, 0)])
    (bucket,) = store.distributions(stat("p50"), TEN, TEN + 60)
    assert bucket is not None
    bucket.add(100)
    assert values(store, "Maximum", 0, 60) == [1]


def test_data_in_any_order_and_many_points_stay_quick(store: MetricStore, clock: ManualClock) -> None:
    stamps = list(range(0, 3 * 3600, 2))
    random.Random(3).shuffle(stamps)
    clock.advance(3 * 3600)
    before = time.process_time()
    store.record([datum(1, stamp, resolution=1) for stamp in stamps])
    assert values(store, "Sum", 0, 3 * 3600, 10)[:3] == [5, 5, 5]
    assert values(store, "p50", 0, 3 * 3600, 3600) == [1, 1, 1]
    assert time.process_time() - before < 3


def test_a_recent_reader_is_told_of_recent_metrics_only(store: MetricStore, clock: ManualClock) -> None:
    store.record([datum(1, -4 * 3600), datum(1, -60, name="Requests")])
    assert [ref.name for ref in store.refs(clock.now() - 3 * 3600)] == ["Requests"]
    assert [ref.name for ref in store.refs(clock.now() - 5 * 3600)] == ["Latency", "Requests"]
