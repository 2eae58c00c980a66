"""Where one series' numbers lie: sorted slots of one width, and the widths that old data is rolled up into.

Source of the lifetimes: CloudWatch API Reference, GetMetricStatistics ("Amazon CloudWatch retains metric data as
follows").
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from kit.evaluation.distribution import Distribution

HOUR = 3600
DAY = 86_400
SECOND_SLOTS_LIVE = 3 * HOUR
MINUTE_SLOTS_LIVE = 15 * DAY
FIVE_MINUTE_SLOTS_LIVE = 63 * DAY
HOUR_SLOTS_LIVE = 455 * DAY

# A rolled-up slot keeps at most this many different values for its percentiles; beyond, values are rounded to three
# significant digits (0.5 % at worst). AWS does not say what it keeps; without a bound a year of raw latencies would not
# fit into memory.
DISTINCT_VALUES_KEPT = 1000


class Slots:
    """Distributions of one slot width in seconds, sorted by slot start (epoch seconds)."""

    __slots__ = ("cells", "starts", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.starts: list[int] = []
        self.cells: list[Distribution] = []

    def at(self, moment: float) -> Distribution:
        """The distribution of the slot that holds this moment, made if it is new."""
        start = int(moment // self.width) * self.width
        starts = self.starts
        if not starts or start > starts[-1]:
            cell = Distribution()
            starts.append(start)
            self.cells.append(cell)
            return cell
        if start == starts[-1]:
            return self.cells[-1]
        where = bisect_left(starts, start)
        if starts[where] == start:
            return self.cells[where]
        cell = Distribution()
        starts.insert(where, start)
        self.cells.insert(where, cell)
        return cell

    def between(self, start: int, end: int) -> Iterator[tuple[int, Distribution]]:
        """Slots that begin in [start, end), oldest first."""
        first = bisect_left(self.starts, start)
        last = bisect_left(self.starts, end, first)
        return zip(self.starts[first:last], self.cells[first:last], strict=True)

    def take_before(self, horizon: float) -> list[tuple[int, Distribution]]:
        """Removes and returns the slots that begin before the horizon."""
        if not self.starts or self.starts[0] >= horizon:
            return []
        last = bisect_left(self.starts, horizon)
        taken = list(zip(self.starts[:last], self.cells[:last], strict=True))
        del self.starts[:last], self.cells[:last]
        return taken


class Channel:
    """What was sent for one metric with one unit and one storage resolution (1 or 60 s).

    High-resolution data is written twice, by second and by minute: minute reads then never touch the seconds, and the
    seconds can simply be dropped after three hours.
    """

    __slots__ = ("fives", "hours", "minutes", "seconds")

    def __init__(self, resolution: int) -> None:
        self.seconds = Slots(1) if resolution == 1 else None
        self.minutes = Slots(60)
        self.fives = Slots(300)
        self.hours = Slots(HOUR)

    def cells(self, moment: float, now: float) -> tuple[Distribution, ...]:
        """The slots that a value of this moment belongs to."""
        minute = self.minutes.at(moment)
        if self.seconds is None or moment < now - SECOND_SLOTS_LIVE:
            return (minute,)
        return (self.seconds.at(moment), minute)

    def between(self, start: int, end: int, period: int, now: float) -> Iterator[tuple[int, Distribution]]:
        """(start, distribution) of the slots that make up periods of this length; nothing where data is kept coarser."""
        if period % 60 or start % 60:
            fine = self.minutes if self.seconds is None else self.seconds
            yield from fine.between(max(start, int(now - SECOND_SLOTS_LIVE)), end)
            return
        if period % HOUR == 0 and self.hours.starts:
            yield from self.hours.between(start, end)
        if period % 300 == 0 and self.fives.starts:
            yield from self.fives.between(start, end)
        yield from self.minutes.between(start, end)

    def roll(self, now: float) -> None:
        """Drops seconds after 3 h, rolls minutes up after 15 d and five minutes after 63 d, drops hours after 455 d."""
        if self.seconds is not None:
            self.seconds.take_before(now - SECOND_SLOTS_LIVE)
        _merge_into(self.fives, self.minutes.take_before(now - MINUTE_SLOTS_LIVE))
        _merge_into(self.hours, self.fives.take_before(now - FIVE_MINUTE_SLOTS_LIVE))
        self.hours.take_before(now - HOUR_SLOTS_LIVE)

    @property
    def empty(self) -> bool:
        return not (self.minutes.starts or self.fives.starts or self.hours.starts)


def _merge_into(coarse: Slots, fine: list[tuple[int, Distribution]]) -> None:
    touched: dict[int, Distribution] = {}
    for start, distribution in fine:
        cell = coarse.at(start)
        cell.merge(distribution)
        touched[id(cell)] = cell
    for cell in touched.values():
        _thin(cell)


def _thin(cell: Distribution) -> None:
    if cell.values is None or len(cell.values) <= DISTINCT_VALUES_KEPT:
        return
    rounded: dict[float, float] = {}
    for value, count in cell.values.items():
        coarse = float(f"{value:.3g}")
        rounded[coarse] = rounded.get(coarse, 0.0) + count
    cell.values = rounded
