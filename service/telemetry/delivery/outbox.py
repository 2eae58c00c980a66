"""What waits for one endpoint: batches in memory up to a cap, then on disk up to another, then none.

What comes when memory is full goes to disk, so that what is in memory stays where it is; the sender takes from memory
first, and drains the disk when memory is empty: after an outage the newest data are in time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from .batch import Batch
from .counts import ACKNOWLEDGED, POSITION, UNANSWERED, Counts
from .heir import position
from .spill import Segment, Spill

log = logging.getLogger(__name__)


class Held:
    """What the sender has of a batch, and where it came from.

    ``left``: parts that are still to be sent, the next one last. A frame of the disk is done with as a whole, so what
    became of its parts is noted here until then.
    """

    __slots__ = ("end", "left", "refused", "segment", "taken", "weight")

    def __init__(self, batch: Batch, segment: Segment | None = None, end: int = 0) -> None:
        self.left = [batch]
        self.weight = batch.weight
        self.segment = segment
        self.end = end
        self.taken = self.refused = 0


class Outbox:
    """``put`` is the encoder's, ``take``, ``finish`` and ``wait`` the sender's, the rest is who closes."""

    def __init__(self, signal: str, counts: Counts, spill: Spill | None, max_bytes: int) -> None:
        self.signal = signal
        self.counts = counts
        self.spill = spill
        self.deadline: float | None = None  # monotonic; set when closing begins
        self._max_bytes = max_bytes
        self._batches: deque[Batch] = deque()
        self._held: Held | None = None
        self._bytes = 0  # of the batches in memory, a held one included
        self._changed = threading.Condition(threading.Lock())
        self._sealed = False
        self._full = False

    def put(self, batch: Batch) -> None:
        """Keep a batch; never waits for the endpoint. Drops and counts it past both caps."""
        with self._changed:
            if not self._sealed and (self._bytes + batch.size <= self._max_bytes or not self._bytes):
                self._batches.append(batch)
                self._bytes += batch.size
                self._changed.notify()
                return
        if not self._store(batch):
            trouble = self.spill.trouble if self.spill is not None else ""
            self._drop(batch, "disk" if trouble else "memory and disk", trouble)

    def waiting(self) -> int:
        """Accepted records in memory and on disk."""
        with self._changed:
            held = self._held
            memory = [*self._batches, *(held.left if held is not None and held.segment is None else [])]
        return sum(batch.weight for batch in memory) + (self.spill.waiting() if self.spill is not None else 0)

    def take(self) -> Held | None:
        """Wait for a batch; None when closing and nothing is left, or no time."""
        while True:
            with self._changed:
                if self._sealed or (self.deadline is not None and time.monotonic() >= self.deadline):
                    return None
                if self._batches:
                    self._held = Held(self._batches.popleft())
                    return self._held
            spilled = self.spill.read() if self.spill is not None else None
            with self._changed:
                if spilled is not None and not self._sealed:
                    self._held = Held(*spilled)
                    self._bytes += self._held.left[0].size
                    return self._held
                if not self._batches:
                    if self.deadline is not None:
                        return None
                    self._changed.wait()

    def settle(self, held: Held, taken: int, refused: int, rest: list[Batch]) -> bool:
        """Note what became of the part sent last, as ``rest`` is what remains of it; False if the end came before."""
        with self._changed:
            if self._sealed or self._held is not held:
                return False  # it is stored already, and counted as unanswered
            self._bytes -= held.left.pop().size - sum(batch.size for batch in rest)
            held.left += rest
            if held.segment is None:
                self._count(taken, refused)
            else:
                held.taken += taken
                held.refused += refused
            return True

    def finish(self, held: Held) -> None:
        """The sender is done with a batch, or gives the rest of it back before the end."""
        with self._changed:
            if self._sealed or self._held is not held:
                return
            self._held = None
            if held.segment is None:
                self._batches.extendleft(held.left)
                return
            self._bytes -= sum(batch.size for batch in held.left)
            if held.left:
                return  # its frame stays as it is, and comes again as a whole
            self._count(held.taken, held.refused)
        if self.spill is not None:
            self.spill.done(held.segment, held.end, held.weight)
            self.counts.put(self.signal, POSITION, position(held.segment.number, held.end))

    def _count(self, taken: int, refused: int) -> None:
        self.counts.add(self.signal, ACKNOWLEDGED, taken)
        if refused:
            self.counts.drop(self.signal, "refused", refused)

    def wait(self, seconds: float) -> bool:
        """Sleep; False at once when closing."""
        until = time.monotonic() + seconds
        with self._changed:
            while self.deadline is None:
                if (left := until - time.monotonic()) <= 0:
                    return True
                self._changed.wait(left)
        return False

    def wake(self) -> None:
        """There may be something new on disk."""
        with self._changed:
            self._changed.notify()

    def begin_close(self, deadline: float) -> None:
        """Let the sender end when nothing is left, and at the deadline (monotonic seconds) anyway."""
        with self._changed:
            self.deadline = deadline
            self._changed.notify()

    def seal(self) -> None:
        """The end: what is still here goes to disk; what does not fit is dropped."""
        with self._changed:
            self._sealed = True
            held, self._held = self._held, None
            left = list(self._batches)
            self._batches.clear()
            self._changed.notify()
        if held is not None and held.segment is None:
            if held.left and not held.left[-1].unanswered:
                held.left[-1].unanswered = True
                self.counts.add(self.signal, UNANSWERED, held.left[-1].weight)
            left = [*reversed(held.left), *left]
        for batch in left:
            if not self._store(batch):
                self._drop(batch, "closed", self.spill.trouble if self.spill is not None else "")
        if self.spill is not None:
            self.spill.seal()
            if self.spill.empty():
                self.spill.read()  # removes what is done with

    def _store(self, batch: Batch) -> bool:
        return self.spill is not None and self.spill.write(batch)

    def _drop(self, batch: Batch, cause: str, trouble: str) -> None:
        self.counts.drop(self.signal, cause, batch.weight)
        if not self._full:
            self._full = True  # one line a process: the counts go on in TelemetryDropped
            why = f"{cause}: {trouble}" if trouble else cause
            log.warning("%s: %d records were dropped (%s); more will not be told here", self.signal, batch.weight, why)
