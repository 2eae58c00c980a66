"""Lengths of time at practice scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.definitions.alarm_rules import is_alarm_period
from kit.definitions.durations import K, in_words, rounded_range, scaled, window_range


@pytest.mark.parametrize(
    ("production", "practice"),
    [(300, 10), (600, 20), (900, 30), (1200, 60), (1800, 60), (3600, 120), (21_600, 720), (86_400, 2880)],
)
def test_windows_are_divided_by_thirty(production: int, practice: int) -> None:
    assert scaled(production) == practice


@pytest.mark.parametrize("grain", [10, 20, 30, 60, 120, 240])
def test_what_is_shorter_than_five_minutes_stays(grain: int) -> None:
    assert scaled(grain) == grain


@given(st.integers(min_value=5, max_value=10_080).map(lambda minutes: minutes * 60))
def test_a_divided_window_is_a_legal_period_and_never_too_short(seconds: int) -> None:
    assert is_alarm_period(scaled(seconds))
    assert seconds / K <= scaled(seconds) < seconds / K + 60


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("over 1 h and 5 min", "over 2 min and 10 s"),
        ("the 30 d budget", "the 1 d budget"),
        ("6 h, 3 d", "12 min, 144 min"),
        ("(1\u00a0h)", "(2\u00a0min)"),
        ("per 1 min", "per 1 min"),
        ("300 ms, 1-h, 1.5 h, 2 hours, 14.4 times, 99 %", "300 ms, 1-h, 1.5 h, 2 hours, 14.4 times, 99 %"),
    ],
)
def test_words_tell_the_divided_length(said: str, says: str) -> None:
    assert in_words(said) == says


@pytest.mark.parametrize(
    ("production", "practice"),
    [
        ("-PT3H", "-PT15M"),
        ("-PT30M", "-PT15M"),
        ("-PT5M", "-PT5M"),
        ("-P1D", "-PT48M"),
        ("-P7D", "-PT336M"),
        ("-P30D", "-P1D"),
        ("-P1W", "-PT336M"),
        ("-P1M", "-P1D"),
        ("-PT60H", "-PT2H"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_dashboards_range_shrinks_to_a_quarter_of_an_hour_at_least(production: str, practice: str) -> None:
    assert rounded_range(production) == practice


@pytest.mark.parametrize(
    ("production", "practice"),
    [
        ("-PT1H", "-PT2M"),
        ("-PT360M", "-PT12M"),
        ("-P1D", "-PT48M"),
        ("-P30D", "-P1D"),
        ("-PT5M", "-PT1M"),
        ("now", "now"),
    ],
)
def test_a_window_is_divided_even_where_a_view_would_be_too_short(production: str, practice: str) -> None:
    assert window_range(production) == practice
