"""Lengths of time at practice scale: as seconds, as words in a title, as a dashboard's range."""

from __future__ import annotations

import re

K = 30
"""Practice scale divides windows by this."""

SHORTEST_WINDOW_S = 10 * K
"""The shortest window that can be divided: CloudWatch has no alarm period below 10 s."""

SHORTEST_RANGE_S = 900
"""A dashboard shows a quarter of an hour at least: that is a practice run with what came before it."""

FINE_DATA_S = 3 * 3600
"""Data finer than a minute is kept so long (CloudWatch API Reference, GetMetricData)."""

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_WORDS = re.compile(r"(?<![\w.,-])(\d+)([ \u00a0])(s|min|h|d)(?!\w)")
_RANGE = re.compile(r"-P(?:T(\d+)([MH])|(\d+)([DWM]))")
_RANGE_UNITS = {"M": 60, "H": 3600, "D": 86_400, "W": 604_800, "months": 2_592_000}


def scaled(seconds: int) -> int:
    """``seconds`` divided by K, up to the next period that CloudWatch knows: 10, 20, 30 or a multiple of 60.

    Below five minutes it stays: that is the grain of a picture rather than a window, a thirtieth of it is no period,
    and a metric of standard resolution has nothing finer than a minute.
    """
    if seconds < SHORTEST_WINDOW_S:
        return seconds
    for period in (10, 20, 30):
        if seconds <= period * K:
            return period
    return -(-seconds // (60 * K)) * 60


def in_words(text: str) -> str:
    """``text`` with each length of time in it scaled: ``over 1 h`` becomes ``over 2 min``.

    A length is a whole number, a space and one of s, min, h, d; so ``300 ms`` and ``1-hour`` stay as they are.
    """

    def word(match: re.Match[str]) -> str:
        number, space, unit = match.groups()
        return _spelled(scaled(int(number) * _UNITS[unit]), space)

    return _WORDS.sub(word, text)


def rounded_range(start: str) -> str:
    """A dashboard's relative ``start`` (``-PT3H``) divided by K, but not below a quarter of an hour.

    One that is shorter, and anything else, such as a fixed time, stays as it is.
    """
    return _divided_range(start, SHORTEST_RANGE_S)


def window_range(start: str) -> str:
    """A relative ``start`` that is a window, not a view: divided by K, but not below a minute, its finest unit."""
    return _divided_range(start, 60)


def range_s(start: str) -> int:
    """The seconds of a dashboard's relative ``start``; 0 for anything else, such as a fixed time."""
    match = _RANGE.fullmatch(start)
    if match is None:
        return 0
    hours, hour_unit, days, day_unit = match.groups()
    unit = hour_unit or ("months" if day_unit == "M" else day_unit)
    return int(hours or days) * _RANGE_UNITS[unit]


def _divided_range(start: str, least_s: int) -> str:
    seconds = range_s(start)
    if not seconds:
        return start
    shrunk = max(-(-seconds // (60 * K)) * 60, min(seconds, least_s))
    if shrunk % 86_400 == 0:
        return f"-P{shrunk // 86_400}D"
    return f"-PT{shrunk // 3600}H" if shrunk % 3600 == 0 else f"-PT{shrunk // 60}M"


def _spelled(seconds: int, space: str) -> str:
    unit = next(name for name in ("d", "h", "min", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{space}{unit}"
