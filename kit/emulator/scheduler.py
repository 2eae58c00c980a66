"""The thread that evaluates alarms, and ends the minutes of metric filters, when they are due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kit.emulator.clock import Clock, ManualClock
from kit.emulator.cloudwatch.engine import Engine as CloudWatchEngine
from kit.emulator.engines import Engines
from kit.emulator.logs.engine import Engine as LogsEngine

log = logging.getLogger(__name__)

# An alarm made a moment ago may be due before the sleep that was already under way ends.
_LONGEST_SLEEP_S = 1.0
# Should an engine be due for ever, a journey still goes on.
_SMALLEST_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Journey:
    """What happened while the clock was moved: epoch seconds, and how many alarms were evaluated how often."""

    now: float
    evaluations: int


class Scheduler:
    """Runs what is due in every Region, at the times that the engines name."""

    def __init__(self, engines: Engines, clock: Clock, settle: Callable[[], None] = lambda: None) -> None:
        """``settle()`` returns once what an evaluation has set off (notifications, events) has been done."""
        self._engines = engines
        self._clock = clock
        self._settle = settle
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._running = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="alarm-scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the evaluation under way."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=1.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within, nothing is evaluated; waits for the evaluation under way."""
        with self._running:
            yield

    def travel(self, clock: ManualClock, to: float) -> Journey:
        """Move the clock on to ``to`` (epoch seconds), and on the way run each engine at every moment it names.

        What a moment sets off is done before the next one comes, so notifications leave in order and with its time.
        """
        with self.paused():
            before = self._engines.evaluations()
            self._settle()
            ran = float("-inf")
            while ran < to and not self._stopping.is_set():
                engines = self._engines.timed_engines()
                due = min((engine.next_due() for engine in engines), default=to)
                if due <= ran:
                    due = ran + _SMALLEST_STEP_S
                ran = clock.move_to(min(due, to))
                self._run_due(engines)
                self._settle()
            return Journey(clock.now(), self._engines.evaluations() - before)

    def _run(self) -> None:
        while not self._stopping.is_set():
            engines = self._engines.timed_engines()
            due = min((engine.next_due() for engine in engines), default=float("inf"))
            self._clock.wait(min(due, self._clock.now() + _LONGEST_SLEEP_S), self._wake)
            with self.paused():
                self._run_due(engines)

    def _run_due(self, engines: Sequence[LogsEngine | CloudWatchEngine]) -> None:
        for engine in engines:
            if self._stopping.is_set():
                return
            try:
                engine.run_due(self._clock.now())
            except Exception:
                # a broken alarm must not end the evaluation of all others
                log.exception("evaluating alarms, or publishing default values, failed")
