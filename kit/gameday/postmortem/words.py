"""Facts in words, and words that are safe in Markdown. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kit.gameday.postmortem.model import Missing

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#])")


_S, _MIN, _H, _D = (1, "s"), (60, "min"), (3600, "h"), (86_400, "d")
_UNITS = ((_D, _H), (_H, _MIN), (_MIN, _S))


class Ready(str):
    """Markdown already: it is not escaped again."""

    __slots__ = ()


def escaped(value: object) -> str:
    """Text as itself in Markdown, on one line: nothing in it is a heading, a cell, a tag or a link."""
    if isinstance(value, Ready):
        return str(value)
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def clock(at: float | Missing) -> str:
    """``10:05:00``: the time of day in UTC."""
    if isinstance(at, Missing):
        return str(at)
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day(at: float) -> str:
    """``2026-11-22 10:05:00``, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def length(seconds: float | Missing) -> str:
    """``92 s``, ``5 min 3 s``, ``2 h 5 min``, ``30 d``: two units at most."""
    if isinstance(seconds, Missing):
        return str(seconds)
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    big, small = next(pair for pair in _UNITS if whole >= 2 * pair[0][0] or pair is _UNITS[-1])
    rest = whole % big[0] // small[0]
    return f"{whole // big[0]} {big[1]}" + (f" {rest} {small[1]}" if rest else "")


def percent(share: float | Missing) -> str:
    """``12.5 %``; three digits that matter."""
    if isinstance(share, Missing):
        return str(share)
    value = 100 * share
    return f"{value:,.0f} %" if abs(value) >= 100 else f"{value:.3g} %"


def took(seconds: float | Missing, after: str) -> str:
    """``92 s after it began``, or why that isn't known."""
    return str(seconds) if isinstance(seconds, Missing) else f"{length(seconds)} {after}"


def count(value: float | Missing) -> str:
    """``1,234``."""
    return str(value) if isinstance(value, Missing) else f"{value:,.0f}"


def number(value: float) -> str:
    """A measured value in few digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
