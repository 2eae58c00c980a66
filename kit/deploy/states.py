"""The alarms of the account as they stand, composites with their children below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.definitions.model import alarm_name, children_of


@dataclass(frozen=True, slots=True)
class AlarmNow:
    """One alarm: ``since`` is when it entered ``state`` (UTC), ``children`` are names.

    ``held_back`` is true while its actions are suppressed; ``suppressor`` names what can do that. One that ``tells``
    has actions.
    """

    name: str
    state: str
    since: datetime
    reason: str
    children: tuple[str, ...] = ()
    composite: bool = False
    tells: bool = False
    suppressor: str = ""
    held_back: bool = False


def read_states(cloudwatch: Any) -> tuple[AlarmNow, ...]:
    """All alarms, by name. ``cloudwatch`` is a boto3 client; raises what botocore raises."""
    found: list[AlarmNow] = []
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    for page in pages:
        found += [_now(alarm) for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))]
    return tuple(sorted(found, key=lambda alarm: alarm.name))


def as_tree(alarms: Sequence[AlarmNow]) -> Iterator[tuple[int, AlarmNow]]:
    """Each alarm with its depth: one that no other names at 0, children after their composite.

    A child of two composites comes twice: each shall be read alone. Composites that are there only to hold others back
    come last, without children: those stand above.
    """
    by_name = {alarm.name: alarm for alarm in alarms}
    suppressors = {alarm.suppressor for alarm in alarms}
    silent = [alarm for alarm in alarms if alarm.composite and not alarm.tells and alarm.name in suppressors]
    speaking = [alarm for alarm in alarms if alarm not in silent]
    named = {child for alarm in speaking for child in alarm.children}
    shown: set[str] = set()
    for root in speaking:
        if root.name not in named:
            for depth, alarm in _branch(root, by_name, ()):
                shown.add(alarm.name)
                yield depth, alarm
    # Composites that name each other in a ring have no root; they must not vanish.
    yield from ((0, alarm) for alarm in (*speaking, *silent) if alarm.name not in shown)


def _branch(alarm: AlarmNow, by_name: Mapping[str, AlarmNow], above: tuple[str, ...]) -> Iterator[tuple[int, AlarmNow]]:
    yield len(above), alarm
    for child in alarm.children:
        if child in by_name and child not in (*above, alarm.name):
            yield from _branch(by_name[child], by_name, (*above, alarm.name))


def _now(alarm: Mapping[str, Any]) -> AlarmNow:
    return AlarmNow(
        name=alarm["AlarmName"],
        state=alarm["StateValue"],
        since=alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
        reason=alarm.get("StateReason", ""),
        children=_children(alarm.get("AlarmRule", "")),
        composite="AlarmRule" in alarm,
        tells=any(alarm.get(key) for key in ("AlarmActions", "OKActions", "InsufficientDataActions")),
        suppressor=alarm_name(alarm.get("ActionsSuppressor", "")),
        held_back=bool(alarm.get("ActionsSuppressedBy")),
    )


def _children(rule: str) -> tuple[str, ...]:
    if not rule:
        return ()
    try:
        return tuple(sorted(children_of(rule)))
    except ValueError:  # AWS took it, so an alarm that we cannot read is still an alarm to show
        return ()
