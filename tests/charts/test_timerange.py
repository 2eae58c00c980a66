"""Time ranges and periods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.timerange import MAX_POINTS, TimeRange, adapt_period, choose_range, parse_offset

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-PT3H", 10_800), ("-PT30M", 1800), ("-P7D", 604_800), ("-P2W", 1_209_600), ("-P1DT2H", 93_600)],
)
def test_a_relative_start_is_read(text: str, seconds: int) -> None:
    assert parse_offset(text) == seconds


@pytest.mark.parametrize("text", ["", "PT3H", "-P", "-PT", "-PT0M", "-3H", "yesterday", "-PT99999999999H"])
def test_anything_else_is_no_relative_start(text: str) -> None:
    assert parse_offset(text) is None


@pytest.mark.parametrize(
    ("start", "end", "choice", "expected"),
    [
        ("-PT3H", None, "5m", TimeRange(NOW - 300, NOW, live=True)),
        ("-PT15M", None, None, TimeRange(NOW - 900, NOW, live=True)),
        (None, None, None, TimeRange(NOW - 10_800, NOW, live=True)),
        ("nonsense", "nonsense", "nonsense", TimeRange(NOW - 10_800, NOW, live=True)),
        ("1970-01-02T00:00:00Z", "1970-01-03T00:00:00Z", None, TimeRange(86_400, 172_800, live=False)),
        ("2027-01-15T07:00:00Z", None, None, TimeRange(1_799_996_400, NOW, live=True)),
    ],
)
def test_the_picker_comes_before_the_dashboard_before_three_hours(
    start: str | None, end: str | None, choice: str | None, expected: TimeRange
) -> None:
    assert choose_range(start, end, choice, NOW) == expected


@given(st.sampled_from([1, 5, 10, 30, 60, 300, 3600]), st.floats(60, 40_000_000))
def test_a_period_only_coarsens_and_only_when_it_must(period: int, span: float) -> None:
    adapted = adapt_period(period, span)
    assert adapted >= period or span / 86_400 > MAX_POINTS
    if span / period <= MAX_POINTS:
        assert adapted == period
