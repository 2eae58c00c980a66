"""The metric store as rows: what was recorded lately as it came, everything else in parts of channels.

    s/<number>                   a series: its metric, unit and resolution, under a number of its own
    p/<number>/<width>/<start>   a part of its slots, and how many data the store had been given when it was written
    d/<first>                    what the store was given from its <first>th datum on

Data are written at once, which costs little, and every few minutes the parts that they changed are; then the rows of
data go. After a kill the data are recorded again, each unless its part was written after it came.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import msgspec

from kit.emulator.cloudwatch.channel import PART_S, Channel, Part, part_of
from kit.emulator.cloudwatch.slots import Packed
from kit.emulator.cloudwatch.store import NO_UNIT, Datum, Dimensions, LaneKey, MetricStore
from kit.emulator.keeping.rows import Drop, DropAll, Put, Read, Row

# When the parts are written: after so many calls of changes (some minutes), or data.
_ROUNDS = 300
_DATA = 10_000
# Beyond so many in one round, writing what they changed is less than writing them.
_MANY = 8_000
# So many series' parts are written in one round, so that none takes long.
_SERIES_A_ROUND = 100
_SHORTEST_PART_S = min(PART_S.values())


class _Series(msgspec.Struct, frozen=True, array_like=True):
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
    resolution: Literal[1, 60]
    newest: float

    @property
    def key(self) -> LaneKey:
        return (self.namespace, self.name, self.dimensions), (self.unit, self.resolution)


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A part; it includes all data before the ``given``th."""

    given: int
    slots: Packed


class _Data(msgspec.Struct, frozen=True, array_like=True):
    """Columns: of each datum its series and time; how many values, none for a statistic set; values and counts."""

    series: bytes
    times: bytes
    lengths: bytes
    numbers: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_series = msgspec.msgpack.Decoder(_Series).decode
_decode_part = msgspec.msgpack.Decoder(_Stored).decode
_decode_data = msgspec.msgpack.Decoder(_Data).decode


@dataclass(slots=True)
class _Round:
    """Parts to be written, by series, and the rows of data that may go once they are."""

    parts: dict[int, set[Part]]
    rows: list[str]


class KeptMetrics:
    """A room of the keeper's."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._numbers: dict[LaneKey, int] = {}
        self._keys: dict[int, LaneKey] = {}
        self._next = 1
        self._given = 0
        self._since = _Round({}, [])
        self._data_since = self._rounds_since = 0
        self._writing: _Round | None = None
        with store.mirrored():
            pass

    def changes(self) -> Iterator[Row]:
        """What was recorded, or some of the parts that it changed."""
        with self._store.mirrored() as mirror:
            data, rolled, dropped = mirror.recorded, mirror.rolled, mirror.dropped
            mirror.recorded, mirror.rolled, mirror.dropped = [], {}, []
            first, self._given = self._given, self._given + len(data)
        # a part of minutes that goes takes with it how many data it had: the rows of data must not outlive it
        whole = len(data) > _MANY or any(width == 60 for parts in rolled.values() for width, _ in parts)
        # first, so that one which was made anew meanwhile gets a number of its own
        yield from self._forgotten(dropped)
        yield from self._note(data, first, log=len(data) <= _MANY)
        for key, parts in rolled.items():
            if key in self._numbers:
                self._since.parts.setdefault(self._numbers[key], set()).update(parts)
        self._rounds_since += 1
        if whole or self._data_since >= _DATA or self._rounds_since >= _ROUNDS:
            self._begin()
        yield from self._write(None if whole else _SERIES_A_ROUND)

    def everything(self) -> Iterator[Row]:
        """Every part."""
        with self._store.mirrored() as mirror:
            self._given += len(mirror.recorded)
            mirror.recorded, mirror.rolled, mirror.dropped = [], {}, []
            lanes = self._store.lanes()
        self._numbers, self._keys = {}, {}
        self._since, self._writing = _Round({}, []), None
        self._data_since = self._rounds_since = 0
        for key, channel in lanes.items():
            self._writing = _Round({self._number(key): channel.parts()}, [])
            yield from self._write(None)

    def load(self, read: Read) -> int:
        """Fills the store."""
        given: dict[tuple[int, Part], int] = {}
        channels: dict[int, Channel] = {}
        unread = 0
        for row, body in chain.from_iterable(map(read, ("s/", "p/", "d/"))):
            try:
                kind, number, *part = row.split("/")
                if kind == "s":
                    channels[int(number)] = self._load_series(int(number), _decode_series(body))
                elif kind == "p":
                    width, start = map(int, part)
                    stored = _decode_part(zlib.decompress(body))
                    channels[int(number)].load(width, stored.slots)
                    given[int(number), (width, start)] = stored.given
                    self._given = max(self._given, stored.given)
                else:
                    self._since.rows.append(row)
                    self._record_again(int(number), _decode_data(body), given)
            except (msgspec.DecodeError, zlib.error, ValueError, KeyError, IndexError):
                unread += 1
        with self._store.mirrored() as mirror:
            mirror.recorded, mirror.rolled = [], {}
        self._rounds_since = _ROUNDS  # what is left of the data becomes parts soon
        return unread

    def _load_series(self, number: int, series: _Series) -> Channel:
        self._numbers[series.key], self._keys[number] = number, series.key
        self._next = max(self._next, number + 1)
        return self._store.restored(series.key, series.newest)

    def _record_again(self, first: int, columns: _Data, given: dict[tuple[int, Part], int]) -> None:
        data = list(self._unpacked(columns))
        self._given = max(self._given, first + len(data))
        fresh = []
        for position, item in enumerate(data, first):
            if item is None:
                continue
            number, datum = item
            if position >= given.get((number, part_of(60, datum.timestamp)), 0):
                fresh.append(datum)
                self._mark(number, datum)
        self._store.record(fresh)

    def _forgotten(self, dropped: list[LaneKey]) -> Iterator[Row]:
        for key in dropped:
            number = self._numbers.pop(key, None)
            if number is not None:
                del self._keys[number]
                yield from (Drop(f"s/{number}"), DropAll(f"p/{number}/"))

    def _note(self, data: list[Datum], first: int, *, log: bool) -> Iterator[Row]:
        """Numbers new series, marks the parts that data change, and packs the data."""
        if not data:
            return
        series, times, lengths, numbers = array("I"), array("d"), array("I"), array("d")
        known, marked = self._numbers, set[tuple[int, float]]()
        for datum in data:
            moment = datum.timestamp
            key: LaneKey = (
                (datum.namespace, datum.name, datum.dimensions),
                (datum.unit or NO_UNIT, datum.resolution),
            )
            number = known.get(key)
            if number is None:
                number = self._number(key)
                yield _series_row(number, key, moment)
            grain = (number, moment // _SHORTEST_PART_S)
            if grain not in marked:
                marked.add(grain)
                self._mark(number, datum)
            if log:
                hidden, values = datum.statistic_set, datum.values
                series.append(number)
                times.append(moment)
                lengths.append(len(values) if hidden is None else 0)
                numbers.extend(values + datum.counts if hidden is None else hidden)
        if log:
            self._data_since += len(data)
            row = f"d/{first}"
            self._since.rows.append(row)
            packed = _Data(series.tobytes(), times.tobytes(), lengths.tobytes(), numbers.tobytes())
            yield Put(row, _encode(packed))

    def _unpacked(self, data: _Data) -> Iterator[tuple[int, Datum] | None]:
        """The data and their series' numbers; None in the place of one whose series is gone."""
        series, times, lengths, numbers = array("I"), array("d"), array("I"), array("d")
        for column, dumped in (
            (series, data.series),
            (times, data.times),
            (lengths, data.lengths),
            (numbers, data.numbers),
        ):
            column.frombytes(dumped)
        at = 0
        for number, moment, length in zip(series, times, lengths, strict=True):
            taken = tuple(numbers[at : at + (2 * length or 4)])
            at += len(taken)
            key = self._keys.get(number)
            if key is None:
                yield None
                continue
            (namespace, name, dimensions), (unit, resolution) = key
            values, counts = (taken[:length], taken[length:]) if length else ((), ())
            hidden = None if length else (taken[0], taken[1], taken[2], taken[3])
            high: Literal[1, 60] = 1 if resolution == 1 else 60
            yield number, Datum(namespace, name, dimensions, moment, unit, high, values, counts, hidden)

    def _mark(self, number: int, datum: Datum) -> None:
        parts = self._since.parts.setdefault(number, set())
        parts.add(part_of(60, datum.timestamp))
        if datum.resolution == 1:
            parts.add(part_of(1, datum.timestamp))

    def _begin(self) -> None:
        """What was noted since the last time is to be written now, after what is left from then."""
        left = self._writing or _Round({}, [])
        for number, parts in self._since.parts.items():
            left.parts.setdefault(number, set()).update(parts)
        self._writing = _Round(left.parts, left.rows + self._since.rows)
        self._since = _Round({}, [])
        self._data_since = self._rounds_since = 0

    def _write(self, series: int | None) -> Iterator[Row]:
        """The parts of so many series; of all for None."""
        writing = self._writing
        if writing is None:
            return
        for number in list(writing.parts)[:series]:
            yield from self._written(number, writing.parts.pop(number))
        if not writing.parts:
            yield from map(Drop, writing.rows)
            self._writing = None

    def _written(self, number: int, parts: set[Part]) -> Iterator[Row]:
        key = self._keys.get(number)
        if key is None:
            return
        with self._store.mirrored() as mirror:
            given = self._given + len(mirror.recorded)
            found = self._store.lane(key)
            dumped = {part: found[0].dump(part) for part in parts} if found is not None else {}
        if found is None:
            del self._keys[number], self._numbers[key]
            yield from (Drop(f"s/{number}"), DropAll(f"p/{number}/"))
            return
        yield _series_row(number, key, found[1])
        for (width, start), slots in dumped.items():
            row = f"p/{number}/{width}/{start}"
            yield Drop(row) if slots is None else Put(row, zlib.compress(_encode(_Stored(given, slots)), 1))

    def _number(self, key: LaneKey) -> int:
        number, self._next = self._next, self._next + 1
        self._numbers[key], self._keys[number] = number, key
        return number


def _series_row(number: int, key: LaneKey, newest: float) -> Put:
    (namespace, name, dimensions), (unit, resolution) = key
    return Put(f"s/{number}", _encode((namespace, name, dimensions, unit, resolution, newest)))
