"""All alarms of a case on a virtual clock: what state each is in, since when, and when its actions ran.

1. Time runs from 0, when every alarm is new, to the end of the case. A metric alarm is evaluated at every multiple of
   its cadence over the window that ends there; it knows of no other alarm, so all its changes are found first.
2. Composites follow at the same moments, children before parents; each begins once all alarms below it were evaluated.
3. Actions run when a state is entered, unless ActionsEnabled is false, there are none for that state, or a suppressor
   holds them back; then they run, for the state of that moment, when it lets go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kit.backtest.source import CaseSource
from kit.definitions.cases import Alarms, Case
from kit.definitions.model import alarm_name
from kit.evaluation.composite import Child, evaluate_composite
from kit.evaluation.replay import Transition, replay
from kit.evaluation.state import AlarmState, StateValue
from kit.evaluation.suppression import FREE, Suppression, Suppressor, step

_ACTIONS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


@dataclass(frozen=True, slots=True)
class Change:
    """The alarm entered ``state`` at ``moment`` (seconds from the start of the case)."""

    moment: int
    state: StateValue
    reason: str


@dataclass(slots=True)
class Track:
    """What happened to one alarm. ``actions`` are the moments at which its actions ran, with the state they ran for.

    ``first`` is the moment of its first evaluation, None before it.
    """

    name: str
    changes: list[Change]
    actions: list[tuple[int, StateValue]] = field(default_factory=list)
    first: int | None = None

    def at(self, moment: int) -> StateValue:
        """The state after what happened at ``moment``."""
        return next(change.state for change in reversed(self.changes) if change.moment <= moment)

    def before(self, moment: int) -> StateValue:
        """The state before what happened at ``moment``; that of a new alarm at 0."""
        earlier = (change.state for change in reversed(self.changes) if change.moment < moment)
        return next(earlier, "INSUFFICIENT_DATA")


@dataclass(slots=True)
class _Held:
    """A composite with a suppressor."""

    suppressor: Suppressor
    now: Suppression = FREE


class Timeline:
    """One run of one case; ``run`` may be called once."""

    def __init__(self, case: Case, alarms: Alarms) -> None:
        self.case = case
        self.alarms = alarms
        self.source = CaseSource(case)
        self.tracks: dict[str, Track] = {}
        self._states: dict[str, AlarmState] = {}
        self._requests: dict[str, Mapping[str, Any]] = {}
        self._held: dict[str, _Held] = {}
        for name in (*alarms.metric, *alarms.composite):
            self._states[name] = state = AlarmState("INSUFFICIENT_DATA", since=case.starts)
            self.tracks[name] = Track(name, [Change(0, state.value, state.reason)])
            self._requests[name] = request = alarms.request(name).request
            if "ActionsSuppressor" in request:
                self._held[name] = _Held(_suppressor(request))

    def run(self) -> dict[str, Track]:
        """The tracks of all alarms by name."""
        case, alarms = self.case, self.alarms
        changes: dict[int, list[Transition]] = {}
        for name, alarm in alarms.metric.items():
            if alarm.cadence_s <= case.lasts:
                self.tracks[name].first = alarm.cadence_s
            for transition in replay(alarm, self.source, case.starts, case.starts + case.lasts):
                changes.setdefault(transition.at - case.starts, []).append(transition)
        begin = {name: self._begin(name) for name in alarms.composite}
        for moment in self._moments({*changes, *begin.values()}):
            entered = set()
            for transition in changes.get(moment, ()):
                self._enter(transition.alarm, moment, transition.state)
                entered.add(transition.alarm)
            entered.update(name for name in alarms.composite if moment >= begin[name] and self._composite(name, moment))
            for name in self.tracks:
                self._act(name, moment, name in entered)
        return self.tracks

    def _begin(self, composite: str) -> int:
        """When the last of the alarms below it is evaluated first."""
        below = (self.alarms.metric[leaf].cadence_s for leaf in self.alarms.leaves(composite))
        return max(below, default=self.alarms.cadence(composite))

    def _moments(self, known: set[int]) -> Iterator[int]:
        """The known moments and the ends of suppression timers as they come up, in order."""
        waiting = sorted(moment for moment in known if moment <= self.case.lasts)
        moment = 0
        while True:
            timers = [held.now.until - self.case.starts for held in self._held.values()]
            coming = [*waiting[:1], *(timer for timer in timers if moment < timer <= self.case.lasts)]
            if not coming:
                return
            moment = int(min(coming))
            if waiting and waiting[0] == moment:
                waiting.pop(0)
            yield moment

    def _composite(self, name: str, moment: int) -> bool:
        """Evaluate it; whether it entered another state."""
        rule = self.alarms.composite[name]
        children = {}
        for reference in rule.children:
            state = self._states[alarm_name(reference)]
            children[reference] = Child(_ARN + alarm_name(reference), state.value, state.since)
        cause: Literal["created", "child"] = "created" if self.tracks[name].first is None else "child"
        verdict = evaluate_composite(rule, children, self._states[name], arn=_ARN + name, cause=cause)
        if self.tracks[name].first is None:
            self.tracks[name].first = moment
        if verdict.state == self._states[name].value:
            return False
        now = self.case.starts + moment
        self._enter(name, moment, AlarmState(verdict.state, verdict.reason, verdict.data, now))
        return True

    def _enter(self, name: str, moment: int, state: AlarmState) -> None:
        self._states[name] = state
        self.tracks[name].changes.append(Change(moment, state.value, state.reason))

    def _act(self, name: str, moment: int, changed: bool) -> None:
        run = changed
        if name in self._held:
            held = self._held[name]
            alarms = self._states[alarm_name(held.suppressor.alarm)].value == "ALARM"
            now = self.case.starts + moment
            held.now, run = step(held.suppressor, held.now, now, suppressor_alarms=alarms, changed=changed)
        state = self._states[name].value
        request = self._requests[name]
        if run and request.get("ActionsEnabled", True) and request.get(_ACTIONS[state]):
            self.tracks[name].actions.append((moment, state))


def _suppressor(request: Mapping[str, Any]) -> Suppressor:
    return Suppressor(
        request["ActionsSuppressor"],
        request["ActionsSuppressorWaitPeriod"],
        request["ActionsSuppressorExtensionPeriod"],
    )
