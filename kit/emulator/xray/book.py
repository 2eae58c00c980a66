"""What the traces of one stretch of time have in common, written once: each of them then refers to it.

Traces of one service are alike: the same names, statements and annotations, with other ids and times. A book holds a
text that documents are compressed against (RFC 1950's preset dictionary), and the parts of summaries that recur.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from copy import copy
from typing import Any

import msgspec

from kit.emulator.xray.summary import Annotation, HttpFacts, Summary

_LEVEL = 3
_WINDOW_BITS = -14  # 16 KB reach over the dictionary and an ordinary trace; negative: no header, no check sum
_MEMORY_LEVEL = 6  # 100 KB to clear for each trace instead of 200
_DICTIONARY_BYTES = 8 * 1024
_NOVEL = 0.25  # a document that shrinks to less is known well enough
_LONGEST_SAMPLE = 2048
_MOST_SAMPLES = 16  # of one trace

_MOST_PROTOTYPES = 128
_LARGEST_PROTOTYPE = 1024
_MOST_KEYS = 64
_MOST_VALUES = 32  # of one annotation's key; a key with more than these is an id of something
_LONGEST_VALUE = 100


class _Own(msgspec.Struct, array_like=True, gc=False):
    """What a summary does not share: the rest is in the prototype, here or by its number in the book."""

    prototype: int | Summary
    duration: float | None
    response_time: float | None
    url: str | None
    annotations: list[Annotation]


class _Dumped(msgspec.Struct, array_like=True, gc=False):
    dictionary: bytes
    prototypes: list[Summary]


_encode = msgspec.msgpack.Encoder().encode
_decode_dumped = msgspec.msgpack.Decoder(_Dumped).decode
_decode_own = msgspec.msgpack.Decoder(_Own).decode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_decode_documents = msgspec.msgpack.Decoder(list[bytes]).decode


class Book:
    """Bounded whatever the traces hold. Writing is for one thread at a time; reading is for any."""

    __slots__ = ("_dictionary", "_numbers", "_prototypes", "_values", "number")

    def __init__(self, dictionary: bytes = b"", number: int = 0) -> None:
        """``number`` tells it from the others of its engine."""
        self.number = number
        self._dictionary = dictionary
        self._prototypes: list[Summary] = []
        self._numbers: dict[bytes, int] = {}
        self._values: dict[str, set[Any]] = {}

    @property
    def learned(self) -> bool:
        """Whether it has a text to compress against."""
        return bool(self._dictionary)

    def pack(self, documents: Sequence[bytes]) -> bytes:
        """A trace's documents in one piece."""
        return _deflate(_encode(documents), self._dictionary)

    def unpack(self, packed: bytes) -> list[bytes]:
        """What ``pack`` was given."""
        return _decode_documents(zlib.decompressobj(_WINDOW_BITS, self._dictionary).decompress(packed))

    def write(self, summary: Summary) -> bytes:
        """A summary but for its start, in few bytes."""
        common: list[Annotation] = []
        own: list[Annotation] = []
        for annotation in summary.annotations:
            (common if self._recurs(annotation) else own).append(annotation)
        prototype = copy(summary)
        prototype.start, prototype.duration, prototype.response_time = 0.0, None, None
        http = summary.http
        prototype.http = HttpFacts(None, http.status, http.method, http.user_agent, http.client_ip)
        prototype.annotations = common
        place = self._place(prototype)
        return _encode(_Own(place, summary.duration, summary.response_time, http.url, own))

    def read(self, written: bytes, start: float) -> Summary:
        """What ``write`` was given. Its lists may be those of other summaries: not to be changed."""
        own = _decode_own(written)
        prototype = own.prototype
        summary = copy(self._prototypes[prototype] if isinstance(prototype, int) else prototype)
        summary.start, summary.duration, summary.response_time = start, own.duration, own.response_time
        if own.url is not None:
            http = summary.http
            summary.http = HttpFacts(own.url, http.status, http.method, http.user_agent, http.client_ip)
        if own.annotations:
            summary.annotations = summary.annotations + own.annotations
        return summary

    @property
    def size(self) -> int:
        """How many recurring parts it has: it is another book once that has grown."""
        return len(self._prototypes)

    def dump(self) -> bytes:
        """All that is needed to read what was written with it."""
        return _encode(_Dumped(self._dictionary, list(self._prototypes)))

    @classmethod
    def restored(cls, dumped: bytes, number: int) -> Book:
        """A book to read with; nothing more is to be written. Raises msgspec.DecodeError."""
        held = _decode_dumped(dumped)
        book = cls(held.dictionary, number)
        book._prototypes = held.prototypes
        return book

    def successor(self) -> Book:
        """The next one, with the same text."""
        return Book(self._dictionary, self.number + 1)

    def _recurs(self, annotation: Annotation) -> bool:
        value = annotation.value
        if not isinstance(value, str):
            return isinstance(value, bool)
        values = self._values.get(annotation.key)
        if values is None:
            if len(self._values) >= _MOST_KEYS or len(annotation.key) > _LONGEST_VALUE:
                return False
            values = self._values[annotation.key] = set()
        if value in values:
            return True
        if len(values) >= _MOST_VALUES or len(value) > _LONGEST_VALUE:
            return False
        values.add(value)
        return True

    def _place(self, prototype: Summary) -> int | Summary:
        encoded = _encode(prototype)
        number = self._numbers.get(encoded)
        if number is not None:
            return number
        if len(encoded) > _LARGEST_PROTOTYPE or len(self._prototypes) >= _MOST_PROTOTYPES:
            return prototype
        # decoded anew, so that it shares nothing with the caller's
        self._prototypes.append(_decode_summary(encoded))
        number = self._numbers[encoded] = len(self._prototypes) - 1
        return number


class Learning:
    """Gathers the text for the next book: documents that what was gathered before does not help to compress."""

    def __init__(self) -> None:
        self.dictionary = b""

    def look_at(self, documents: Sequence[bytes]) -> None:
        """Take from one trace's documents those that are news. At most _MOST_SAMPLES small compressions."""
        for document in documents[-_MOST_SAMPLES:]:
            if len(document) > min(_LONGEST_SAMPLE, _DICTIONARY_BYTES - len(self.dictionary)):
                continue
            if len(_deflate(document, self.dictionary)) > _NOVEL * len(document):
                self.dictionary += document


def _deflate(data: bytes, dictionary: bytes) -> bytes:
    deflating = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zdict=dictionary)
    return deflating.compress(data) + deflating.flush()
