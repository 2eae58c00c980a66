"""Statistics along a sliding window equal those of every window by itself."""

from __future__ import annotations

from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.evaluation.distribution import Distribution
from kit.evaluation.request import MetricRef, MetricStat
from kit.evaluation.sliding import History, Intervals, SlidingSource
from kit.evaluation.statistics import parse_statistic

SUM, AVERAGE, COUNT = (parse_statistic(text) for text in ("Sum", "Average", "SampleCount"))
REF = MetricRef("Test", "m")


@st.composite
def distributions(draw: st.DrawFn) -> Distribution | None:
    """Values with whole counts, mostly; at times with other ones, below zero, or behind a statistic set."""
    kind = draw(
        st.sampled_from(["missing", "missing", "whole", "whole", "whole", "part", "negative", "hidden", "empty"])
    )
    if kind == "missing":
        return None
    made = Distribution()
    for value in draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5]), min_size=1, max_size=3)) * (kind != "empty"):
        made.add(value, 0.1 if kind == "part" else 2.0)
    if kind == "negative":
        made.add(-1.0)
    if kind == "hidden":
        made.add_set(3.0, 6.0, 1.0, 4.0)
    return made


def literally(slots: list[Distribution | None], start: int, step: int, begin: int, end: int) -> Distribution:
    merged = Distribution()
    for index, slot in enumerate(slots):
        if slot is not None and begin <= start + index * step < end:
            merged.merge(slot)
    return merged


@settings(max_examples=500, deadline=None)
@given(
    st.lists(distributions(), max_size=25),
    st.sampled_from([1, 7, 10, 60]),
    st.sampled_from([1, 10, 60, 120]),
    st.sampled_from([1, 10, 30, 60, 300]),
    st.integers(-400, 400),
    st.sampled_from(
        ["Sum", "SampleCount", "Average", "Minimum", "Maximum", "p0", "p50", "p99", "TM(10%:90%)", "PR(1:2)"]
    ),
)
def test_every_window_has_its_own_statistic(
    slots: list[Distribution | None], step: int, move: int, period: int, first: int, text: str
) -> None:
    ends = range(first, first + 40 * move, move)
    statistic = parse_statistic(text)
    windows = [literally(slots, 0, step, end - period, end) for end in ends]
    found = Intervals.of_distributions(0, step, slots).statistic(statistic, ends, period)
    expected = [statistic.of(window) for window in windows]
    exact = all(slot is None or float(slot.count).is_integer() for slot in slots)
    assert found == expected or not exact
    assert found == [value if value is None else pytest.approx(value, rel=1e-12) for value in expected]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), max_size=40),
    st.integers(1, 20),
)
def test_sums_are_exact_and_rounded_once(values: list[float | None], length: int) -> None:
    ends = range(-100, 3000, 60)
    found = Intervals.of_values(0, 60, values).statistic(SUM, ends, 60 * length)
    for end, total in zip(ends, found, strict=True):
        inside = [
            value for index, value in enumerate(values) if value is not None and end - 60 * length <= 60 * index < end
        ]
        assert total == (fsum(inside) if inside else None)


def test_a_sum_leaves_nothing_behind_when_a_large_value_has_gone() -> None:
    found = Intervals.of_values(0, 60, [1e17, 0.1, 0.2, 0.25]).statistic(SUM, range(60, 300, 60), 60)
    assert found == [1e17, 0.1, 0.2, 0.25]


def test_sums_and_sample_counts_alone_give_an_average_but_no_extreme() -> None:
    intervals = Intervals(0, 60, [2, 0, 4], [10, 0, 2])
    ends = range(60, 241, 60)
    assert intervals.statistic(SUM, ends, 120) == [10, 10, 2, 2]
    assert intervals.statistic(COUNT, ends, 120) == [2, 2, 4, 4]
    assert intervals.statistic(AVERAGE, ends, 120) == [5, 5, 0.5, 0.5]
    with pytest.raises(ValueError, match="only Sum, SampleCount and Average are known"):
        intervals.statistic(parse_statistic("Maximum"), ends, 120)


@pytest.mark.parametrize("text", ["Sum", "Maximum", "p90"])
def test_without_a_sample_there_is_no_point(text: str) -> None:
    for values in ([], [None, None]):
        assert Intervals.of_values(0, 60, values).statistic(parse_statistic(text), range(0, 300, 60), 60) == [None] * 5
    assert not Intervals.of_values(0, 60, [1.0]).statistic(parse_statistic(text), range(0, 0, 60), 60)


def test_a_history_is_a_source_of_series_and_distributions() -> None:
    history = History()
    history.add(REF, Intervals.of_values(60, 60, [1.0, None, 3.0]))
    stat = MetricStat(REF, 120, SUM)
    assert history.series(stat, 0, 250).values == (1.0, 3.0, None)
    merged = history.distributions(stat, 0, 250)
    assert [None if slot is None else slot.total for slot in merged] == [1.0, 3.0, None]
    assert history.series(MetricStat(REF, 60, SUM, "Count"), 0, 180).values == (None, None, None)
    assert history.series(MetricStat(MetricRef("Test", "other"), 60, SUM), 0, 60).values == (None,)


def test_a_unit_is_seen_by_those_who_ask_for_it() -> None:
    history = History()
    history.add(REF, Intervals.of_values(0, 60, [1.0]), "Count")
    assert history.series(MetricStat(REF, 60, SUM, "Count"), 0, 60).values == (1.0,)
    assert history.series(MetricStat(REF, 60, SUM), 0, 60).values == (None,)


def test_a_window_beside_the_prepared_ends_is_read_from_the_history() -> None:
    history = History()
    history.add(REF, Intervals.of_values(0, 60, [1.0, 2.0, 4.0]))
    source = SlidingSource(history, range(60, 181, 60))
    stat = MetricStat(REF, 60, SUM)
    assert source.series(stat, 0, 180) == history.series(stat, 0, 180)
    assert source.series(stat, 30, 150) == history.series(stat, 30, 150)
    assert source.series(stat, 120, 240).values == (4.0, None)
