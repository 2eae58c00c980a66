"""Events of one stream, kept small: a chunk is one bytes object and three arrays, compressed once it is full."""

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
    """Consecutive events at rest: columns of 8 bytes, and the messages one after the other, compressed if sealed.

    ``ends`` are where each message ends.
    """

    sealed: bool
    timestamps: bytes
    ingested: bytes
    ends: bytes
    data: bytes


class Chunk:
    """Up to 64 KiB of consecutive events, whose sequence numbers are consecutive too.

    One thread writes at a time. Any thread may read meanwhile: it sees the events that were complete when it began.
    """

    __slots__ = ("_data", "_ends", "_ingested", "_timestamps", "first_sequence", "newest", "oldest")

    def __init__(self, first_sequence: int) -> None:
        self.first_sequence = first_sequence
        self.oldest = self.newest = 0
        self._timestamps = array("q")
        self._ingested = array("q")
        self._ends = array("L")
        self._data: bytes | bytearray = bytearray()  # bytes once sealed

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def cost(self) -> int:
        """The bytes of memory that it takes."""
        return _CHUNK_OVERHEAD + len(self._data) + len(self._ends) * (16 + self._ends.itemsize)

    @property
    def full(self) -> bool:
        """Whether it takes no more events."""
        return isinstance(self._data, bytes) or len(self._data) >= _CHUNK_BYTES

    def add(self, timestamp: int, ingested: int, message: bytes) -> None:
        """Append one event; ``timestamp`` and ``ingested`` are epoch ms."""
        self.oldest = min(self.oldest, timestamp) if self._ends else timestamp
        self.newest = max(self.newest, timestamp) if self._ends else timestamp
        self._data += message
        self._timestamps.append(timestamp)
        self._ingested.append(ingested)
        self._ends.append(len(self._data))  # last: it is what a reader counts by

    def seal(self) -> None:
        """Compress it; no event can be added any more."""
        self._data = zlib.compress(self._data, _FASTEST)

    def events(self, start: int, end: int) -> Iterator[Event]:
        """Events with ``start <= timestamp < end`` (epoch ms), in the order they came."""
        count = len(self._ends)
        if count == 0 or self.newest < start or self.oldest >= end:
            return
        held = self._data
        data = zlib.decompress(held) if isinstance(held, bytes) else bytes(held)
        begin = 0
        for index in range(count):
            timestamp, stop = self._timestamps[index], self._ends[index]
            if start <= timestamp < end:
                yield Event(timestamp, self.first_sequence + index, self._ingested[index], data[begin:stop])
            begin = stop

    def dump(self, first: int) -> DumpedEvents:
        """What is there from the ``first``th event on; of a sealed chunk all of it, as it is."""
        sealed = isinstance(self._data, bytes)
        begin = self._ends[first - 1] if first else 0
        return DumpedEvents(
            sealed,
            self._timestamps[first:].tobytes(),
            self._ingested[first:].tobytes(),
            array("Q", (end - begin for end in self._ends[first:])).tobytes(),
            bytes(self._data) if sealed else bytes(self._data[begin:]),
        )

    @property
    def sealed(self) -> bool:
        """Whether it takes no more events, and is as small as it gets."""
        return isinstance(self._data, bytes)

    def load(self, dumped: DumpedEvents) -> None:
        """Adds events that were dumped; ValueError if they can't have been."""
        timestamps, ingested, ends = array("q"), array("q"), array("Q")
        for column, held in ((timestamps, dumped.timestamps), (ingested, dumped.ingested), (ends, dumped.ends)):
            column.frombytes(held)
        data = zlib.decompress(dumped.data) if dumped.sealed else dumped.data
        if not timestamps or not len(timestamps) == len(ingested) == len(ends) or ends[-1] != len(data):
            raise ValueError("columns that don't fit")
        if self.sealed or (dumped.sealed and len(self)) or any(a > b for a, b in pairwise(ends)):
            raise ValueError("events that don't fit")
        begin = len(self._data)
        self.oldest = min(self.oldest, *timestamps) if self._ends else min(timestamps)
        self.newest = max(self.newest, *timestamps) if self._ends else max(timestamps)
        self._timestamps += timestamps
        self._ingested += ingested
        self._ends.extend(begin + end for end in ends)
        if dumped.sealed:
            self._data = dumped.data
        else:
            self._data += data


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
        self._next_sequence = first_sequence + len(dumped.timestamps) // 8
