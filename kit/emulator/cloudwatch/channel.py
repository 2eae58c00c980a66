"""How long which precision of a series is kept.

Source: CloudWatch API Reference, GetMetricStatistics ("Amazon CloudWatch retains metric data as follows").
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.emulator.cloudwatch.slots import Slots
from kit.evaluation.distribution import Distribution

HOUR = 3600
DAY = 86_400
SECOND_SLOTS_LIVE = 3 * HOUR
MINUTE_SLOTS_LIVE = 15 * DAY
FIVE_MINUTE_SLOTS_LIVE = 63 * DAY
HOUR_SLOTS_LIVE = 455 * DAY


def lifetime(period: int) -> int:
    """How many seconds back periods of this length can be read."""
    if period % 60:
        return SECOND_SLOTS_LIVE
    if period % 300:
        return MINUTE_SLOTS_LIVE
    return HOUR_SLOTS_LIVE if period % HOUR == 0 else FIVE_MINUTE_SLOTS_LIVE


class Channel:
    """What was sent for one metric with one unit and one storage resolution (1 or 60 s).

    High-resolution data is written twice, by second and by minute: minute reads then never touch the seconds, and the
    seconds can simply be dropped after three hours.
    """

    __slots__ = ("_fives", "_hours", "_minutes", "_seconds")

    def __init__(self, resolution: int) -> None:
        self._seconds = Slots(1) if resolution == 1 else None
        self._minutes = Slots(60)
        self._fives = Slots(300)
        self._hours = Slots(HOUR)

    def __len__(self) -> int:
        """How many slots there are; none once all data is too old."""
        return sum(len(slots) for slots in (self._minutes, self._fives, self._hours))

    def open(self, moment: float, now: float) -> tuple[Distribution, ...]:
        """The distributions that a value of this moment belongs to. Write to them before the next call."""
        minute = self._minutes.at(moment)
        if self._seconds is None or moment < now - SECOND_SLOTS_LIVE:
            return (minute,)
        return (self._seconds.at(moment), minute)

    def between(self, start: int, end: int, period: int, now: float) -> Iterator[tuple[int, Distribution]]:
        """Start and distribution of the slots that make up periods of this length.

        Nothing where the data is kept coarser than that by now.
        """
        for slots, first in self._sources(start, period, now):
            yield from slots.between(first, end)

    def sums(self, start: int, end: int, period: int, now: float) -> Iterator[tuple[int, float, float, float, float]]:
        """Start, count, total, minimum and maximum of the same slots."""
        for slots, first in self._sources(start, period, now):
            yield from slots.sums(first, end)

    def _sources(self, start: int, period: int, now: float) -> Iterator[tuple[Slots, int]]:
        if period % 60 or start % 60:
            fine = self._minutes if self._seconds is None else self._seconds
            yield fine, max(start, int(now - SECOND_SLOTS_LIVE))
            return
        yield self._minutes, start
        if period % 300 == 0:
            yield self._fives, start
        if period % HOUR == 0:
            yield self._hours, start

    def roll(self, now: float) -> None:
        """Drops seconds after 3 h, rolls minutes up after 15 d and five minutes after 63 d, drops hours after 455 d."""
        if self._seconds is not None:
            self._seconds.drop_before(now - SECOND_SLOTS_LIVE)
        self._minutes.move_before(now - MINUTE_SLOTS_LIVE, self._fives)
        self._fives.move_before(now - FIVE_MINUTE_SLOTS_LIVE, self._hours)
        self._hours.drop_before(now - HOUR_SLOTS_LIVE)
