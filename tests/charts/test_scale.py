"""Where axes begin and end."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.scale import domain, nice_step


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([3, 97], (0, 100)),
        ([], (0, 1)),
        ([0, 0], (0, 1)),
        ([40, 40], (0, 60)),
        ([99.2, 99.9], (99.2, 100)),
        ([-4, 4], (-4, 4)),
        ([0.1, 0.34], (0, 0.4)),
    ],
)
def test_an_axis_ends_on_round_numbers(values: list[float], ends: tuple[float, float]) -> None:
    assert domain(values) == pytest.approx(ends)


def test_the_authors_ends_are_kept() -> None:
    assert domain([3, 500], 0, 100) == (0, 100)
    assert domain([3, 97], low=10)[0] == 10


def test_a_percentage_does_not_rise_past_100_by_rounding() -> None:
    assert domain([100, 100], ceiling=100) == (0, 100)
    assert domain([130], ceiling=100)[1] >= 130


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=1))
def test_an_axis_holds_every_value(values: list[float]) -> None:
    low, high = domain(values)
    span = high - low
    assert math.isfinite(span)
    assert span > 0
    assert low - span * 1e-6 <= min(values)
    assert max(values) <= high + span * 1e-6


@given(st.floats(1e-9, 1e12))
def test_a_step_is_at_most_two_and_a_half_times_what_is_needed(raw: float) -> None:
    assert raw * (1 - 1e-6) <= nice_step(raw) <= raw * 2.5
