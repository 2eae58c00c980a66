"""The alarms of one Region, and the one way in which an alarm changes state.

A change is stored as a Transition in the history, handed to the actions, and carried on to the composite alarms above,
children first, so that a whole tree settles at once. What a suppressor holds back waits until it is released.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.actions import Actions, Notify
from kit.emulator.cloudwatch.alarms import Alarm, CompositeAlarm, MetricAlarm, alarm_arn, name_of
from kit.emulator.cloudwatch.history import History
from kit.emulator.cloudwatch.records import (
    ActionOutcome,
    ConfigurationChange,
    Operation,
    Subject,
    SuppressionChange,
    Transition,
)
from kit.evaluation import suppression
from kit.evaluation.alarm import AlarmDefinition
from kit.evaluation.composite import Child, Rule, evaluate_composite
from kit.evaluation.state import AlarmState
from kit.evaluation.suppression import FREE, Suppressor


class AlarmBook:
    """Safe to use from several threads; ``lock`` guards the alarms and the history."""

    def __init__(self, region: str, account: str, clock: Clock, notify: Notify, *, background: bool) -> None:
        self._region = region
        self._account = account
        self._clock = clock
        self.lock = threading.RLock()
        self.history = History()
        self.actions = Actions(clock, notify, self._report, background=background)
        self._alarms: dict[str, Alarm] = {}
        self._in_order: list[CompositeAlarm] | None = None
        self._withheld: dict[str, Transition] = {}

    # -- reading

    def get(self, name: str) -> Alarm | None:
        return self._alarms.get(name)

    def all(self) -> list[Alarm]:
        """Every alarm, by name."""
        with self.lock:
            return sorted(self._alarms.values(), key=lambda alarm: alarm.name)

    def parents(self, name: str) -> list[CompositeAlarm]:
        """The composite alarms whose rules refer to this alarm, by name."""
        return [alarm for alarm in self.all() if isinstance(alarm, CompositeAlarm) and name in alarm.children]

    # -- configuring

    def put_metric(self, settings: dict[str, Any], definition: AlarmDefinition, tags: dict[str, str]) -> Alarm:
        """Creates the alarm in INSUFFICIENT_DATA, or replaces its configuration and keeps its state and tags."""
        with self.lock:
            common = self._common(settings, tags)
            return self._put(MetricAlarm(**common, definition=definition))

    def put_composite(
        self, settings: dict[str, Any], rule: Rule, suppressor: Suppressor | None, tags: dict[str, str]
    ) -> Alarm:
        """As put_metric; the rule is evaluated at the next tick. Another suppressor drops the timers of the old one."""
        with self.lock:
            common = self._common(settings, tags)
            cause: Literal["created", "updated"] = "updated" if settings["AlarmName"] in self._alarms else "created"
            made = CompositeAlarm(**common, rule=rule, stale=cause, suppressor=suppressor)
            old = self._alarms.get(made.name)
            if isinstance(old, CompositeAlarm):
                made.suppression = old.suppression
                if _suppressing(old) != _suppressing(made):
                    made.suppression = suppression.replaced(old.suppression)
            self._put(made)
            self._act({})
            return made

    def _common(self, settings: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
        name = settings["AlarmName"]
        now = self._clock.now()
        old = self._alarms.get(name)
        return {
            "name": name,
            "arn": alarm_arn(self._region, self._account, name),
            "settings": settings,
            "configured_at": now,
            "state": old.state if old else AlarmState("INSUFFICIENT_DATA", since=now),
            "updated_at": old.updated_at if old else now,
            "tags": old.tags if old else tags,
        }

    def _put(self, alarm: Alarm) -> Alarm:
        old = self._alarms.get(alarm.name)
        self._alarms[alarm.name] = alarm
        self._in_order = None
        self._configured(alarm, "Update" if old else "Create", Subject.of(old) if old else None)
        return alarm

    def delete(self, names: Iterable[str]) -> list[Alarm]:
        """Deletes the alarms that exist; returns them."""
        with self.lock:
            gone = [alarm for name in names if (alarm := self._alarms.pop(name, None)) is not None]
            self._in_order = None
            for alarm in gone:
                self._withheld.pop(alarm.name, None)
                self._configured(alarm, "Delete")
            self._act({})
            return gone

    def enable_actions(self, names: Iterable[str], enabled: bool) -> None:
        """Turns actions on or off; unknown names are passed over, as by CloudWatch."""
        with self.lock:
            for alarm in filter(None, map(self._alarms.get, names)):
                if alarm.actions_enabled != enabled:
                    before = Subject.of(alarm)
                    alarm.settings = {**alarm.settings, "ActionsEnabled": enabled}
                    alarm.configured_at = self._clock.now()
                    self._configured(alarm, "Update", before)

    def _configured(self, alarm: Alarm, operation: Operation, previous: Subject | None = None) -> None:
        now, state = self._clock.now(), alarm.state
        self.history.add(ConfigurationChange(Subject.of(alarm), now, operation, state.value, state.since, previous))

    # -- changing state

    def enter(self, states: Iterable[tuple[Alarm, AlarmState]]) -> None:
        """Puts alarms into new states at once, then settles the composite alarms above those that changed."""
        with self.lock:
            # An alarm that was replaced or deleted meanwhile is not the one that was evaluated.
            present = [(alarm, state) for alarm, state in states if self._alarms.get(alarm.name) is alarm]
            entered = [self._enter(alarm, state) for alarm, state in present]
            changed = {transition.subject.name: transition for transition in entered if transition is not None}
            self._settle(changed)
            self._act(changed)

    def _enter(self, alarm: Alarm, state: AlarmState) -> Transition | None:
        old, alarm.state = alarm.state, state
        alarm.updated_at = self._clock.now()
        if state.value == old.value:
            return None
        transition = Transition(Subject.of(alarm), alarm.updated_at, old, state)
        self.history.add(transition)
        if not (isinstance(alarm, CompositeAlarm) and alarm.suppressor):
            self.actions.take(transition)
        return transition

    def _settle(self, changed: dict[str, Transition]) -> None:
        """Evaluates the composites above what changed and adds those that changed in turn."""
        for composite in self._composites():
            if composite.stale is None and composite.children.isdisjoint(changed.keys()):
                continue
            cause, composite.stale = composite.stale or "child", None
            before = composite.state
            read = self._children(composite)
            verdict = evaluate_composite(composite.rule, read, before, arn=composite.arn, cause=cause)
            if verdict.state != before.value:
                state = AlarmState(verdict.state, verdict.reason, verdict.data, self._clock.now())
                transition = self._enter(composite, state)
                if transition is not None:
                    changed[composite.name] = transition
        for composite in self._in_cycles():
            if not composite.children.isdisjoint(changed.keys()):
                composite.stale = composite.stale or "child"  # to be evaluated once the cycle is broken

    def _children(self, composite: CompositeAlarm) -> dict[str, Child]:
        """The alarms that the rule reads, by the name or ARN that it writes."""
        read = {}
        for reference in composite.rule.children:
            alarm = self._alarms.get(name_of(reference))
            if alarm is not None:
                read[reference] = Child(alarm.arn, alarm.state.value, alarm.state.since)
        return read

    def _composites(self) -> list[CompositeAlarm]:
        """Composite alarms, children first, but for those in or above a cycle: CloudWatch stops evaluating these."""
        if self._in_order is None:
            waiting = [alarm for alarm in self._alarms.values() if isinstance(alarm, CompositeAlarm)]
            names = {alarm.name for alarm in waiting}
            self._in_order = []
            ready = [alarm for alarm in waiting if alarm.children.isdisjoint(names)]
            while ready:
                self._in_order += ready
                names.difference_update(alarm.name for alarm in ready)
                waiting = [alarm for alarm in waiting if alarm.name in names]
                ready = [alarm for alarm in waiting if alarm.children.isdisjoint(names)]
        return self._in_order

    def _in_cycles(self) -> list[CompositeAlarm]:
        """The others."""
        evaluated = {alarm.name for alarm in self._composites()}
        composites = (alarm for alarm in self._alarms.values() if isinstance(alarm, CompositeAlarm))
        return [alarm for alarm in composites if alarm.name not in evaluated]

    # -- suppressing actions

    def next_release(self) -> float:
        """When the next timer of a suppression ends, epoch seconds; inf if none runs."""
        with self.lock:
            return min((alarm.suppression.until for alarm in self._suppressible()), default=math.inf)

    def release(self, now: float) -> None:
        """Ends the timers that are over at ``now`` and takes the actions that they held back."""
        if self.next_release() <= now:
            with self.lock:
                self._act({})

    def _suppressible(self) -> list[CompositeAlarm]:
        composites = (alarm for alarm in self._alarms.values() if isinstance(alarm, CompositeAlarm))
        return [alarm for alarm in composites if alarm.suppressor or alarm.suppression != FREE]

    def _act(self, changed: dict[str, Transition]) -> None:
        """Brings every suppression up to date, after all states have settled."""
        now = self._clock.now()
        for alarm in self._suppressible():
            before, held = alarm.suppression, _suppressing(alarm)
            other = self._alarms.get(held) if held is not None else None
            if alarm.name in changed:
                self._withheld[alarm.name] = changed[alarm.name]
            alarm.suppression, act = suppression.step(
                alarm.suppressor,
                before,
                now,
                suppressor_alarms=other is not None and other.state.value == "ALARM",
                changed=alarm.name in changed,
            )
            if alarm.suppression.by != before.by:
                self.history.add(SuppressionChange(Subject.of(alarm), now, before, alarm.suppression))
            if act:
                # as configured now: actions may have been disabled, or others put in their place, while it waited
                self.actions.take(replace(self._withheld.pop(alarm.name), subject=Subject.of(alarm)))

    def _report(self, outcome: ActionOutcome) -> None:
        with self.lock:
            self.history.add(outcome)

    # -- keeping

    def withheld(self, name: str) -> Transition | None:
        """The change whose actions a suppressor holds back."""
        return self._withheld.get(name)

    def restore(self, alarm: Alarm, withheld: Transition | None) -> None:
        """Takes an alarm as it was, without a record of it in the history."""
        with self.lock:
            self._alarms[alarm.name] = alarm
            self._in_order = None
            if withheld is not None:
                self._withheld[alarm.name] = withheld


def _suppressing(alarm: CompositeAlarm) -> str | None:
    """The name of its suppressor."""
    return name_of(alarm.suppressor.alarm) if alarm.suppressor is not None else None
