"""One series' numbers in slots of one width: a few open ones to write to, the rest packed into columns.

Most slots hold one value (a counter flushed every 5 s): packed, such a slot takes 48 bytes instead of 500, and sums are
added up without making an object of it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from kit.evaluation.distribution import Distribution

# So many slots take new values at once: the flushes of several processes, and a client that is a little late.
OPEN_SLOTS = 4

# A slot keeps at most this many different values for its percentiles; beyond, values are rounded to three significant
# digits (0.5 % at worst). AWS does not say what it keeps; without a bound, raw latencies would fill the memory.
DISTINCT_VALUES_KEPT = 5000

# Instead of values: a statistic set hid them.
_HIDDEN = array("d")


class Slots:
    """Distributions by slot start (epoch seconds, a multiple of ``width`` seconds)."""

    __slots__ = ("_counts", "_maxima", "_minima", "_open", "_starts", "_totals", "_values", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self._open: dict[int, Distribution] = {}
        # The packed slots, sorted by start. _values has None for a slot of one single value, which its minimum tells;
        # else the values in rising order followed by how often each occurred.
        self._starts = array("q")
        self._counts = array("d")
        self._totals = array("d")
        self._minima = array("d")
        self._maxima = array("d")
        self._values: list[array[float] | None] = []

    def __len__(self) -> int:
        return len(self._starts) + len(self._open)

    def at(self, moment: float) -> Distribution:
        """The slot that holds this moment, made if it is new. Write to it before the next call."""
        start = int(moment // self.width) * self.width
        found = self._open.get(start)
        if found is not None:
            return found
        if len(self._open) >= OPEN_SLOTS:
            oldest = min(self._open)
            self._pack(oldest, self._open.pop(oldest))
        where = bisect_left(self._starts, start)
        packed = where < len(self._starts) and self._starts[where] == start
        opened = self._unpack(where) if packed else Distribution()
        if packed:
            self._delete(where, where + 1)
        self._open[start] = opened
        return opened

    def between(self, start: int, end: int) -> Iterator[tuple[int, Distribution]]:
        """Start and distribution of the slots that begin in [start, end), in no certain order; only to be read."""
        for where in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            yield self._starts[where], self._unpack(where)
        for at, opened in self._open.items():
            if start <= at < end:
                yield at, opened

    def sums(self, start: int, end: int) -> Iterator[tuple[int, float, float, float, float]]:
        """Start, count, total, minimum and maximum of those slots: much cheaper than between."""
        part = slice(bisect_left(self._starts, start), bisect_left(self._starts, end))
        columns = (self._starts, self._counts, self._totals, self._minima, self._maxima)
        yield from zip(*(column[part] for column in columns), strict=True)
        for at, opened in self._open.items():
            if start <= at < end:
                yield at, opened.count, opened.total, opened.minimum, opened.maximum

    def drop_before(self, horizon: float) -> None:
        """Forgets the slots that begin before the horizon."""
        for start in [start for start in self._open if start < horizon]:
            del self._open[start]
        last = bisect_left(self._starts, horizon)
        if last:
            self._delete(0, last)

    def move_before(self, horizon: float, coarse: Slots) -> None:
        """Moves the slots that begin before the horizon into wider ones."""
        for start, distribution in list(self.between(0, int(horizon))):
            coarse.at(start).merge(distribution)
        self.drop_before(int(horizon))

    def _pack(self, start: int, distribution: Distribution) -> None:
        where = len(self._starts)
        if where and self._starts[-1] > start:
            where = bisect_left(self._starts, start)
        self._starts.insert(where, start)
        self._counts.insert(where, distribution.count)
        self._totals.insert(where, distribution.total)
        self._minima.insert(where, distribution.minimum)
        self._maxima.insert(where, distribution.maximum)
        self._values.insert(where, _packed_values(distribution))

    def _unpack(self, where: int) -> Distribution:
        found = Distribution()
        found.count, found.total = self._counts[where], self._totals[where]
        found.minimum, found.maximum = self._minima[where], self._maxima[where]
        packed = self._values[where]
        if packed is None:
            found.values = {found.minimum: found.count} if found.count else {}
        elif not packed:
            found.values = None
        else:
            half = len(packed) // 2
            found.values = dict(zip(packed[:half], packed[half:], strict=True))
        return found

    def _delete(self, first: int, last: int) -> None:
        for column in (self._starts, self._counts, self._totals, self._minima, self._maxima, self._values):
            del column[first:last]


def _packed_values(distribution: Distribution) -> array[float] | None:
    values = distribution.values
    if values is None:
        return _HIDDEN
    if len(values) <= 1:
        return None
    if len(values) > DISTINCT_VALUES_KEPT:
        values = _rounded(values)
    rising = sorted(values)
    return array("d", [*rising, *(values[value] for value in rising)])


def _rounded(values: dict[float, float]) -> dict[float, float]:
    coarse: dict[float, float] = {}
    for value, count in values.items():
        key = float(f"{value:.3g}")
        coarse[key] = coarse.get(key, 0.0) + count
    return coarse
