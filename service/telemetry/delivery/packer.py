"""Gathers encoded records into batches of a size that one call takes."""

from __future__ import annotations

from collections.abc import Callable

from .batch import RECORD_OVERHEAD, Batch, Record

BATCH_BYTES = 256 * 1024
BATCH_RECORDS = 1_000


class Packer:
    """``add`` records; ``put`` gets a batch when it is full, and at ``flush`` when it has waited ``linger`` seconds."""

    def __init__(self, put: Callable[[Batch], None], linger: float, most: int = BATCH_RECORDS) -> None:
        self._put = put
        self._linger = linger
        self._most = most
        self._records: list[Record] = []
        self._size = 0
        self._since = 0.0

    def add(self, record: Record) -> None:
        """Take one record."""
        size = len(record.text) + RECORD_OVERHEAD
        if self._records and (self._size + size > BATCH_BYTES or len(self._records) >= self._most):
            self.flush()
        self._records.append(record)
        self._size += size

    def flush(self, now: float | None = None) -> None:
        """Hand over what is there; with ``now`` (any clock), only what has waited for long enough."""
        if not self._records:
            self._since = 0.0
            return
        if now is not None:
            if not self._since:
                self._since = now
            if 0 <= now - self._since < self._linger:
                return
        batch = Batch(self._records, self._size)
        self._records, self._size, self._since = [], 0, 0.0
        self._put(batch)
