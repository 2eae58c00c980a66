from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.evaluation.distribution import Distribution
from kit.evaluation.statistics import parse_statistic

whole = st.integers(-1000, 1000).map(float)
counts = st.integers(1, 50).map(float)
entries = st.lists(st.tuples(whole, counts), max_size=12)


def of(pairs: list[tuple[float, float]]) -> Distribution:
    distribution = Distribution()
    for value, count in pairs:
        distribution.add(value, count)
    return distribution


def test_values_with_counts_add_up() -> None:
    distribution = of([(2.0, 3.0), (5.0, 1.0), (2.0, 1.0)])
    assert (distribution.count, distribution.total) == (5.0, 13.0)
    assert (distribution.minimum, distribution.maximum) == (2.0, 5.0)
    assert distribution.values == {2.0: 4.0, 5.0: 1.0}


def test_a_count_of_zero_adds_nothing_and_a_negative_one_is_refused() -> None:
    distribution = of([(1.0, 0.0)])
    assert distribution == Distribution()
    with pytest.raises(ValueError, match="-1"):
        distribution.add(1.0, -1)
    with pytest.raises(ValueError, match="-2"):
        distribution.add_set(-2, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("statistic_set", "available"),
    [
        ((1.0, 7.0, 7.0, 7.0), True),  # SampleCount 1, Min = Max = Sum
        ((3.0, 0.3, 0.1, 0.1), True),  # Min = Max and Sum = Min × SampleCount, as far as floats can say
        ((3.0, 30.0, 5.0, 20.0), False),
        ((1.0, 8.0, 7.0, 7.0), False),
    ],
)
def test_a_statistic_set_keeps_percentiles_only_if_it_holds_one_single_value(
    statistic_set: tuple[float, float, float, float], available: bool
) -> None:
    """User Guide, "CloudWatch statistics definitions"."""
    distribution = of([(6.0, 1.0)])
    distribution.add_set(*statistic_set)
    assert (distribution.values is not None) is available
    assert (parse_statistic("p50").of(distribution) is not None) is available
    assert distribution.count == 1 + statistic_set[0]
    assert distribution.total == 6 + statistic_set[1]


def test_a_hidden_statistic_set_taints_what_it_is_merged_into() -> None:
    tainted = Distribution()
    tainted.add_set(2, 30, 10, 20)
    clean = of([(1.0, 1.0)])
    clean.merge(tainted)
    assert clean.values is None
    again = of([(1.0, 1.0)])
    tainted.merge(again)
    assert tainted.values is None
    assert parse_statistic("Average").of(clean) == pytest.approx(31 / 3)


def test_a_copy_goes_its_own_way() -> None:
    original = of([(1.0, 1.0)])
    twin = original.copy()
    twin.add(9.0)
    assert original.values == {1.0: 1.0}
    assert twin.count == 2
    assert original != "something else"


@given(entries, entries)
def test_merging_preserves_sum_and_sample_count(
    left: list[tuple[float, float]], right: list[tuple[float, float]]
) -> None:
    merged, other = of(left), of(right)
    before = other.copy()
    merged.merge(other)
    assert merged == of(left + right)
    assert other == before
    assert merged.count == sum(count for _, count in left + right)
    assert merged.total == sum(value * count for value, count in left + right)


@given(st.lists(st.lists(st.tuples(whole, counts), min_size=1, max_size=4), min_size=1, max_size=10), st.integers(1, 5))
def test_coarser_periods_preserve_sum_and_sample_count(slots: list[list[tuple[float, float]]], factor: int) -> None:
    coarse: list[Distribution] = []
    for index, slot in enumerate(slots):
        if index % factor == 0:
            coarse.append(Distribution())
        coarse[-1].merge(of(slot))
    for name in ("Sum", "SampleCount"):
        statistic = parse_statistic(name)
        assert sum(statistic.of(each) or 0.0 for each in coarse) == sum(statistic.of(of(slot)) or 0.0 for slot in slots)
