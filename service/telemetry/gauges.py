"""What is read rather than counted. The peaks are since the last reading."""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path


class Gauges:
    """Requests in flight, pooled connections in use, resident memory of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A set's own methods are whole: no lock for what each request does twice.
        self._in_flight: set[object] = set()
        self._in_flight_peak = 0
        self.leave = self._in_flight.discard
        """A request has ended."""
        self._pools: list[Callable[[], int]] = []
        self._pool_peak = 0

    def enter(self, request: object) -> None:
        """A request has begun."""
        self._in_flight.add(request)
        now = len(self._in_flight)
        # No call between the look and the store: no other thread comes between.
        if now > self._in_flight_peak:  # noqa: PLR1730 - max is a call
            self._in_flight_peak = now

    def busy(self) -> bool:
        """Whether a request is in flight."""
        return bool(self._in_flight)

    def reset(self) -> None:
        """In a child after a fork: nothing is in flight here, and the lock may have been held there."""
        self._lock = threading.Lock()
        self._in_flight.clear()
        self._in_flight_peak = self._pool_peak = 0

    def add_pool(self, in_use: Callable[[], int]) -> None:
        """Watch a connection pool: in_use() says how many connections are out."""
        self._pools.append(in_use)

    def pool_changed(self) -> None:
        """A connection was taken."""
        with self._lock:
            self._pool_peak = max(self._pool_peak, sum(in_use() for in_use in self._pools))

    def read(self) -> dict[str, float]:
        """By metric name; no PoolInUse without a pool."""
        found: dict[str, float] = {"ProcessMemory": resident_bytes()}
        with self._lock:
            found["InFlight"], self._in_flight_peak = self._in_flight_peak, len(self._in_flight)
            if self._pools:
                now = sum(in_use() for in_use in self._pools)
                found["PoolInUse"], self._pool_peak = max(self._pool_peak, now), now
        return found


def resident_bytes() -> int:
    """Resident memory now on Linux, the highest so far elsewhere."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
