"""May payments be asked again, and after what pause: a budget for all charges of a process, and jitter for each."""

from __future__ import annotations

import secrets
import threading

from service.settings import Retries

FULL = 10.0
"""Retries that may be saved up, so that a lone error after a quiet time is not refused one."""


class Budget:
    """Each charge pays in ``percent`` of a retry, each retry takes a whole one out. None: there is no limit."""

    def __init__(self, percent: int | None) -> None:
        self._percent = percent
        self._lock = threading.Lock()
        self._saved = FULL if percent else 0.0

    def pay_in(self) -> None:
        """A charge has begun."""
        if self._percent is not None:
            with self._lock:
                self._saved = min(FULL, self._saved + self._percent / 100)

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._percent is None:
            return True
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True


def pause(retries: Retries, attempt: int) -> float:
    """Seconds before the attempt after ``attempt`` (1 is the first): anywhere up to a bound that doubles each time.

    Without chance in it, all who failed together would come back together (AWS Architecture Blog, "Exponential
    Backoff And Jitter": full jitter).
    """
    longest: float = retries.pause_s * 2 ** (attempt - 1)
    return longest * secrets.randbelow(1_000_000) / 1e6
