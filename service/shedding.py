"""Load shedding: beyond so many requests at once the process says so at once, and those it has taken get through."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, g, request

from service import health
from service.problem import unavailable
from service.telemetry import Telemetry

logger = logging.getLogger(__name__)

PATIENCE_S = 1.0


class Load:
    """How many requests are in flight in this process, and whether that has been too many for a while.

    A burst passes: only after ``PATIENCE_S`` above the limit is it overload, which lasts until half of it has drained.
    """

    def __init__(self, above: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._above = above
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self.in_flight = 0

    def enter(self) -> bool:
        """A request has come; whether it must go away again."""
        with self._lock:
            self.in_flight += 1
            if self.in_flight <= self._above:
                return False
            now = self._clock()
            if self._since is None:
                self._since = now
            return now - self._since >= PATIENCE_S

    def leave(self) -> None:
        """A request has ended."""
        with self._lock:
            self.in_flight -= 1
            if self.in_flight <= self._above / 2:
                self._since = None


def install(app: Flask, telemetry: Telemetry, above: int) -> None:
    """Answer 503 with Retry-After beyond ``above`` requests in flight. Health checks are always let in."""
    load = Load(above)

    @app.before_request
    def shed() -> None:
        if request.path in health.PATHS:
            return
        overloaded = load.enter()
        g.counted = True
        if overloaded:
            telemetry.annotate(shed=True)
            logger.warning("request shed", extra={"shed": True, "in_flight": load.in_flight})
            raise unavailable("The shop is overloaded.", "overloaded")

    @app.teardown_request
    def done(_error: Any) -> None:
        if g.pop("counted", False):
            load.leave()
