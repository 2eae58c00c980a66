"""The thread that evaluates alarms, and ends the minutes of metric filters, when they are due."""

from __future__ import annotations

import logging
import threading

from kit.emulator.clock import Clock
from kit.emulator.engines import Engines

log = logging.getLogger(__name__)

# An alarm made a moment ago may be due before the sleep that was already under way ends.
_LONGEST_SLEEP_S = 1.0


class Scheduler:
    """Runs what is due in every Region, at the times that the engines name."""

    def __init__(self, engines: Engines, clock: Clock) -> None:
        self._engines = engines
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm-scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the evaluation under way."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            engines = self._engines.timed_engines()
            due = min((engine.next_due() for engine in engines), default=float("inf"))
            self._clock.wait(min(due, self._clock.now() + _LONGEST_SLEEP_S), self._wake)
            for engine in engines:
                if self._stopping.is_set():
                    return
                try:
                    engine.run_due(self._clock.now())
                except Exception:
                    # a broken alarm must not end the evaluation of all others
                    log.exception("evaluating alarms, or publishing default values, failed")
