"""X-Ray of one Region: the traces, bounded in bytes."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from kit.emulator.clock import Clock
from kit.emulator.xray.book import Book
from kit.emulator.xray.documents import Document, DocumentError, read_document
from kit.emulator.xray.sampling import Sampling
from kit.emulator.xray.sealed import SealedTrace, Sealer
from kit.emulator.xray.summary import Summary, summarise
from kit.emulator.xray.trace import Trace

log = logging.getLogger(__name__)

# At some 870 bytes a sealed trace of the shop's, 38,000 of them: 13 minutes of 47 requests a second.
CAP_BYTES = 32 * 1024 * 1024

# A trace is sealed when nothing has come for it so long; sooner if the open ones take more than their share of the cap.
_QUIET_S = 5.0
_OPEN_SHARE = 0.25
# More than the one trace that a document can open, so that sealing keeps up, in slices that nobody waits for.
_SEALED_AT_ONCE = 2

Held = Trace | SealedTrace

_by_start = attrgetter("start", "id")


class Engine:
    """One Region of one account. Memory is bounded by ``cap_bytes``: the traces that began first are dropped first.

    put ──▶ open: documents as they came ──(quiet for some seconds)──▶ sealed: one piece, and a summary's facts
              ▲                                                          │
              └──────────────────(a late document)───────────────────────┘
    """

    def __init__(self, region: str, account: str, clock: Clock, cap_bytes: int = CAP_BYTES) -> None:
        self.region = region
        self.account = account
        self._clock = clock
        self._cap = cap_bytes
        self._lock = threading.RLock()
        self._traces: dict[str, Held] = {}
        self._arrivals: deque[str] = deque()  # a dict finds its own first key slowly once many are gone
        self._open: OrderedDict[str, Trace] = OrderedDict()  # the one that has been quiet longest is first
        self._cost = self._open_cost = 0
        self._documents = self._refused = self._dropped = 0
        self._sealing = threading.Lock()
        self._sealer = Sealer()
        self._touched: dict[str, None] | None = None
        self.sampling = Sampling(region, account, clock.now())

    def put(self, raw: bytes) -> None:
        """Store one segment document. Raises DocumentError, and counts it."""
        try:
            document = read_document(raw)
        except DocumentError:
            with self._lock:
                self._refused += 1
            raise
        now = self._clock.now()
        with self._lock:
            trace = self._opened(document, now)
            before = trace.cost
            self._refused += not trace.add(document, now)
            if self._touched is not None:
                self._touched[trace.id] = None
            self._documents += 1
            self._cost += trace.cost - before
            self._open_cost += trace.cost - before
            while self._cost > self._cap and len(self._traces) > 1:
                self._drop_oldest()
            due = self._due(now) is not None
        if due:
            self._seal_some(now)

    def take_document(self, raw: bytes) -> bool:
        """Store one document of the daemon's; False if it is not a good one."""
        try:
            self.put(raw)
        except DocumentError as error:
            log.info("a segment document was refused: %s", error)
            return False
        return True

    def between(self, start: float, end: float, kind: str, after: tuple[float, str] | None = None) -> list[Held]:
        """Traces by start time, whose start (``TraceId``), last update (``Event``) or end (``Service``) is within
        ``start`` and ``end``, in epoch seconds; only those that come after the trace of this start and id."""
        with self._lock:
            held = list(self._traces.values())
        if kind == "TraceId":
            first = start if after is None else max(start, after[0])
            chosen = [trace for trace in held if first <= trace.start <= end]
        else:
            chosen = [trace for trace in held if start <= _time(trace, kind) <= end]
        if after is not None:
            chosen = [trace for trace in chosen if (trace.start, trace.id) > after]
        return sorted(chosen, key=_by_start)

    def summary(self, trace: Held) -> Summary:
        """A trace's summary; not under the lock, so that segments come in meanwhile."""
        if isinstance(trace, SealedTrace):
            return trace.summary()
        with self._lock:
            documents = list(trace.documents.values())
        return summarise(documents, self.account)

    def trace(self, trace_id: str) -> tuple[Held, Sequence[Document]] | None:
        """A trace and its documents; None if it isn't here."""
        with self._lock:
            trace = self._traces.get(trace_id.lower())
            if isinstance(trace, Trace):
                return trace, list(trace.documents.values())
        return (trace, trace.documents()) if trace else None

    def sampling_target(self, client: str) -> Mapping[str, Any]:
        """See Sampling.target."""
        with self._lock:
            return self.sampling.target(client, self._clock.now())

    def counts(self) -> Mapping[str, int]:
        """For the health page."""
        with self._lock:
            return {
                "documents": self._documents,
                "refused": self._refused,
                "traces": len(self._traces),
                "traces_open": len(self._open),
                "traces_dropped": self._dropped,
                "bytes": self._cost,
            }

    def _opened(self, document: Document, now: float) -> Trace:
        """The open trace that a document belongs to: as it is, unsealed, or a new one."""
        trace_id = document.trace_id
        held = self._traces.get(trace_id)
        if not isinstance(held, Trace):
            if held is None:
                trace = Trace(trace_id, document.start, now)
                self._arrivals.append(trace_id)
            else:
                trace = held.opened()
                self._cost -= held.cost
            self._traces[trace_id] = held = trace
            self._cost += trace.cost
            self._open_cost += trace.cost
        self._open[trace_id] = held
        self._open.move_to_end(trace_id)
        return held

    def _seal_some(self, now: float) -> None:
        if not self._sealing.acquire(blocking=False):
            return  # someone is at it
        try:
            for _ in range(_SEALED_AT_ONCE):
                with self._lock:
                    trace = self._due(now)
                    if trace is None:
                        return
                    del self._open[trace.id]  # a document that comes meanwhile puts it back
                    revision, documents = trace.revision, list(trace.documents.values())
                sealed = self._sealer.seal(trace, documents, summarise(documents, self.account))
                with self._lock:
                    unchanged = (trace.revision, trace.limit_exceeded) == (revision, sealed.limit_exceeded)
                    if unchanged and self._traces.get(trace.id) is trace:
                        self._replace(trace, sealed)
        finally:
            self._sealing.release()

    def _due(self, now: float) -> Trace | None:
        """The open trace that has been quiet longest, if it is to be sealed."""
        for trace in self._open.values():
            if now - trace.updated >= _QUIET_S or self._open_cost > self._cap * _OPEN_SHARE:
                return trace
            break
        return None

    def _replace(self, trace: Trace, sealed: SealedTrace) -> None:
        self._traces[trace.id] = sealed
        if self._touched is not None:
            self._touched[trace.id] = None
        self._open.pop(trace.id, None)
        self._cost += sealed.cost - trace.cost
        self._open_cost -= trace.cost

    def _drop_oldest(self) -> None:
        if not self._dropped:
            log.warning("traces reached their cap of %d bytes; the oldest are dropped from now on", self._cap)
        gone = self._traces.pop(self._arrivals.popleft())
        self._cost -= gone.cost
        if self._touched is not None:
            self._touched[gone.id] = None
        if isinstance(gone, Trace):
            self._open.pop(gone.id, None)
            self._open_cost -= gone.cost
        self._dropped += 1

    # -- keeping

    @contextmanager
    def touched(self) -> Iterator[dict[str, None]]:
        """The ids of traces that changed, or went, since it was last emptied; within the block nothing changes.

        The first call begins it.
        """
        with self._lock:
            if self._touched is None:
                self._touched = {}
            yield self._touched

    def held(self, trace_id: str) -> Held | None:
        """The trace as it is held."""
        return self._traces.get(trace_id)

    def ids(self) -> list[str]:
        """All traces' ids, in the order in which they first came."""
        with self._lock:
            return list(self._arrivals)

    def go_on_after(self, book: Book) -> None:
        """Call it with each book of an earlier run, so that later ones have numbers of their own."""
        self._sealer.go_on_after(book)

    def restore(self, held: Held) -> None:
        """Take a trace as it was, after those that came before it."""
        with self._lock:
            self._traces[held.id] = held
            self._arrivals.append(held.id)
            self._cost += held.cost
            if isinstance(held, Trace):
                self._open[held.id] = held
                self._open_cost += held.cost
            while self._cost > self._cap and len(self._traces) > 1:
                self._drop_oldest()


def _time(trace: Held, kind: str) -> float:
    if kind == "Event":
        return trace.updated
    if kind == "Service":
        return trace.end if trace.end is not None else trace.updated
    return trace.start
