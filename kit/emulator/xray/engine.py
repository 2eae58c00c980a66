"""X-Ray of one Region: the traces, bounded in bytes."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from kit.emulator.clock import Clock
from kit.emulator.xray.documents import Document, DocumentError, read_document
from kit.emulator.xray.sampling import Sampling
from kit.emulator.xray.summary import Summary, decode, encode, summarise
from kit.emulator.xray.trace import Trace

log = logging.getLogger(__name__)

_CAP_BYTES = 32 * 1024 * 1024


class Engine:
    """One Region of one account. Memory is bounded by ``cap_bytes``: the traces that began first are dropped first."""

    def __init__(self, region: str, account: str, clock: Clock, cap_bytes: int = _CAP_BYTES) -> None:
        self.region = region
        self.account = account
        self._clock = clock
        self._cap = cap_bytes
        self._lock = threading.RLock()
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._cost = 0
        self._documents = self._refused = self._dropped = 0
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
            trace = self._traces.get(document.trace_id)
            if trace is None:
                trace = self._traces[document.trace_id] = Trace(document.trace_id, document, now)
                self._cost += trace.cost
            before = trace.cost
            self._refused += not trace.add(document, now)
            self._documents += 1
            self._cost += trace.cost - before
            while self._cost > self._cap and len(self._traces) > 1:
                self._drop_oldest()

    def take_document(self, raw: bytes) -> bool:
        """Store one document of the daemon's; False if it is not a good one."""
        try:
            self.put(raw)
        except DocumentError as error:
            log.info("a segment document was refused: %s", error)
            return False
        return True

    def between(self, start: float, end: float, kind: str) -> list[Trace]:
        """Traces by start time, whose start (``TraceId``), last update (``Event``) or end (``Service``) is within
        ``start`` and ``end``, in epoch seconds."""
        with self._lock:
            chosen = [trace for trace in self._traces.values() if start <= _time(trace, kind) <= end]
        return sorted(chosen, key=lambda trace: (trace.start, trace.id))

    def summary(self, trace: Trace) -> Summary:
        """A trace's summary, made once for each revision; not under the lock, so that segments come in meanwhile."""
        with self._lock:
            encoded, revision, documents = trace.summary, trace.revision, list(trace.documents.values())
        if encoded is not None:
            return decode(encoded)
        summary = summarise(documents, self.account)
        with self._lock:
            if trace.revision == revision:
                trace.summary = encode(summary)
        return summary

    def trace(self, trace_id: str) -> tuple[Trace, Sequence[Document]] | None:
        """A trace and its documents; None if it isn't here."""
        with self._lock:
            trace = self._traces.get(trace_id.lower())
            return (trace, list(trace.documents.values())) if trace else None

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
                "traces_dropped": self._dropped,
                "bytes": self._cost,
            }

    def _drop_oldest(self) -> None:
        if not self._dropped:
            log.warning("traces reached their cap of %d bytes; the oldest are dropped from now on", self._cap)
        _, gone = self._traces.popitem(last=False)
        self._cost -= gone.cost
        self._dropped += 1


def _time(trace: Trace, kind: str) -> float:
    if kind == "Event":
        return trace.updated
    if kind == "Service":
        return trace.end if trace.end is not None else trace.updated
    return trace.start
