"""One signal's thread: takes batches from its outbox, sends, backs off, and tells what became of them."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from .batch import Batch, Outcome, Transport, batch
from .counts import UNANSWERED
from .outbox import Held, Outbox

log = logging.getLogger(__name__)

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 5.0
CLOSING_BACKOFF = 0.2
LAST_SECONDS = 1.0
NOBODY_LISTENS = frozenset({"NewConnectionError", "ConnectionRefusedError"})

senders: set[int] = set()
"""The threads of this room, by get_ident(): what they log is never delivered by themselves."""
os.register_at_fork(after_in_child=senders.clear)


class Sender:
    """Delivers what is put, at least once. Its thread starts with the first batch."""

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self.outbox = outbox
        self._transport = transport
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._failing = ""
        self._refused_at = 0.0  # monotonic; first while closing

    def put(self, one: Batch) -> None:
        """Hand over a batch; never waits."""
        self.outbox.put(one)
        self.start()

    def start(self) -> None:
        """Start the thread, if it does not run."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"telemetry {self.outbox.signal}", daemon=True)
                with suppress(RuntimeError):  # the interpreter is shutting down; close() stores what is there
                    thread.start()
                    self._thread = thread

    def close(self) -> None:
        """Wait for the thread until the outbox's deadline; what is left then goes to disk."""
        if self._thread is not None and self.outbox.deadline is not None:
            self._thread.join(max(0.0, self.outbox.deadline - time.monotonic()))
        self.outbox.seal()
        self._transport.close()

    def _run(self) -> None:
        me = threading.get_ident()
        senders.add(me)
        try:
            while (held := self.outbox.take()) is not None and self._deliver(held):
                pass
        finally:
            senders.discard(me)

    def _deliver(self, held: Held) -> bool:
        """Send until all of it is taken or refused; False when closing leaves no time for that.

        Each call's outcome is noted at once, so that a killed process has counted all but the call on its way.
        """
        attempt = 0
        while held.left:
            one = held.left[-1]
            outcome = self._try(one)
            if outcome.poison and len(one) > 1:
                # One record may spoil the call for all: halving finds it.
                half = len(one) // 2
                if not self.outbox.settle(held, 0, 0, [_part(one, range(half, len(one))), _part(one, range(half))]):
                    return False
                continue
            refused = sum(one.records[position].weight for position in outcome.refused)
            rest = [_part(one, outcome.again)] if outcome.again else []
            taken = one.weight - refused - sum(part.weight for part in rest)
            if not self.outbox.settle(held, taken, refused, rest):
                return False
            if refused:
                self._refused(refused, outcome.trouble)
            self._report(outcome.trouble if outcome.again else "")
            if outcome.again and (outcome.trouble or len(outcome.again) == len(one)):
                if not self._pause(attempt, outcome.trouble):
                    break
                attempt += 1
            else:
                attempt = 0
        self.outbox.finish(held)
        return not held.left

    def _try(self, one: Batch) -> Outcome:
        try:
            outcome = self._transport.send(one)
        except Exception as error:  # whatever it was, the next attempt must find the sender alive
            log.debug("a call failed", exc_info=True)
            outcome = Outcome.retry(one, type(error).__name__)
        if outcome.unanswered and not one.unanswered:
            one.unanswered = True
            self.outbox.counts.add(self.outbox.signal, UNANSWERED, one.weight)
        return outcome

    def _pause(self, attempt: int, trouble: str) -> bool:
        """Wait before the next attempt; False when there will be none."""
        delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(attempt, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter
        if self.outbox.deadline is None:
            self.outbox.wait(delay)
            return True
        # Closing: the disk will keep it. Without one, a second more where nobody listens, else all the time there is.
        if self.outbox.spill is not None:
            return False
        until = self.outbox.deadline
        if trouble in NOBODY_LISTENS:
            self._refused_at = self._refused_at or time.monotonic()
            until = min(until, self._refused_at + LAST_SECONDS)
        time.sleep(max(0.0, min(CLOSING_BACKOFF, until - time.monotonic())))
        return time.monotonic() < until

    def _refused(self, n: int, trouble: str) -> None:
        log.warning("%s: the service refuses %d records for good (%s)", self.outbox.signal, n, trouble or "rejected")

    def _report(self, trouble: str) -> None:
        """One line when delivery starts to fail and one when it is well again (to stdout: senders never feed back)."""
        signal = self.outbox.signal
        if trouble and not self._failing:
            log.warning("delivery of %s fails and is tried again: %s", signal, trouble)
        elif self._failing and not trouble:
            log.warning("delivery of %s works again", signal)
        self._failing = trouble


def _part(whole: Batch, positions: Iterable[int]) -> Batch:
    part = batch([whole.records[position] for position in positions])
    part.unanswered = whole.unanswered
    return part
