"""Events of one stream, kept small: a chunk is its messages in one piece and three columns, compressed once full."""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

# What a chunk holds before it is sealed. Log lines of one stream resemble each other: 64 KiB compress 5 to 10 times.
_CHUNK_BYTES = 64 * 1024
_FASTEST = 1
# About what a chunk's own objects take, so that many tiny streams count for what they cost.
_CHUNK_OVERHEAD = 600
# Of one event in the columns of an open chunk; sealed they take a few bytes.
_COLUMNS = 24


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One stored event. Order is by ``timestamp`` (epoch ms), then ``sequence``, which is unique in its engine."""

    timestamp: int
    sequence: int
    ingested: int
    message: bytes

    @property
    def id(self) -> str:
        """The 56-digit event id; ids sort as events do."""
        return event_id(self.timestamp, self.sequence)


def event_id(timestamp: int, sequence: int) -> str:
    """The id of the event at ``timestamp`` (epoch ms) with this sequence number."""
    return f"{(timestamp << 64) + sequence:056d}"


class DumpedEvents(msgspec.Struct, frozen=True, array_like=True):
    """``count`` consecutive events at rest: ``columns`` as _Columns.dump gives them; both compressed if ``sealed``.

    ``oldest`` and ``newest`` are epoch ms; ``data`` is the messages one after the other.
    """

    sealed: bool
    count: int
    oldest: int
    newest: int
    columns: bytes
    data: bytes


class _Columns:
    """Timestamps and ingestion times in epoch ms, and where in the data each message ends."""

    __slots__ = ("ends", "ingested", "timestamps")

    def __init__(self) -> None:
        self.timestamps = array("q")
        self.ingested = array("q")
        self.ends = array("Q")

    def dump(self, first: int = 0) -> bytes:
        """The columns from the ``first``th event on, one after the other, as 8 bytes each; ends are of its own data."""
        begin = self.ends[first - 1] if first else 0
        ends = array("Q", (end - begin for end in self.ends[first:])) if first else self.ends
        return self.timestamps[first:].tobytes() + self.ingested[first:].tobytes() + ends.tobytes()

    @classmethod
    def loaded(cls, dumped: bytes) -> _Columns:
        """What was dumped; ValueError if it can't have been."""
        columns, length = cls(), len(dumped) // 3
        for number, column in enumerate((columns.timestamps, columns.ingested, columns.ends)):
            column.frombytes(dumped[number * length : (number + 1) * length])
        return columns


class Chunk:
    """Up to 64 KiB of consecutive events, whose sequence numbers are consecutive too.

    One thread writes at a time. Any thread may read meanwhile: it sees the events that were complete when it began.
    """

    __slots__ = ("_count", "_held", "first_sequence", "newest", "oldest")

    def __init__(self, first_sequence: int) -> None:
        self.first_sequence = first_sequence
        self.oldest = self.newest = 0
        self._count = 0
        # one attribute, so that a reader has both as they belong together; two pieces of bytes once sealed
        self._held: tuple[_Columns, bytearray] | tuple[bytes, bytes] = (_Columns(), bytearray())

    def __len__(self) -> int:
        return self._count

    @property
    def cost(self) -> int:
        """The bytes of memory that it takes."""
        columns, data = self._held
        return _CHUNK_OVERHEAD + len(data) + (len(columns) if isinstance(columns, bytes) else self._count * _COLUMNS)

    @property
    def full(self) -> bool:
        """Whether it takes no more events."""
        return self.sealed or len(self._held[1]) >= _CHUNK_BYTES

    @property
    def sealed(self) -> bool:
        """Whether it is as small as it gets, for good."""
        return isinstance(self._held[1], bytes)

    def add(self, timestamp: int, ingested: int, message: bytes) -> None:
        """Append one event; ``timestamp`` and ``ingested`` are epoch ms."""
        columns, data = self._held
        if isinstance(columns, bytes) or isinstance(data, bytes):
            raise TypeError("a sealed chunk takes no more events")
        self.oldest = min(self.oldest, timestamp) if self._count else timestamp
        self.newest = max(self.newest, timestamp) if self._count else timestamp
        data += message
        columns.timestamps.append(timestamp)
        columns.ingested.append(ingested)
        columns.ends.append(len(data))
        self._count += 1  # last: it is what a reader counts by

    def seal(self) -> None:
        """Compress it; no event can be added any more."""
        columns, data = self._held
        if not isinstance(columns, bytes):
            self._held = zlib.compress(columns.dump(), _FASTEST), zlib.compress(data, _FASTEST)

    def events(self, start: int, end: int) -> Iterator[Event]:
        """Events with ``start <= timestamp < end`` (epoch ms), in the order they came."""
        count = self._count
        if count == 0 or self.newest < start or self.oldest >= end:
            return
        columns, data = self._held
        if isinstance(columns, bytes):
            columns, messages = _Columns.loaded(zlib.decompress(columns)), zlib.decompress(data)
        else:
            messages = bytes(data)
        begin = 0
        for index in range(count):
            timestamp, stop = columns.timestamps[index], columns.ends[index]
            if start <= timestamp < end:
                yield Event(timestamp, self.first_sequence + index, columns.ingested[index], messages[begin:stop])
            begin = stop

    def dump(self, first: int) -> DumpedEvents:
        """What is there from the ``first``th event on; of a sealed chunk all of it, as it is."""
        columns, data = self._held
        if isinstance(columns, bytes):
            return DumpedEvents(True, self._count, self.oldest, self.newest, columns, bytes(data))
        begin = columns.ends[first - 1] if first else 0
        times = columns.timestamps[first:]
        return DumpedEvents(False, len(times), min(times), max(times), columns.dump(first), bytes(data[begin:]))

    def load(self, dumped: DumpedEvents) -> None:
        """Adds events that were dumped; ValueError if they can't have been."""
        if dumped.count < 1 or dumped.oldest > dumped.newest:
            raise ValueError("no events")
        if self.sealed or (dumped.sealed and self._count):
            raise ValueError("events that don't fit")
        self.oldest = min(self.oldest, dumped.oldest) if self._count else dumped.oldest
        self.newest = max(self.newest, dumped.newest) if self._count else dumped.newest
        if dumped.sealed:
            self._held = dumped.columns, dumped.data  # read when it is asked for: opening them all would take seconds
            self._count = dumped.count
            return
        self._append(_Columns.loaded(dumped.columns), dumped)

    def _append(self, more: _Columns, dumped: DumpedEvents) -> None:
        columns, data = self._held
        ends = more.ends
        if not len(ends) == len(more.timestamps) == dumped.count or ends[-1] != len(dumped.data):
            raise ValueError("columns that don't fit")
        if any(a > b for a, b in pairwise(ends)) or isinstance(columns, bytes) or isinstance(data, bytes):
            raise ValueError("events that don't fit")
        begin = len(data)
        data += dumped.data
        columns.timestamps += more.timestamps
        columns.ingested += more.ingested
        columns.ends.extend(begin + end for end in ends)
        self._count += dumped.count


class Chunks:
    """The events of one stream, oldest chunk first. Whoever changes it must hold its engine's lock."""

    def __init__(self, first_sequence: int) -> None:
        self._chunks: deque[Chunk] = deque()
        self._next_sequence = first_sequence
        self.cost = 0

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The first and last timestamp (epoch ms); None without events. Needs no lock."""
        chunks = self.snapshot()
        return (min(c.oldest for c in chunks), max(c.newest for c in chunks)) if chunks else None

    def extend(self, events: Iterable[tuple[int, bytes]], ingested: int) -> None:
        """Append (timestamp in epoch ms, message) pairs; ``ingested`` is epoch ms."""
        chunk = self._chunks[-1] if self._chunks else None
        counted = chunk.cost if chunk else 0
        for timestamp, message in events:
            if chunk is None or chunk.full:
                if chunk is not None:
                    chunk.seal()
                    self.cost += chunk.cost - counted
                chunk, counted = Chunk(self._next_sequence), 0
                self._chunks.append(chunk)
            chunk.add(timestamp, ingested, message)
            self._next_sequence += 1
        if chunk is not None:
            self.cost += chunk.cost - counted

    def drop_oldest(self) -> int:
        """Drop the chunk that came first; returns how many events went."""
        chunk = self._chunks.popleft()
        self.cost -= chunk.cost
        return len(chunk)

    def drop_before(self, timestamp: int) -> int:
        """Drop whole chunks older than ``timestamp`` (epoch ms); returns how many events went."""
        if not self._chunks or self._chunks[0].newest >= timestamp:
            return 0  # the usual case: nothing is old yet
        gone = [chunk for chunk in self._chunks if chunk.newest < timestamp]
        self._chunks = deque(chunk for chunk in self._chunks if chunk.newest >= timestamp)
        self.cost -= sum(chunk.cost for chunk in gone)
        return sum(len(chunk) for chunk in gone)

    def snapshot(self) -> Sequence[Chunk]:
        """The chunks there are now, to be read without the lock."""
        return tuple(self._chunks)

    def load(self, first_sequence: int, dumped: DumpedEvents) -> None:
        """Adds events that were dumped, after those there are; ValueError if they can't have been."""
        if first_sequence < self._next_sequence:
            raise ValueError("events that are there already")
        last = self._chunks[-1] if self._chunks else None
        if last is None or last.sealed or dumped.sealed or last.first_sequence + len(last) != first_sequence:
            if last is not None and not last.sealed:
                self.cost -= last.cost
                last.seal()
                self.cost += last.cost
            last = Chunk(first_sequence)
        counted = last.cost if len(last) else 0
        last.load(dumped)
        if not counted:
            self._chunks.append(last)
        self.cost += last.cost - counted
        self._next_sequence = first_sequence + dumped.count
