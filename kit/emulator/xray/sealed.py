"""Traces at rest: one piece of compressed documents and the facts of a summary, instead of an object for each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kit.emulator.xray.book import Book, Learning
from kit.emulator.xray.documents import Document, read_document
from kit.emulator.xray.summary import Summary
from kit.emulator.xray.trace import Trace

# About what a sealed trace takes besides its two texts: measured, with its share of its book.
_OVERHEAD = 500

# The first book begins empty and learns from every trace; a later one lasts some minutes of a busy service.
_FIRST_BOOK_TRACES = 64
_BOOK_TRACES = 4096
_LEARN_FROM_EACH = 32


class SealedTrace(msgspec.Struct, frozen=True, gc=False):
    """A trace as it was when it was sealed; times in epoch seconds. Its documents and summary are read anew each time.

    It is in no cycle (a book refers to no trace), so the collector, which would walk tens of thousands, needn't know.
    """

    id: str
    start: float
    end: float | None
    updated: float
    revision: int
    limit_exceeded: bool
    packed: bytes
    facts: bytes
    book: Book

    @property
    def cost(self) -> int:
        """About the bytes it takes."""
        return len(self.packed) + len(self.facts) + _OVERHEAD

    def documents(self) -> list[Document]:
        """As they came."""
        return [read_document(raw) for raw in self.book.unpack(self.packed)]

    def summary(self) -> Summary:
        """See summarise."""
        return self.book.read(self.facts, self.start)

    def opened(self) -> Trace:
        """The trace as it was before, to take more documents."""
        return Trace.restored(
            self.id,
            self.documents(),
            start=self.start,
            end=self.end,
            updated=self.updated,
            revision=self.revision,
            limit_exceeded=self.limit_exceeded,
        )


class Sealer:
    """Seals traces, and learns from them how to seal the next ones smaller. For one thread at a time."""

    def __init__(self) -> None:
        self._book = Book(number=1)
        self._learning = Learning()
        self._count = 0

    def seal(self, trace: Trace, documents: Sequence[Document], summary: Summary) -> SealedTrace:
        """``documents`` and ``summary`` are of the trace as it stands."""
        raws = [document.raw for document in documents]
        sealed = SealedTrace(
            trace.id,
            trace.start,
            trace.end,
            trace.updated,
            trace.revision,
            trace.limit_exceeded,
            self._book.pack(raws),
            self._book.write(summary),
            self._book,
        )
        self._learn(raws)
        return sealed

    def _learn(self, raws: Sequence[bytes]) -> None:
        self._count += 1
        if not self._book.learned or self._count % _LEARN_FROM_EACH == 0:
            self._learning.look_at(raws)
        if self._count >= (_BOOK_TRACES if self._book.learned else _FIRST_BOOK_TRACES):
            self._book = Book(self._learning.dictionary, self._book.number + 1)
            self._learning, self._count = Learning(), 0

    def go_on_after(self, book: Book) -> None:
        """Number the next books after this one of an earlier run, and begin with its text."""
        if book.number >= self._book.number:
            self._book = book.successor()
