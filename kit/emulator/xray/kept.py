"""Traces as rows.

b/<number>   a book, which sealed traces refer to
t/<id>       a trace, open or sealed
sampling     who has which share of the reservoir
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import msgspec

from kit.emulator.keeping.rows import Drop, Put, Read, Row
from kit.emulator.xray.book import Book
from kit.emulator.xray.documents import DocumentError, read_document
from kit.emulator.xray.engine import Engine, Held
from kit.emulator.xray.sealed import SealedTrace
from kit.emulator.xray.trace import Trace

_SAMPLING = "sampling"


class _Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A trace: open with its ``documents``, or sealed in one piece with the ``book`` of this number."""

    start: float
    end: float | None
    updated: float
    revision: int
    limit_exceeded: bool
    documents: list[bytes]
    packed: bytes = b""
    facts: bytes = b""
    book: int = 0


class _StoredSampling(msgspec.Struct, frozen=True, array_like=True):
    modified: float
    last_seen: dict[str, float]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode
_decode_sampling = msgspec.msgpack.Decoder(_StoredSampling).decode


class KeptXRay:
    """A room of the keeper's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._books: dict[int, int] = {}  # number -> its size when it was written
        self._book_of: dict[str, int] = {}
        self._readers: Counter[int] = Counter()
        self._sampling: object = None
        with engine.touched():
            pass

    def changes(self) -> Iterator[Row]:
        """Traces that were touched, and books that have grown or are no longer referred to."""
        dumped = self._engine.sampling.dump()
        if dumped[1] is not self._sampling:
            self._sampling = dumped[1]
            yield Put(_SAMPLING, _encode(_StoredSampling(dumped[0], dict(dumped[1]))))
        with self._engine.touched() as touched:
            ids = list(touched)
            touched.clear()
        for trace_id in ids:
            yield from self._changed(trace_id)
        for number in [number for number in self._books if not self._readers[number]]:
            del self._books[number], self._readers[number]
            yield Drop(f"b/{number}")

    def everything(self) -> Iterator[Row]:
        """All traces."""
        self._books, self._book_of, self._readers = {}, {}, Counter()
        self._sampling = None
        with self._engine.touched() as touched:
            touched.clear()
            touched.update(dict.fromkeys(self._engine.ids()))
        return self.changes()

    def load(self, read: Read) -> int:
        """Fills the engine."""
        books: dict[int, Book] = {}
        unread = 0
        for key, body in chain.from_iterable(map(read, (_SAMPLING, "b/", "t/"))):
            kind, _, name = key.partition("/")
            try:
                if kind == _SAMPLING:
                    sampling = _decode_sampling(body)
                    self._engine.sampling.restore(sampling.modified, sampling.last_seen)
                    self._sampling = self._engine.sampling.dump()[1]
                elif kind == "b":
                    books[int(name)] = book = Book.restored(body, int(name))
                    self._books[book.number] = book.size
                    self._engine.go_on_after(book)
                else:
                    self._engine.restore(self._restored(name, _decode(body), books))
            except (msgspec.DecodeError, DocumentError, ValueError, KeyError):
                unread += 1
        return unread

    def _restored(self, trace_id: str, stored: _Stored, books: dict[int, Book]) -> Held:
        if not stored.book:
            return Trace.restored(
                trace_id,
                [read_document(raw) for raw in stored.documents],
                start=stored.start,
                end=stored.end,
                updated=stored.updated,
                revision=stored.revision,
                limit_exceeded=stored.limit_exceeded,
            )
        book = books[stored.book]
        self._book_of[trace_id] = stored.book
        self._readers[stored.book] += 1
        return SealedTrace(
            trace_id,
            stored.start,
            stored.end,
            stored.updated,
            stored.revision,
            stored.limit_exceeded,
            stored.packed,
            stored.facts,
            book,
        )

    def _changed(self, trace_id: str) -> Iterator[Row]:
        with self._engine.touched():
            held = self._engine.held(trace_id)
            raws = [document.raw for document in held.documents.values()] if isinstance(held, Trace) else []
        self._refer(trace_id, held.book.number if isinstance(held, SealedTrace) else 0)
        if held is None:
            yield Drop(f"t/{trace_id}")
            return
        stored = _Stored(held.start, held.end, held.updated, held.revision, held.limit_exceeded, raws)
        if isinstance(held, SealedTrace):
            book = held.book
            if self._books.get(book.number) != book.size:
                self._books[book.number] = book.size
                yield Put(f"b/{book.number}", book.dump())
            packed = {"packed": held.packed, "facts": held.facts, "book": book.number}
            stored = msgspec.structs.replace(stored, **packed)
        yield Put(f"t/{trace_id}", _encode(stored))

    def _refer(self, trace_id: str, book: int) -> None:
        """Counts which trace refers to which book; 0 is none."""
        before = self._book_of.pop(trace_id, 0)
        if before:
            self._readers[before] -= 1
        if book:
            self._book_of[trace_id] = book
            self._readers[book] += 1
