"""The emulator's one source of time. No other module of this room may read the system's clock."""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol

# A sleeper looks at the wall clock at least this often, so that a suspended or re-set machine is noticed.
_LONGEST_NAP_S = 5.0


class Clock(Protocol):
    """Time as the emulator sees it: epoch seconds."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def wait(self, until: float, wake: threading.Event) -> None:
        """Return once ``now() >= until`` (epoch seconds; may be infinite) or ``wake`` is set, and clear ``wake``.

        Whoever waits looks at its work again after every return, so a wake is never lost.
        """
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def wait(self, until: float, wake: threading.Event) -> None:
        """See Clock.wait."""
        while (left := until - self.now()) > 0:
            if wake.wait(min(left, _LONGEST_NAP_S)):
                break
        wake.clear()


class ManualClock:
    """A clock that moves only when it is told to: for tests, and for hours that pass in seconds."""

    def __init__(self, start: float) -> None:
        self.resumed = False
        """Whether it goes on from where it stood in another process."""
        self._now = start
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, threading.Event]] = []

    def now(self) -> float:
        """Epoch seconds."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> float:
        """Move on by ``seconds`` (>= 0, else ValueError), wake who is due, return the new time."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"a clock can't be moved by {seconds!r} seconds")
        with self._lock:
            return self._set(self._now + seconds)

    def move_to(self, moment: float) -> float:
        """Move on to ``moment`` (epoch seconds; one that is past, or no number, moves nothing), return the time."""
        with self._lock:
            return self._set(moment) if moment > self._now else self._now

    def resume(self, moment: float) -> None:
        """Stand at ``moment`` (epoch seconds), be it past; only before anybody has looked at the time."""
        with self._lock:
            self._set(moment)
        self.resumed = True

    def _set(self, moment: float) -> float:
        self._now = moment
        for until, wake in self._sleepers:
            if until <= moment:
                wake.set()
        return moment

    def wait(self, until: float, wake: threading.Event) -> None:
        """See Clock.wait."""
        sleeper = (until, wake)
        with self._lock:
            due = self._now >= until
            if not due:
                self._sleepers.append(sleeper)
        if not due:
            wake.wait()
            with self._lock:
                self._sleepers.remove(sleeper)
        wake.clear()
