"""Which span of time a page shows, and how coarse its points may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

CHOICES: dict[str, int] = {"5m": 300, "15m": 900, "1h": 3600, "3h": 10800}
"""The time range picker: name -> seconds up to now."""

DEFAULT_SPAN_S = 10_800
"""CloudWatch's own default, three hours."""

MAX_POINTS = 720
"""More points than this on one line cannot be told apart on a wide screen."""

LONGEST_SPAN_S = 455 * 86_400
"""CloudWatch keeps metrics 15 months."""

COARSER = (60, 300, 900, 3600, 21_600, 86_400)

_OFFSET = re.compile(
    r"-P(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?)?"
)
_SECONDS = {"months": 30 * 86_400, "weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Epoch seconds, start included, end excluded. ``live`` ranges end now and move."""

    start: float
    end: float
    live: bool

    @property
    def span_s(self) -> float:
        """Length in seconds."""
        return self.end - self.start


def choose_range(start: str | None, end: str | None, choice: str | None, now: float) -> TimeRange:
    """The range to show: the picker's choice, else the dashboard's own, else the last three hours.

    A ``start`` or ``end`` that cannot be read counts as absent.
    """
    if choice in CHOICES:
        return TimeRange(now - CHOICES[choice], now, live=True)
    offset = parse_offset(start or "")
    if offset:
        return TimeRange(now - offset, now, live=True)
    fixed_start = parse_time(start or "")
    if fixed_start is None:
        return TimeRange(now - DEFAULT_SPAN_S, now, live=True)
    fixed_end = parse_time(end or "")
    if fixed_end is None:
        return TimeRange(max(fixed_start, now - LONGEST_SPAN_S), max(now, fixed_start + 60), live=True)
    return TimeRange(fixed_start, max(fixed_end, fixed_start + 60), live=False)


def parse_offset(text: str) -> int | None:
    """``-PT3H`` or ``-P7D`` as seconds; None for anything else."""
    match = _OFFSET.fullmatch(text)
    if not match:
        return None
    seconds = sum(int(number) * _SECONDS[unit] for unit, number in match.groupdict().items() if number)
    return min(seconds, LONGEST_SPAN_S) or None


def parse_time(text: str) -> float | None:
    """An ISO 8601 time as epoch seconds (UTC when it names no offset); None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def adapt_period(period: int, span_s: float) -> int:
    """The period to ask for under ``periodOverride: auto``: the widget's own, coarsened to at most 720 points.

    It never refines: a rate per period keeps its meaning, and a metric stored by the minute has no finer points.
    CloudWatch's own thresholds are not documented; this rule is ours.
    """
    if span_s / period <= MAX_POINTS:
        return period
    for coarser in COARSER:
        if coarser > period and span_s / coarser <= MAX_POINTS:
            return coarser
    return COARSER[-1]
