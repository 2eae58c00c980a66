"""The alarms of one Region, and the one way in which an alarm changes state.

A change is stored as a Transition in the history, handed to the actions, and carried on to the composite alarms above,
children first, so that a whole tree settles at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Literal

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.actions import Actions, Notify
from kit.emulator.cloudwatch.alarms import Alarm, CompositeAlarm, MetricAlarm, alarm_arn, name_of
from kit.emulator.cloudwatch.history import History
from kit.emulator.cloudwatch.records import ActionOutcome, ConfigurationChange, Operation, Subject, Transition
from kit.evaluation.alarm import AlarmDefinition
from kit.evaluation.composite import Child, Rule, evaluate_composite
from kit.evaluation.state import AlarmState


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

    def put_composite(self, settings: dict[str, Any], rule: Rule, tags: dict[str, str]) -> Alarm:
        """As put_metric; the rule is evaluated at the next tick."""
        with self.lock:
            common = self._common(settings, tags)
            cause: Literal["created", "updated"] = "updated" if settings["AlarmName"] in self._alarms else "created"
            return self._put(CompositeAlarm(**common, rule=rule, stale=cause))

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
        operation: Operation = "Update" if alarm.name in self._alarms else "Create"
        self._alarms[alarm.name] = alarm
        self._in_order = None
        self._configured(alarm, operation)
        return alarm

    def delete(self, names: Iterable[str]) -> list[Alarm]:
        """Deletes the alarms that exist; returns them."""
        with self.lock:
            gone = [alarm for name in names if (alarm := self._alarms.pop(name, None)) is not None]
            self._in_order = None
            for alarm in gone:
                self._configured(alarm, "Delete")
            return gone

    def enable_actions(self, names: Iterable[str], enabled: bool) -> None:
        """Turns actions on or off; unknown names are passed over, as by CloudWatch."""
        with self.lock:
            for alarm in filter(None, map(self._alarms.get, names)):
                if alarm.actions_enabled != enabled:
                    alarm.settings = {**alarm.settings, "ActionsEnabled": enabled}
                    alarm.configured_at = self._clock.now()
                    self._configured(alarm, "Update")

    def _configured(self, alarm: Alarm, operation: Operation) -> None:
        change = ConfigurationChange(Subject.of(alarm), self._clock.now(), operation, alarm.state.value)
        self.history.add(change)

    # -- changing state

    def enter(self, states: Iterable[tuple[Alarm, AlarmState]]) -> None:
        """Puts alarms into new states at once, then settles the composite alarms above those that changed."""
        with self.lock:
            # An alarm that was replaced or deleted meanwhile is not the one that was evaluated.
            present = [(alarm, state) for alarm, state in states if self._alarms.get(alarm.name) is alarm]
            changed = {alarm.name for alarm, state in present if self._enter(alarm, state)}
            self._settle(changed)

    def _enter(self, alarm: Alarm, state: AlarmState) -> bool:
        old, alarm.state = alarm.state, state
        alarm.updated_at = self._clock.now()
        if state.value == old.value:
            return False
        transition = Transition(Subject.of(alarm), alarm.updated_at, old, state)
        self.history.add(transition)
        self.actions.take(transition)
        return True

    def _settle(self, changed: set[str]) -> None:
        for composite in self._composites():
            if composite.stale is None and composite.children.isdisjoint(changed):
                continue
            cause, composite.stale = composite.stale or "child", None
            before = composite.state
            read = self._children(composite)
            verdict = evaluate_composite(composite.rule, read, before, arn=composite.arn, cause=cause)
            if verdict.state != before.value:
                state = AlarmState(verdict.state, verdict.reason, verdict.data, self._clock.now())
                self._enter(composite, state)
                changed.add(composite.name)

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

    def _report(self, outcome: ActionOutcome) -> None:
        with self.lock:
            self.history.add(outcome)
