"""Answers shared for a moment: many tabs, one call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from kit.errors import KitError

T = TypeVar("T")

MAX_KEYS = 64


class Fresh:
    """Keeps what a key's call gave, or how it failed, for ``seconds``; equal calls at one time wait for the first."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._running: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, call: Callable[[], T]) -> T:
        """What ``call`` gives, or gave a moment ago. Raises what it raised."""
        with self._guard:
            lock = self._running.setdefault(key, threading.Lock())
        with lock:
            at, outcome = self._kept.get(key, (float("-inf"), None))
            if self._clock() - at >= self._seconds:
                try:
                    outcome = call()
                except KitError as error:
                    outcome = error
                self._keep(key, outcome)
        if isinstance(outcome, KitError):
            raise outcome
        given: T = outcome  # by ``call`` for this key
        return given

    def size(self) -> int:
        """How many answers are kept."""
        with self._guard:
            return len(self._kept)

    def _keep(self, key: Hashable, outcome: Any) -> None:
        with self._guard:
            self._kept.pop(key, None)
            self._kept[key] = (self._clock(), outcome)
            while len(self._kept) > MAX_KEYS:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
                self._running.pop(oldest, None)
