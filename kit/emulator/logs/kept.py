"""Log groups, streams and events as rows.

    g/<name>                a group, with its metric filters
    s/<number>              a stream
    e/<number>/<sequence>   events of the stream of this number, the first of which has this sequence number

Events are written as they come, a row for each batch of them; once their chunk is sealed it takes these rows' place.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any

import msgspec

from kit.emulator.keeping.rows import Drop, DropAll, Put, Read, Row
from kit.emulator.logs.engine import Engine, Group, Stream
from kit.emulator.logs.events import Chunk, DumpedEvents
from kit.emulator.logs.metric_filters import MetricFilter
from kit.emulator.logs.patterns import parse_pattern
from kit.emulator.protocol import AwsError


class _StoredFilter(msgspec.Struct, frozen=True, array_like=True):
    settings: dict[str, Any]
    created: int


class _StoredGroup(msgspec.Struct, frozen=True, array_like=True):
    created: int
    log_class: str
    retention_days: int | None
    filters: list[_StoredFilter]
    nothing: dict[str, int]
    match: dict[str, int]
    tags: dict[str, str] = {}  # a file that an earlier version wrote has none


class _StoredStream(msgspec.Struct, frozen=True, array_like=True):
    group: str
    name: str
    created: int
    last_ingestion: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode_group = msgspec.msgpack.Decoder(_StoredGroup).decode
_decode_stream = msgspec.msgpack.Decoder(_StoredStream).decode
_decode_events = msgspec.msgpack.Decoder(DumpedEvents).decode


# What a group held when it was written.
_Held = tuple[Group, int | None, int, dict[str, str]]


@dataclass(slots=True)
class _Pieces:
    """A chunk that is written in pieces: the sequence numbers that these begin with, and how many events they hold."""

    rows: list[int]
    count: int


class KeptLogs:
    """A room of the keeper's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._groups: dict[str, _Held] = {}
        # by stream and the number that a chunk begins with: how it is written, None for in one piece and finally
        self._chunks: dict[int, dict[int, _Pieces | None]] = {}
        with engine.touched():
            pass

    def changes(self) -> Iterator[Row]:
        """Groups that are others than before, and streams that were touched."""
        yield from self._changed_groups()
        with self._engine.touched() as touched:
            numbers = list(touched.items())
            touched.clear()
        for number, found in numbers:
            if found is None:
                self._chunks.pop(number, None)
                yield from (Drop(f"s/{number}"), DropAll(f"e/{number}/"))
            else:
                yield from self._changed_stream(*found)

    def everything(self) -> Iterator[Row]:
        """All groups, streams and events."""
        self._groups, self._chunks = {}, {}
        with self._engine.touched() as touched:
            touched.clear()
            for group in self._engine.groups():
                touched.update({stream.number: (group, stream) for stream in group.streams.values()})
        return self.changes()

    def load(self, read: Read) -> int:
        """Fills the engine."""
        streams: dict[int, Stream] = {}
        loaded: dict[int, list[int]] = {}
        unread = 0
        for key, body in chain.from_iterable(map(read, ("g/", "s/", "e/"))):
            kind, _, name = key.partition("/")
            try:
                if kind == "g":
                    self._restore_group(name, _decode_group(zlib.decompress(body)))
                elif kind == "s":
                    streams[int(name)] = self._restore_stream(int(name), _decode_stream(body))
                else:
                    number, first = map(int, name.split("/"))
                    streams[number].events.load(first, _decode_events(body))
                    loaded.setdefault(number, []).append(first)
            except (msgspec.DecodeError, zlib.error, ValueError, KeyError, AwsError):
                unread += 1
        for number, stream in streams.items():
            self._chunks[number] = _pieces(stream, loaded.get(number, []))
        self._engine.settle()
        return unread

    def _restore_group(self, name: str, stored: _StoredGroup) -> None:
        group = self._engine.restore_group(name, stored.created, stored.log_class, stored.retention_days)
        group.tags = stored.tags
        filters = [
            MetricFilter(f.settings["filterName"], parse_pattern(f.settings["filterPattern"]), f.settings, f.created)
            for f in stored.filters
        ]
        group.metric_filters.restore(filters, stored.nothing, stored.match)
        self._groups[name] = _held(group)

    def _restore_stream(self, number: int, stored: _StoredStream) -> Stream:
        group = self._engine.group(stored.group)
        stream = self._engine.restore_stream(group, stored.name, stored.created, number)
        stream.last_ingestion = stored.last_ingestion
        return stream

    def _changed_groups(self) -> Iterator[Row]:
        groups = {group.name: (group, _held(group)) for group in self._engine.groups()}
        before, self._groups = self._groups, {name: held for name, (_, held) in groups.items()}
        yield from (Drop(f"g/{name}") for name in before.keys() - groups.keys())
        for name, (group, held) in groups.items():
            written = before.get(name)
            if written is None or written[0] is not group or written[1:] != held[1:]:
                yield Put(f"g/{name}", zlib.compress(_encode(_stored(group)), 1))

    def _changed_stream(self, group: Group, stream: Stream) -> list[Row]:
        number = stream.number
        known = self._chunks.setdefault(number, {})
        rows: list[Row] = [Put(f"s/{number}", _encode(_stored_stream(group, stream)))]
        with self._engine.touched():
            chunks = stream.events.snapshot()
            # in their order, in which the rows will be read
            for chunk in list(takewhile(lambda chunk: not _settled(known, chunk), reversed(chunks)))[::-1]:
                first = chunk.first_sequence
                rows += self._changed_chunk(f"e/{number}/", chunk, known.get(first))
                known[first] = None if chunk.sealed else _extended(known.get(first), chunk)
        if len(known) > len(chunks):
            for first in known.keys() - {chunk.first_sequence for chunk in chunks}:
                pieces = known.pop(first)
                rows += [Drop(f"e/{number}/{at}") for at in (pieces.rows if pieces else (first,))]
        return rows

    def _changed_chunk(self, prefix: str, chunk: Chunk, pieces: _Pieces | None) -> Iterator[Row]:
        first = chunk.first_sequence
        if chunk.sealed:
            yield Put(f"{prefix}{first}", _encode(chunk.dump(0)))
            yield from (Drop(f"{prefix}{at}") for at in (pieces.rows if pieces else ()) if at != first)
        elif len(chunk) > (written := pieces.count if pieces else 0):
            yield Put(f"{prefix}{first + written}", _encode(chunk.dump(written)))


def _settled(known: dict[int, _Pieces | None], chunk: Chunk) -> bool:
    return chunk.first_sequence in known and known[chunk.first_sequence] is None


def _extended(pieces: _Pieces | None, chunk: Chunk) -> _Pieces:
    before = pieces or _Pieces([], 0)
    if len(chunk) > before.count:
        before.rows.append(chunk.first_sequence + before.count)
        before.count = len(chunk)
    return before


def _pieces(stream: Stream, rows: list[int]) -> dict[int, _Pieces | None]:
    """How a stream's chunks are written, given the numbers that its rows begin with, rising."""
    found: dict[int, _Pieces | None] = {}
    for chunk in stream.events.snapshot():
        first, after = chunk.first_sequence, chunk.first_sequence + len(chunk)
        own = rows[bisect_left(rows, first) : bisect_left(rows, after)]
        found[first] = None if chunk.sealed and own == [first] else _Pieces(own, len(chunk))
    return found


def _held(group: Group) -> _Held:
    return group, group.retention_days, group.metric_filters.revision, group.tags


def _stored_stream(group: Group, stream: Stream) -> _StoredStream:
    return _StoredStream(group.name, stream.name, stream.created, stream.last_ingestion)


def _stored(group: Group) -> _StoredGroup:
    filters = [_StoredFilter(dict(item.settings), item.created) for item in group.metric_filters.all()]
    nothing, match = group.metric_filters.pending()
    return _StoredGroup(group.created, group.log_class, group.retention_days, filters, nothing, match, group.tags)
