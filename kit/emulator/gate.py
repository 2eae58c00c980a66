"""Lets all requests pass at once, until someone needs the engines for itself alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """``with gate:`` is to be within; ``with gate.closed():`` waits until nobody is, and keeps the next ones out.

    Who is within must not enter again, nor close it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._within = 0
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether one would pass without waiting; by the next moment it may be otherwise."""
        return not self._closed

    def __enter__(self) -> None:
        with self._lock:
            while self._closed:
                self._changed.wait()
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._closed:
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Alone, until the block ends."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._closed = True
            while self._within:
                self._changed.wait()
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
