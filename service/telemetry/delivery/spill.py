"""Batches on disk: a row of segment files for one signal of one process, written at one end and read at the other.

A frame is its header (magic, bytes, CRC-32, records it stands for) and the batch as compressed MessagePack. A torn or
damaged frame ends its segment: what follows cannot be found. Nothing is synchronised to the platter: the files are
there for the end of a process, not of a machine.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .batch import Batch, Record, batch

HEADER = struct.Struct("<IIII")
MAGIC = 0x314C5053  # "SPL1", little-endian
FRAME_BYTES = 64 << 20
SEGMENT_BYTES = 4 << 20
SUFFIX = ".spill"
NAME = re.compile(r"(?P<process>.+)\.(?P<signal>[a-z]+)\.(?P<number>\d+)\.(?P<offset>\d+)\.spill")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bool, list[Record]]).decode


@dataclass(slots=True)
class Segment:
    """One file. ``offset``: where its first undelivered frame starts; ``end``: where writing goes on.

    ``written`` and ``delivered`` count accepted records: each has one thread that changes it.
    """

    path: Path
    number: int
    offset: int = 0
    end: int = 0
    written: int = 0
    delivered: int = 0


class Spill:
    """At most ``max_bytes`` on disk. One thread writes, another reads; a third may adopt.

    ``prefix``: directory and the process's name; the segments are ``<prefix>.<signal>.<number>.<offset>.spill``.
    ``trouble`` says why the last write failed ("" for the cap), ``lost`` counts records that could not be read again.
    """

    def __init__(self, prefix: Path, signal: str, max_bytes: int) -> None:
        self.trouble = ""
        self.lost = 0
        self._prefix = prefix
        self._signal = signal
        self._max_bytes = max_bytes
        self._segments: deque[Segment] = deque()
        self._number = 0  # of the last segment
        self._fd = -1  # of the last segment, while it is written to
        self._writing = threading.Lock()

    def waiting(self) -> int:
        """Records on disk."""
        return sum(segment.written - segment.delivered for segment in list(self._segments))

    def empty(self) -> bool:
        """Whether nothing is left to deliver; a batch may stand for no accepted record, and is a batch all the same."""
        return all(segment.offset >= segment.end for segment in list(self._segments))

    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.end for segment in list(self._segments))

    def write(self, one: Batch) -> bool:
        """Append a batch; False, with ``trouble`` set, when it does not fit or the disk fails."""
        self.trouble = ""
        weight = one.weight
        body = zlib.compress(_encode((one.unanswered, one.records)), 1)
        frame = HEADER.pack(MAGIC, len(body), zlib.crc32(body), weight) + body
        if self.size() + len(frame) > self._max_bytes:
            return False
        with self._writing:
            try:
                segment = self._last(len(frame))
                self._append(segment, frame)
            except OSError as error:
                self.trouble = error.strerror or str(error)
                return False
            segment.written += weight
            segment.end += len(frame)  # last: the reader goes by it
        return True

    def _last(self, size: int) -> Segment:
        """The segment to append to, with its file open."""
        if self._fd >= 0:
            last = self._segments[-1]
            if last.end + size <= SEGMENT_BYTES:
                return last
            self.seal()
        path = self._path(self._number + 1, 0)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._number += 1
        self._segments.append(Segment(path, self._number))
        return self._segments[-1]

    def _append(self, segment: Segment, frame: bytes) -> None:
        """Write a frame, or nothing of it."""
        written = 0
        try:
            written = os.write(self._fd, frame)
        finally:
            if written != len(frame):
                try:
                    os.ftruncate(self._fd, segment.end)
                except OSError:
                    self.seal()  # its end is torn
        if written != len(frame):
            raise OSError(0, "the disk is full")

    def _path(self, number: int, offset: int) -> Path:
        return self._prefix.with_name(f"{self._prefix.name}.{self._signal}.{number:06d}.{offset}{SUFFIX}")

    def seal(self) -> None:
        """Let go of the file that is written to; the next write starts another."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def read(self) -> tuple[Batch, Segment, int] | None:
        """The oldest batch, its segment and the end of its frame; None when there is none."""
        while self._segments:
            segment = self._segments[0]
            open_still = self._fd >= 0 and segment.number == self._number
            if segment.offset < segment.end:
                if (found := _read(segment)) is not None:
                    return found[0], segment, found[1]
                self.lost += segment.written - segment.delivered
                segment.delivered = segment.written
                segment.offset = segment.end
            if open_still:
                return None
            if segment.offset >= segment.end:
                with suppress(OSError):
                    segment.path.unlink()
                self._segments.popleft()
        return None

    def done(self, segment: Segment, end: int, weight: int) -> None:
        """That batch is delivered."""
        segment.delivered += weight
        segment.offset = end

    def adopt(self, path: Path, offset: int, end: int, weight: int) -> None:
        """Take over a segment of a process that has ended. Raises OSError."""
        with self._writing:
            self.seal()
            mine = self._path(self._number + 1, offset)
            path.rename(mine)
            self._number += 1
            self._segments.append(Segment(mine, self._number, offset, end, weight))


def frames(path: Path, offset: int) -> Iterator[tuple[int, int]]:
    """(end, weight) of each sound frame from ``offset`` on. Raises OSError."""
    with path.open("rb") as file:
        file.seek(offset)
        while (frame := _frame(file.read)) is not None:
            offset += HEADER.size + len(frame[0])
            yield offset, frame[1]


def _read(segment: Segment) -> tuple[Batch, int] | None:
    try:
        with segment.path.open("rb") as file:
            file.seek(segment.offset)
            frame = _frame(file.read)
        if frame is None:
            return None
        unanswered, records = _decode(zlib.decompress(frame[0]))
    except (OSError, zlib.error, msgspec.DecodeError):
        return None
    one = batch(records)
    one.unanswered = unanswered
    return one, segment.offset + HEADER.size + len(frame[0])


def _frame(read: Callable[[int], bytes]) -> tuple[bytes, int] | None:
    """(body, weight) of the frame that comes next; None at the end, and where it is torn or damaged."""
    head = read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    magic, size, crc, weight = HEADER.unpack(head)
    if magic != MAGIC or size > FRAME_BYTES:
        return None
    body = read(size)
    return (body, weight) if len(body) == size and zlib.crc32(body) == crc else None
