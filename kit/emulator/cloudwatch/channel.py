"""How long which precision of a series is kept.

Source: CloudWatch API Reference, GetMetricStatistics ("Amazon CloudWatch retains metric data as follows").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.emulator.cloudwatch.slots import Packed, Rising, Slots
from kit.evaluation.distribution import Distribution

HOUR = 3600
DAY = 86_400
SECOND_SLOTS_LIVE = 3 * HOUR
MINUTE_SLOTS_LIVE = 15 * DAY
FIVE_MINUTE_SLOTS_LIVE = 63 * DAY
HOUR_SLOTS_LIVE = 455 * DAY


# Slots are kept outside in parts of so many seconds, by their width.
PART_S = {1: 900, 60: HOUR, 300: DAY, HOUR: 30 * DAY}

# The width of some slots, and when the part begins that they lie in.
Part = tuple[int, int]


def part_of(width: int, moment: float) -> Part:
    """The part that the slot of this moment lies in."""
    return width, int(moment // PART_S[width]) * PART_S[width]


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

    __slots__ = ("_coarse", "_fives", "_hours", "_minutes", "_seconds", "_written")

    def __init__(self, resolution: int) -> None:
        self._seconds = Slots(1) if resolution == 1 else None
        self._minutes = Slots(60)
        self._fives = Slots(300)
        self._hours = Slots(HOUR)
        self._coarse = (self._minutes,)
        self._written = self._coarse if self._seconds is None else (self._seconds, self._minutes)

    def __len__(self) -> int:
        """How many slots there are; none once all data is too old."""
        return sum(len(slots) for slots in (self._minutes, self._fives, self._hours))

    def add(self, moment: float, now: float, value: float, count: float) -> None:
        """Adds a value of this moment that was seen so many times."""
        for slots in self._open(moment, now):
            slots.at(moment).add(value, count)

    def add_all(self, moment: float, now: float, values: Sequence[float], counts: Sequence[float]) -> None:
        """Adds values of this moment, each seen so many times."""
        for slots in self._open(moment, now):
            cell = slots.at(moment)
            for value, count in zip(values, counts, strict=True):
                cell.add(value, count)

    def add_set(self, moment: float, now: float, given: tuple[float, float, float, float]) -> None:
        """Adds a statistic set (sample count, sum, minimum, maximum) of this moment."""
        for slots in self._open(moment, now):
            slots.at(moment).add_set(*given)

    def _open(self, moment: float, now: float) -> tuple[Slots, ...]:
        return self._written if moment >= now - SECOND_SLOTS_LIVE else self._coarse

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

    def rising(self, start: int, end: int, period: int, now: float) -> Iterator[Rising]:
        """The values of the same slots, in rising order."""
        for slots, first in self._sources(start, period, now):
            yield from slots.rising(first, end)

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

    def roll(self, now: float) -> set[Part]:
        """Drops seconds after 3 h, rolls minutes up after 15 d and five minutes after 63 d, drops hours after 455 d.

        Returns which parts have changed.
        """
        changed = self._rolled(now)
        if self._seconds is not None:
            self._seconds.drop_before(now - SECOND_SLOTS_LIVE)
        self._minutes.move_before(now - MINUTE_SLOTS_LIVE, self._fives)
        self._fives.move_before(now - FIVE_MINUTE_SLOTS_LIVE, self._hours)
        self._hours.drop_before(now - HOUR_SLOTS_LIVE)
        return changed

    def _rolled(self, now: float) -> set[Part]:
        changed = {part_of(HOUR, start) for start in self._hours.starts_before(now - HOUR_SLOTS_LIVE)}
        for slots, lives, coarse in (
            (self._minutes, MINUTE_SLOTS_LIVE, 300),
            (self._fives, FIVE_MINUTE_SLOTS_LIVE, HOUR),
        ):
            for start in slots.starts_before(now - lives):
                changed |= {part_of(slots.width, start), part_of(coarse, start)}
        if self._seconds is not None:
            changed |= {part_of(1, start) for start in self._seconds.starts_before(now - SECOND_SLOTS_LIVE)}
        return changed

    def parts(self) -> set[Part]:
        """The parts that hold something."""
        every = filter(None, (self._seconds, self._minutes, self._fives, self._hours))
        return {part_of(slots.width, start) for slots in every for start in slots.starts_before(float("inf"))}

    def dump(self, part: Part) -> Packed | None:
        """What a part holds; None if that is nothing."""
        width, start = part
        slots = self._of(width)
        return None if slots is None else slots.dump(start, start + PART_S[width])

    def load(self, width: int, dumped: Packed) -> None:
        """Takes what a part of this width held; ValueError if it can't have been that."""
        slots = self._of(width)
        if slots is None:
            raise ValueError(f"no slots of {width} s here")
        slots.load(dumped)

    def _of(self, width: int) -> Slots | None:
        return {1: self._seconds, 60: self._minutes, 300: self._fives, HOUR: self._hours}.get(width)
