from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.evaluation.distribution import Distribution
from kit.evaluation.statistics import Statistic, StatisticError, parse_statistic


def of(*values: float) -> Distribution:
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    return distribution


HUNDRED = of(*map(float, range(1, 101)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SampleCount", 100.0),
        ("Sum", 5050.0),
        ("Average", 50.5),
        ("Minimum", 1.0),
        ("Maximum", 100.0),
        ("p0", 1.0),
        ("p0.0", 1.0),
        ("p7", 7.0),
        ("p50", 50.0),
        ("p99", 99.0),
        ("p99.9", 100.0),
        ("p100", 100.0),
        ("tm90", 45.5),
        ("TM(:90%)", 45.5),
        ("TM(10%:90%)", 50.5),
        ("IQM", 50.5),
        ("TM(10:20)", 15.5),
        ("TC(:50)", 50.0),
        ("TC(80%:)", 20.0),
        ("tc90", 90.0),
        ("TS(80%:)", sum(range(81, 101))),
        ("TS(:10)", 55.0),
        ("PR(:30)", 30.0),
        ("PR(30:)", 70.0),
        ("PR(10:20)", 10.0),
        ("WM(:90%)", (sum(range(1, 91)) + 10 * 90) / 100),
        ("wm90", (sum(range(1, 91)) + 10 * 90) / 100),
        ("WM(10%:90%)", (10 * 10 + sum(range(11, 91)) + 10 * 90) / 100),
        ("WM(20:80)", (20 * 20 + sum(range(21, 81)) + 20 * 80) / 100),
    ],
)
def test_a_statistic_of_the_numbers_from_one_to_a_hundred(text: str, expected: float) -> None:
    """User Guide, "CloudWatch statistics definitions"."""
    assert parse_statistic(text).of(HUNDRED) == pytest.approx(expected)


def test_a_rank_that_floats_put_a_hair_too_high_is_not_the_next_rank() -> None:
    distribution = Distribution()
    distribution.add(1.0, 550)
    distribution.add(2.0, 49_450)
    assert 1.1 * 50_000 / 100 > 550
    assert parse_statistic("p1.1").of(distribution) == 1.0


def test_absolute_bounds_exclude_the_lower_and_include_the_upper_one() -> None:
    """User Guide: TC(:0.5) counts the values up to and with 0.5."""
    distribution = of(0.2, 0.5, 0.7)
    assert parse_statistic("TC(:0.5)").of(distribution) == 2
    assert parse_statistic("TC(0.5:)").of(distribution) == 1


def test_the_interquartile_mean_weighs_samples_that_a_quartile_cuts() -> None:
    assert parse_statistic("IQM").of(of(1, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9, 38)) == pytest.approx(6.5)
    assert parse_statistic("IQM").of(of(1, 2, 3, 4, 5)) == pytest.approx(3.0)
    assert parse_statistic("IQM").of(of(4.0)) == 4.0


def test_a_trimmed_mean_of_nothing_has_no_value_but_its_count_is_zero() -> None:
    distribution = of(1.0, 2.0)
    assert parse_statistic("TM(10:20)").of(distribution) is None
    assert parse_statistic("TC(10:20)").of(distribution) == 0
    assert parse_statistic("TS(10:20)").of(distribution) == 0
    assert parse_statistic("PR(10:20)").of(distribution) == 0


@pytest.mark.parametrize("text", ["p50", "IQM", "TM(:10)", "TC(:10)", "TS(:10)", "WM(:10)", "PR(:10)"])
def test_one_negative_value_takes_the_percentile_family_away(text: str) -> None:
    assert parse_statistic(text).of(of(1.0, -0.5, 3.0)) is None
    assert parse_statistic(text).needs_values


@pytest.mark.parametrize("text", ["SampleCount", "Sum", "Average", "p50", "PR(:3)"])
def test_no_samples_give_no_statistic(text: str) -> None:
    assert parse_statistic(text).of(Distribution()) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "sum", "SUM", "p", "p101", "p100.5", "P99", "p-1", "TM90", "tm(1:2)", "TM()", "TM(:)", "TM(10%:200)"),
        *("TM(90%:10%)", "TM(5:5)", "TM(:101%)", "PR(10%:20%)", "iqm", "p99 ", "pnan", "p1e1", "TM(-1%:5%)", "p٣"),
    ],
)
def test_what_is_no_statistic_is_refused(text: str) -> None:
    with pytest.raises(StatisticError):
        parse_statistic(text)


@given(st.text(alphabet="pPtTmMcCsSwWRIQ0123456789.:%()- SumAverge", max_size=14))
def test_no_text_crashes_the_statistic_parser(text: str) -> None:
    with suppress(StatisticError):
        assert isinstance(parse_statistic(text), Statistic)


weighted = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=15)


@given(weighted, st.integers(0, 1000).map(lambda tenths: tenths / 10))
def test_a_percentile_is_the_value_at_its_nearest_rank(pairs: list[tuple[int, int]], percent: float) -> None:
    distribution = Distribution()
    every: list[float] = []
    for value, count in pairs:
        distribution.add(float(value), float(count))
        every.extend([float(value)] * count)
    every.sort()
    rank = max(1, math.ceil(round(percent * len(every) / 100, 9)))
    assert parse_statistic(f"p{percent}").of(distribution) == every[rank - 1]


@given(weighted, st.integers(0, 49), st.integers(50, 100))
def test_trimmed_sum_is_trimmed_mean_times_trimmed_count(pairs: list[tuple[int, int]], low: int, high: int) -> None:
    """User Guide: trimmed sum equals trimmed mean multiplied by trimmed count."""
    distribution = Distribution()
    for value, count in pairs:
        distribution.add(float(value), float(count))
    mean, count_, total = (parse_statistic(f"{kind}({low}%:{high}%)").of(distribution) for kind in ("TM", "TC", "TS"))
    assert mean is not None
    assert count_ is not None
    assert total == pytest.approx(mean * count_)
    assert count_ == pytest.approx((high - low) / 100 * distribution.count)
