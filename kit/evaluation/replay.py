"""An alarm over a long history: the verdict of every evaluation, as ``window`` and ``evaluate`` would give it.

1. The watched series is computed once along the sliding window, where the expression allows it (``by_point``).
2. Each of its points is classed: missing, within the threshold, beyond it. The classes of a window decide its state.
3. The window of the next evaluation has the same classes, but where a run of equal ones begins or ends. Only there,
   and once for each combination of classes, ``judge`` is asked.
4. Reasons are told when somebody reads them.

An expression that looks along time, or a rule about low samples, is judged at every evaluation instead.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise, repeat
from math import gcd
from typing import Any

from kit.evaluation.alarm import BREACHES, EXTRA_PERIODS, Window, explain, judge, window
from kit.evaluation.alarm_definition import AlarmDefinition
from kit.evaluation.request import MetricSource
from kit.evaluation.series import Series
from kit.evaluation.sliding import SlidingSource
from kit.evaluation.sliding_expressions import CHUNK, by_point, sliding_values
from kit.evaluation.state import AlarmState, StateValue, Verdict

NEW = AlarmState("INSUFFICIENT_DATA")

_MISSING, _WITHIN, _BEYOND = 0, 1, 2
_OF_BREACH = bytes([_WITHIN, _BEYOND]).ljust(256)
_RUN = re.compile(rb"\x00+|\x01+|\x02+")

Told = Callable[[], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state at an evaluation (``at``, epoch seconds). Reason and data are worked out when they are read."""

    alarm: str
    at: int
    before: StateValue
    after: StateValue
    told: Told = field(repr=False, compare=False)

    @classmethod
    def known(cls, alarm: str, at: int, before: StateValue, entered: AlarmState) -> Transition:
        """A transition whose reason is known already."""
        return cls(alarm, at, before, entered.value, lambda: (entered.reason, entered.data))

    @property
    def state(self) -> AlarmState:
        """The state that was entered."""
        reason, data = self.told()
        return AlarmState(self.after, reason, data, self.at)


def replay(
    definition: AlarmDefinition,
    source: MetricSource,
    start: int,
    end: int,
    previous: AlarmState = NEW,
) -> Iterator[Transition]:
    """The changes of state at the evaluations in (start, end], epoch seconds; see Replay for the rest."""
    return Replay(definition, source, start, end, previous).transitions()


def states(
    definition: AlarmDefinition,
    source: MetricSource,
    start: int,
    end: int,
    previous: AlarmState = NEW,
) -> list[StateValue]:
    """The state after every evaluation in (start, end], epoch seconds."""
    return Replay(definition, source, start, end, previous).states()


class Replay:
    """One alarm's evaluations in (start, end], epoch seconds, at the whole multiples of its cadence.

    ``every`` sets another cadence in seconds, ``extra`` how many periods beyond EvaluationPeriods are looked at. Any
    MetricSource will do, if it answers alike for a period whatever is asked besides; a History is the fastest.
    """

    def __init__(
        self,
        definition: AlarmDefinition,
        source: MetricSource,
        start: int,
        end: int,
        previous: AlarmState = NEW,
        *,
        every: int | None = None,
        extra: int = EXTRA_PERIODS,
    ) -> None:
        cadence = every or definition.cadence_s
        self.definition = definition
        self.previous = previous
        self.ticks = range((start // cadence + 1) * cadence, end + 1, cadence)
        self._extra = extra
        self._slots = definition.evaluation_periods + extra
        self._source = source
        self._told: dict[int, tuple[str, Mapping[str, Any]]] = {}

    def transitions(self) -> Iterator[Transition]:
        """The changes of state, oldest first."""
        for (_, before), (tick, after) in pairwise([(0, self.previous.value), *self._entered]):
            if after != before:
                yield Transition(self.definition.name, tick, before, after, partial(self._explained, tick))

    def states(self) -> list[StateValue]:
        """The state after every one of ``ticks``."""
        found: list[StateValue] = []
        state = self.previous.value
        for tick, after in self._entered:
            found += [state] * (self.ticks.index(tick) - len(found))
            state = after
        return found + [state] * (len(self.ticks) - len(found))

    def verdict(self, at: int) -> Verdict:
        """The verdict of the newest evaluation up to ``at``; before the first one, the previous state."""
        newest = self.ticks.start + (at - self.ticks.start) // self.ticks.step * self.ticks.step
        position = bisect_right(self._entered, at, key=lambda entry: entry[0])
        due = newest + self.ticks.step
        if position == 0:
            return Verdict(self.previous.value, self.previous.reason, self.previous.data, due)
        tick, state = self._entered[position - 1]
        return Verdict(state, *self._explained(tick), due)

    @cached_property
    def _entered(self) -> list[tuple[int, StateValue]]:
        """When the alarm took which state with a reason: at every change, and when it got its first reason."""
        entered: list[tuple[int, StateValue]] = []
        state, told = self.previous.value, bool(self.previous.data)
        for tick, judged in self._judged():
            if judged is not None and not (judged == state and told):
                entered.append((tick, judged))
                state, told = judged, True
        return entered

    def _judged(self) -> Iterable[tuple[int, StateValue | None]]:
        """Evaluations and what ``judge`` says of them. Those left out say the same as the one before them."""
        definition = self.definition
        if not self.ticks:
            return ()
        if definition.samples_needed is None and by_point(definition.plan, definition.watched):
            return self._by_class()
        return self._one_by_one()

    def _one_by_one(self) -> Iterator[tuple[int, StateValue | None]]:
        source = SlidingSource(self._source, self._ends)
        for tick in self.ticks:
            yield tick, judge(self.definition, window(self.definition, source, tick, self._extra)).state

    def _by_class(self) -> Iterator[tuple[int, StateValue | None]]:
        definition, slots, ends = self.definition, self._slots, self._ends
        values = sliding_values(definition.plan, definition.watched, self._source, ends)
        classes = self._classes(values)
        apart = definition.period // ends.step
        known: dict[bytes, StateValue | None] = {}
        for index in self._turns(classes):
            tick = self.ticks[index]
            last = (tick - ends.start) // ends.step
            seen = slice(last - (slots - 1) * apart, last + 1, apart)
            key = classes[seen]
            if key not in known:
                start = tick - slots * definition.period
                known[key] = judge(definition, Window(Series(start, definition.period, tuple(values[seen])))).state
            yield tick, known[key]

    def _classes(self, values: list[float | None]) -> bytes:
        breaches, threshold = BREACHES[self.definition.comparison_operator], self.definition.threshold
        found: list[bytes] = []
        for first in range(0, len(values), CHUNK):
            part = values[first : first + CHUNK]
            if None not in part:
                found.append(bytes(map(breaches, part, repeat(threshold))).translate(_OF_BREACH))  # type: ignore[arg-type]
            else:
                found.append(
                    bytes(_MISSING if value is None else _OF_BREACH[breaches(value, threshold)] for value in part)
                )
        return b"".join(found)

    def _turns(self, classes: bytes) -> Iterable[int]:
        """The evaluations, by their place in ``ticks``, whose window differs from the one before, and the first one."""
        ends, ticks, slots = self._ends, self.ticks, self._slots
        began = [run.start() for run in _RUN.finditer(classes)]
        if len(began) * slots > len(ticks):
            return range(len(ticks))
        turns = {0}
        for position in began:
            end = ends[position]
            for back in range(slots):
                seen_from = -((ticks.start - end - back * self.definition.period) // ticks.step)
                if 0 < seen_from < len(ticks):
                    turns.add(seen_from)
        return sorted(turns)

    @property
    def _ends(self) -> range:
        """The end of every period that some evaluation looks at."""
        step = gcd(self.ticks.step, self.definition.period)
        first = self.ticks.start - (self._slots - 1) * self.definition.period
        return range(first, self.ticks[-1] + 1, step)

    def _explained(self, tick: int) -> tuple[str, Mapping[str, Any]]:
        if tick not in self._told:
            seen = window(self.definition, self._source, tick, self._extra)
            judged = judge(self.definition, seen)
            state = judged.state or self.previous.value  # never None at an evaluation that took a state
            self._told[tick] = explain(self.definition, seen, judged, state, tick)
        return self._told[tick]
