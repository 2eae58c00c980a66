"""When alarms are evaluated, and their evaluation.

CloudWatch evaluates every minute, and every 10 s an alarm whose period is below a minute (User Guide, "Evaluating an
alarm"). Its phase is its own secret; here an alarm is evaluated on whole multiples of its cadence on the wall clock,
over the window that ends there, and SETTLING_S later, so that data which is flushed on the same multiple is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.alarms import MetricAlarm
from kit.emulator.cloudwatch.book import AlarmBook
from kit.emulator.cloudwatch.punctuality import Punctuality
from kit.evaluation.alarm import EXTRA_PERIODS, evaluate, window
from kit.evaluation.query import MetricSource
from kit.evaluation.state import AlarmState

log = logging.getLogger(__name__)

TICK_S = 10
SETTLING_S = 1
ROLL_EVERY_S = 60


class Ticker:
    """Evaluates what is due. Ticks that were slept through (a closed laptop) are not made up for: the newest counts."""

    def __init__(
        self, clock: Clock, book: AlarmBook, source: MetricSource, roll: Callable[[], None], extra: int = EXTRA_PERIODS
    ) -> None:
        """``roll()`` is called once a minute, to let go of what is too old.

        ``extra`` is how many periods beyond EvaluationPeriods an evaluation looks at.
        """
        self._clock = clock
        self._book = book
        self._source = source
        self._roll = roll
        self._extra = extra
        self._last = _tick(clock.now())
        self._punctuality = Punctuality()
        self.evaluations = 0
        """How many times a metric alarm has been evaluated so far."""

    def next_due(self) -> float:
        """When run_due has work again, epoch seconds."""
        now = self._clock.now()
        if now < self._last:  # the clock was set back
            self._last = _tick(now)
        return min(self._last + TICK_S + SETTLING_S, self._book.next_release())

    def run_due(self, now: float) -> None:
        """Evaluates every alarm with a multiple of its cadence since the last call, as of its newest multiple.

        Then takes the actions of composite alarms whose suppression is over: in this order, so that a suppressor that
        alarms in the last moment of a WaitPeriod still suppresses.
        """
        last, tick = self._last, _tick(now)
        if tick > last:
            self._last = tick
            self._evaluate_due(last, tick)
            missed = (tick - last) // TICK_S - 1
            self._punctuality.note(now - (tick + SETTLING_S), self._clock.now() - now, missed)
        self._book.release(now)

    def counts(self) -> dict[str, int]:
        """How punctual the evaluations are, for the health page."""
        return self._punctuality.counts()

    def _evaluate_due(self, last: int, tick: int) -> None:
        if tick // ROLL_EVERY_S > last // ROLL_EVERY_S:
            self._roll()
        entered = []
        for alarm in self._book.all():
            if isinstance(alarm, MetricAlarm):
                cadence = alarm.definition.cadence_s
                end = tick // cadence * cadence
                if end > last:
                    self.evaluations += 1
                    state = self._evaluate(alarm, end)
                    if state is not None:
                        entered.append((alarm, state))
        self._book.enter(entered)

    def _evaluate(self, alarm: MetricAlarm, end: int) -> AlarmState | None:
        """The state to enter, or None to stay."""
        before = alarm.state
        try:
            verdict = evaluate(alarm.definition, window(alarm.definition, self._source, end, self._extra), before, end)
        except Exception:
            # One alarm that can't be evaluated must not take the others with it.
            log.exception("alarm %r could not be evaluated", alarm.name)
            alarm.evaluation_state = "EVALUATION_FAILURE"
            return None
        alarm.evaluation_state = None
        if verdict.state != before.value:
            return AlarmState(verdict.state, verdict.reason, verdict.data, self._clock.now())
        if verdict.reason != before.reason:  # the first evaluation explains a state that it leaves as it was
            return AlarmState(before.value, verdict.reason, verdict.data, before.since)
        return None


def _tick(now: float) -> int:
    return int((now - SETTLING_S) // TICK_S) * TICK_S
