"""Percentiles are read from packed columns: they must be what the same samples give as a Distribution."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.slots import OPEN_SLOTS, Slots
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.statistics import parse_statistic, percentile_of_counted, percentile_of_rising

from .conftest import TEN

values = st.one_of(st.integers(0, 9).map(float), st.floats(0, 1e6), st.integers(-2, 0).map(float))
counts = st.one_of(st.just(1.0), st.integers(0, 4).map(float), st.floats(0, 3))
numbers = st.lists(st.tuples(values, counts), min_size=1, max_size=8)
sets = st.tuples(st.integers(0, 3).map(float), values, values, values)
percents = st.sampled_from(["p0", "p10", "p50", "p95", "p99", "p99.9", "p100"])


@st.composite
def data(draw: st.DrawFn) -> Datum:
    age, unit = draw(st.integers(0, 3 * 3600)), draw(st.sampled_from([None, "Seconds"]))
    resolution: Any = draw(st.sampled_from([1, 60]))
    if draw(st.integers(0, 19)) == 0:
        count, total, low, high = draw(sets)
        hidden = (count, total, min(low, high), max(low, high))
        return Datum("Shop", "Latency", (), TEN - age, unit, resolution, (), (), hidden)
    pairs = draw(numbers)
    return Datum("Shop", "Latency", (), TEN - age, unit, resolution, *map(tuple, zip(*pairs, strict=True)))


@settings(max_examples=150)
@given(
    st.lists(data(), max_size=60),
    percents,
    st.sampled_from([1, 10, 60, 300, 3600]),
    st.sampled_from([None, "Seconds"]),
    st.integers(0, 3),
)
def test_percentiles_from_columns_are_those_of_the_distributions(
    stored: list[Datum], statistic: str, period: int, unit: str | None, shift: int
) -> None:
    store = MetricStore(ManualClock(TEN + 60))
    store.record(stored)
    stat = MetricStat(MetricRef("Shop", "Latency"), period, parse_statistic(statistic), unit)
    start = TEN - 3 * 3600 + shift * 60
    found = store.series(stat, start, TEN + 60).values
    slow = [None if d is None else stat.statistic.of(d) for d in store.distributions(stat, start, TEN + 60)]
    assert list(found) == slow


@given(st.lists(st.tuples(values, counts), max_size=20))
def test_a_packed_slot_is_unpacked_as_it_was(samples: list[tuple[float, float]]) -> None:
    distribution, slots = Distribution(), Slots(60)
    slots.at(0)
    for value, count in samples:
        distribution.add(value, count)
        slots.at(0).add(value, count)
    for later in range(1, OPEN_SLOTS + 1):
        slots.at(later * 60)
    assert dict(slots.between(0, 60)) == {0: distribution}
    again = Slots(60)
    dumped = slots.dump(0, 60)
    assert dumped is not None
    again.load(dumped)
    assert dict(again.between(0, 60)) == {0: distribution}


@given(st.lists(values, min_size=1, max_size=200), st.floats(0, 100))
def test_a_percentile_of_samples_is_that_of_their_counts(samples: list[float], percent: float) -> None:
    by_count = {value: float(samples.count(value)) for value in samples}
    assert percentile_of_rising(sorted(samples), percent) == percentile_of_counted(by_count, percent)
