"""Whatever the period they are read in and however old they grow, no sample is lost or counted twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.statistics import parse_statistic

HOUR, DAY = 3600, 86_400
NOW = 1_795_341_600  # a whole hour
REF = MetricRef("Shop", "Fault")

# whole numbers, so that sums are exact in any order
_values = st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 9)), min_size=1, max_size=4)
_sets = st.tuples(st.integers(1, 50), st.integers(0, 5000)).map(lambda s: (float(s[0]), float(s[1]), 0.0, float(s[1])))


@st.composite
def _datum(draw: Any) -> Datum:
    age = draw(st.integers(1, 3 * HOUR) | st.integers(1, 14 * DAY))
    unit, resolution = draw(st.sampled_from([None, "Count"])), draw(st.sampled_from([1, 60]))
    if draw(st.booleans()):
        pairs = draw(_values)
        values, counts = (tuple(float(pair[side]) for pair in pairs) for side in (0, 1))
        return Datum("Shop", "Fault", (), NOW - age, unit, resolution, values, counts)
    return Datum("Shop", "Fault", (), NOW - age, unit, resolution, (), (), draw(_sets))


def _read(store: MetricStore, statistic: str, period: int, start: int, end: int) -> list[float | None]:
    stat = MetricStat(REF, period, parse_statistic(statistic))
    return list(store.series(stat, start, end).values)


def _total(store: MetricStore, statistic: str, period: int, now: float) -> float:
    """Over all that could be there, on marks that every precision has."""
    end = int(now) // HOUR * HOUR + HOUR
    return sum(value or 0.0 for value in _read(store, statistic, period, NOW - 15 * DAY, end))


@settings(max_examples=150)
@given(st.lists(_datum(), min_size=1, max_size=40), st.lists(st.integers(1, 100), max_size=4))
def test_sum_and_sample_count_are_the_same_in_every_period_and_at_every_age(data: list[Datum], ages: list[int]) -> None:
    clock = ManualClock(NOW)
    store = MetricStore(clock)
    for datum in data:
        store.record([datum])
    wanted = {
        "SampleCount": sum(d.statistic_set[0] if d.statistic_set else sum(d.counts) for d in data),
        "Sum": sum(
            d.statistic_set[1] if d.statistic_set else sum(v * c for v, c in zip(d.values, d.counts, strict=True))
            for d in data
        ),
    }
    for statistic, total in wanted.items():
        for period in (60, 120, 300, 900, HOUR, 6 * HOUR):
            assert _total(store, statistic, period, NOW) == total
    for days in ages:
        clock.advance(days * DAY)
        store.roll()
        store.roll()
        for statistic, total in wanted.items():
            assert _total(store, statistic, HOUR, NOW) == total


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 1799), st.integers(-5, 100)), min_size=1, max_size=60),
    st.sampled_from([1, 5, 10, 20, 30]),
    st.integers(0, 59),
)
def test_seconds_add_up_to_minutes_from_any_second_on(samples: list[tuple[int, int]], period: int, phase: int) -> None:
    store = MetricStore(ManualClock(NOW))
    start = NOW - 1800
    for at, value in samples:
        store.record([Datum("Shop", "Fault", (), start + at, None, 1, (float(value),), (1.0,))])
    fine = _read(store, "Sum", period, start, NOW)
    assert sum(value or 0.0 for value in fine) == sum(value for _, value in samples)
    # an alarm's window may begin at any second of a minute
    shifted = _read(store, "Sum", 60, start - 60 + phase, NOW + phase)
    assert sum(value or 0.0 for value in shifted) == sum(value for _, value in samples)
    assert sum(v or 0.0 for v in _read(store, "SampleCount", 60, start - 60 + phase, NOW + phase)) == len(samples)
