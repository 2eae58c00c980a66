"""One series' numbers in slots of one width: a few open ones to write to, the rest packed into columns.

Most slots hold one value (a counter flushed every 5 s): packed, such a slot takes 48 bytes instead of 500, and sums are
added up without making an object of it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise, repeat
from operator import itemgetter
from typing import Any, Literal

import msgspec

from kit.evaluation.distribution import Distribution

# So many slots take new values at once: the flushes of several processes, and a client that is a little late.
OPEN_SLOTS = 4

# A slot keeps at most this many different values for its percentiles; beyond, values are rounded to three significant
# digits (0.5 % at worst). AWS does not say what it keeps; without a bound, raw latencies would fill the memory.
DISTINCT_VALUES_KEPT = 5000

# Instead of values: a statistic set hid them.
_HIDDEN = array("d")

# A slot's start, its values in rising order (None: hidden), and how often each occurred (None: once an entry).
Rising = tuple[int, Sequence[float] | None, Sequence[float] | None]


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """Slots at rest, sorted by start: columns of 8 bytes, and the values of those slots that hold other than one."""

    starts: bytes
    counts: bytes
    totals: bytes
    minima: bytes
    maxima: bytes
    values: dict[int, bytes]


class Slots:
    """Distributions by slot start (epoch seconds, a multiple of ``width`` seconds)."""

    __slots__ = ("_counts", "_maxima", "_minima", "_open", "_starts", "_totals", "_values", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self._open: dict[int, Distribution] = {}
        # The packed slots, sorted by start. _values has None for a slot of one single value, which its minimum tells;
        # else see _pack_values.
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

    def rising(self, start: int, end: int) -> Iterator[Rising]:
        """The values of those slots, but for slots that are empty: what percentiles are worked out from."""
        for where in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            packed, count = self._values[where], self._counts[where]
            if packed is None:
                if count:
                    yield self._starts[where], (self._minima[where],), None if count == 1 else (count,)
            elif len(packed) == count:
                yield self._starts[where], packed, None
            else:
                yield self._starts[where], *(_halves(packed) if packed else (None, None))
        for at, opened in self._open.items():
            if start <= at < end and opened.count:
                yield at, *_sorted(opened)

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

    def starts_before(self, horizon: float) -> list[int]:
        """The starts of the slots that begin before the horizon, in no certain order."""
        packed = self._starts[: bisect_left(self._starts, horizon)]
        return [*packed, *(start for start in self._open if start < horizon)]

    def dump(self, start: int, end: int) -> Packed | None:
        """The slots that begin in [start, end), to be kept outside; None if there are none."""
        rows = sorted(
            [
                *zip(*(column[_part(self._starts, start, end)] for column in self._columns()), strict=True),
                *(_row(at, opened) for at, opened in self._open.items() if start <= at < end),
            ],
            key=itemgetter(0),
        )
        if not rows:
            return None
        starts, counts, totals, minima, maxima, values = zip(*rows, strict=True)
        return Packed(
            array("q", starts).tobytes(),
            array("d", counts).tobytes(),
            array("d", totals).tobytes(),
            array("d", minima).tobytes(),
            array("d", maxima).tobytes(),
            {n: packed.tobytes() for n, packed in enumerate(values) if packed is not None},
        )

    def load(self, dumped: Packed) -> None:
        """Adds slots that were dumped, to those there are; ValueError if they can't have been."""
        starts = _column("q", dumped.starts)
        numbers = [_column("d", column) for column in (dumped.counts, dumped.totals, dumped.minima, dumped.maxima)]
        if not starts or any(len(column) != len(starts) for column in numbers):
            raise ValueError("columns of different lengths")
        if any(a >= b for a, b in pairwise(starts)) or any(start % self.width for start in starts):
            raise ValueError("starts out of order")
        values: list[array[float] | None] = [None] * len(starts)
        for n, column in dumped.values.items():
            values[n] = _column("d", column)
        where = bisect_left(self._starts, starts[0])
        if where < bisect_left(self._starts, starts[-1] + 1):
            raise ValueError("slots that are there already")
        for own, loaded in zip(self._columns(), (starts, *numbers, values), strict=True):
            own[where:where] = loaded

    def _columns(self) -> tuple[Any, ...]:
        return (self._starts, self._counts, self._totals, self._minima, self._maxima, self._values)

    def _pack(self, start: int, distribution: Distribution) -> None:
        where = len(self._starts)
        if where and self._starts[-1] > start:
            where = bisect_left(self._starts, start)
        self._starts.insert(where, start)
        self._counts.insert(where, distribution.count)
        self._totals.insert(where, distribution.total)
        self._minima.insert(where, distribution.minimum)
        self._maxima.insert(where, distribution.maximum)
        self._values.insert(where, _pack_values(distribution))

    def _unpack(self, where: int) -> Distribution:
        found = Distribution()
        found.count, found.total = self._counts[where], self._totals[where]
        found.minimum, found.maximum = self._minima[where], self._maxima[where]
        packed = self._values[where]
        if packed is None:
            found.values = {found.minimum: found.count} if found.count else {}
        elif not packed:
            found.values = None
        elif len(packed) == found.count:
            found.values = {value: float(count) for value, count in Counter(packed).items()}
        else:
            found.values = dict(zip(*_halves(packed), strict=True))
        return found

    def _delete(self, first: int, last: int) -> None:
        for column in (self._starts, self._counts, self._totals, self._minima, self._maxima, self._values):
            del column[first:last]


def _part(starts: array[int], start: int, end: int) -> slice:
    return slice(bisect_left(starts, start), bisect_left(starts, end))


def _row(start: int, opened: Distribution) -> tuple[Any, ...]:
    return start, opened.count, opened.total, opened.minimum, opened.maximum, _pack_values(opened)


def _column(kind: Literal["q", "d"], dumped: bytes) -> array[Any]:
    column: array[Any] = array(kind)
    column.frombytes(dumped)
    return column


def _pack_values(distribution: Distribution) -> array[float] | None:
    """Every sample by itself where that takes no more room than each value and its count: as many entries as samples.

    Else the values and then their counts, and one entry more where these happened to be as many as there are samples.
    """
    values = distribution.values
    if values is None:
        return _HIDDEN
    if len(values) <= 1:
        return None
    if len(values) > DISTINCT_VALUES_KEPT:
        values = _rounded(values)
    rising = sorted(values)
    counts = [values[value] for value in rising]
    if sum(counts) == distribution.count <= 2 * len(rising) and all(map(float.is_integer, counts)):
        return array("d", chain.from_iterable(map(repeat, rising, map(int, counts))))
    packed = array("d", [*rising, *counts])
    if len(packed) == distribution.count:
        packed.append(0.0)
    return packed


def _halves(packed: array[float]) -> tuple[array[float], array[float]]:
    half = len(packed) // 2
    return packed[:half], packed[half : 2 * half]


def _sorted(opened: Distribution) -> tuple[Sequence[float] | None, Sequence[float] | None]:
    if opened.values is None:
        return None, None
    rising = sorted(opened.values)
    counts = [opened.values[value] for value in rising]
    return rising, None if all(count == 1 for count in counts) else counts


def _rounded(values: dict[float, float]) -> dict[float, float]:
    coarse: dict[float, float] = {}
    for value, count in values.items():
        key = float(f"{value:.3g}")
        coarse[key] = coarse.get(key, 0.0) + count
    return coarse
