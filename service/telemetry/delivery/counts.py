"""What a process has accepted and what became of it, in a mapped file that a killed process leaves behind.

A store into a mapped file costs no system call and is the kernel's at once: ``kill -9`` loses none of it, only the end
of the machine does. The file is locked for as long as its process lives; who gets the lock afterwards is its heir.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MAGIC = 0x32544E5543454C54  # "TLECUNT2", little-endian
FILE_BYTES = 16_384
SUFFIX = ".counts"

CAUSES = ("queue", "memory and disk", "disk", "refused", "encoding", "closed")
"""Why a record was dropped: the request threads were faster than the encoder; both caps were reached; the disk took
nothing or gave nothing back; the service refuses it; it could not be encoded; the process ended."""

# The cells of one signal, after those of the inputs.
ACKNOWLEDGED = 0
OMITTED = 1  # left out on purpose
UNANSWERED = 2  # sent again, or to be, after a call without an answer
ADOPTED = 3  # taken over from processes that have ended
LOST = 4  # what those took with them
TOLD_LOST = 5  # how much of it stands in a metric
TOLD_DROPPED = 6
POSITION = 7  # number of the segment that is read << 40 | where its first undelivered frame starts
DROPPED = 8
PER_SIGNAL = DROPPED + len(CAUSES)


class Counts:
    """The numbers of one process. Every cell has one thread that writes it, but for those of the inputs (intake.Cell).

    ``signals``: for each signal the inputs whose items are accepted for it (one may count for several). ``path`` None
    keeps the numbers in memory only. Raises OSError; BlockingIOError for the file of a process that lives.
    """

    def __init__(self, path: Path | None, signals: Mapping[str, Sequence[str]]) -> None:
        self.path = path
        self.signals = signals
        inputs = sorted({name for names in signals.values() for name in names})
        self._inputs = {name: 1 + 2 * number for number, name in enumerate(inputs)}
        first = 1 + 2 * len(inputs)
        self._first = {name: first + PER_SIGNAL * number for number, name in enumerate(signals)}
        self._fd = -1
        self.cells = memoryview(bytearray(FILE_BYTES) if path is None else self._open(path)).cast("Q")
        if self.cells[0] == 0:
            self.cells[0] = MAGIC
        self.valid = self.cells[0] == MAGIC

    def _open(self, path: Path) -> mmap.mmap:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self._fd).st_size != FILE_BYTES:
                os.ftruncate(self._fd, 0)
                # Real blocks, not a hole: a store into a hole of a full disk would kill the process (SIGBUS).
                if os.write(self._fd, bytes(FILE_BYTES)) != FILE_BYTES:
                    raise OSError(0, "the disk is full")
            # Not of the same file description: the map keeps its own, which would keep the lock.
            other = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return mmap.mmap(other, FILE_BYTES)
            finally:
                os.close(other)
        except BaseException:
            self.forget()
            raise

    def offered(self, name: str) -> memoryview:
        """The cell in which the input of that name counts what it is offered."""
        start = self._inputs[name]
        return self.cells[start : start + 1]

    def refused(self, name: str) -> memoryview:
        """The cell in which the input of that name counts what it drops."""
        start = self._inputs[name] + 1
        return self.cells[start : start + 1]

    def get(self, signal: str, cell: int) -> int:
        """A cell of a signal."""
        return self.cells[self._first[signal] + cell]

    def put(self, signal: str, cell: int, n: int) -> None:
        """Set a cell of a signal."""
        self.cells[self._first[signal] + cell] = n

    def add(self, signal: str, cell: int, n: int) -> None:
        """Count n more in a cell of a signal."""
        self.cells[self._first[signal] + cell] += n

    def drop(self, signal: str, cause: str, n: int) -> None:
        """Count n dropped records of a signal."""
        self.add(signal, DROPPED + CAUSES.index(cause), n)

    def accepted(self, signal: str) -> int:
        """Records that were to be delivered, those taken over included."""
        return sum(self.offered(name)[0] for name in self.signals[signal]) + self.get(signal, ADOPTED)

    def dropped(self, signal: str) -> dict[str, int]:
        """Records dropped, by cause."""
        found = {cause: self.get(signal, DROPPED + number) for number, cause in enumerate(CAUSES)}
        found["queue"] += sum(self.refused(name)[0] for name in self.signals[signal])
        return found

    def unsettled(self, signal: str) -> int:
        """Accepted records of which nothing is known yet: waiting, or, in a process that has ended, spilled or lost."""
        settled = self.get(signal, ACKNOWLEDGED) + self.get(signal, OMITTED) + sum(self.dropped(signal).values())
        return max(0, self.accepted(signal) - settled)

    def untold(self, signal: str) -> tuple[int, int]:
        """(dropped, lost) records that stand in no metric yet."""
        dropped = sum(self.dropped(signal).values()) - self.get(signal, TOLD_DROPPED)
        return dropped, self.get(signal, LOST) - self.get(signal, TOLD_LOST)

    def has_its_name(self) -> bool:
        """Whether the file is still there under its name: its last owner may have removed it just before the lock."""
        if self.path is None:
            return True
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._fd), self.path.stat())
        return False

    def forget(self) -> None:
        """Let the file go as it is. In a forked child this leaves the parent's lock alone."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def remove(self) -> None:
        """There is nothing left to tell."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
        self.forget()
