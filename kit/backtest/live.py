"""Alarms as CloudWatch tells them: what they are, and in which state they were at a moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from kit.errors import KitError

_TYPES = ["MetricAlarm", "CompositeAlarm"]
_A_CALL = 100
UNCHECKED = "Unchecked:"
"""How the reason of an alarm begins that was never evaluated."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The state that the service tells; ``since`` in epoch seconds, None when its history doesn't say."""

    value: str
    reason: str
    since: float | None


def alarms_named(cloudwatch: Any, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """DescribeAlarms by name; those that don't exist are left out."""
    wanted, found = sorted(set(names)), {}
    for first in range(0, len(wanted), _A_CALL):
        pages = cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNames=wanted[first : first + _A_CALL], AlarmTypes=_TYPES
        )
        for page in pages:
            for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                found[alarm["AlarmName"]] = alarm
    return found


def no_such_alarm(cloudwatch: Any, name: str) -> KitError:
    """The error for a name that no alarm has, with names near to it."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=_TYPES)
    known = [
        alarm["AlarmName"]
        for page in pages
        for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))
    ]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"Did you mean {' or '.join(near)}?" if near else "`kit alarms` lists them."
    return KitError(name, "there is no such alarm", remedy if known else "There are no alarms; try `kit apply`.")


def reported_at(cloudwatch: Any, alarm: Mapping[str, Any], at: float | None) -> Reported | None:
    """The alarm's state at a moment (epoch seconds; None: now), or None when its history doesn't reach there."""
    since = (alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]).timestamp()
    if at is None or since <= at:
        return Reported(alarm["StateValue"], alarm.get("StateReason", ""), since)
    item = _state_update(cloudwatch, alarm["AlarmName"], EndDate=_date(at), ScanBy="TimestampDescending")
    if item is not None:
        return _reported(item, "newState", item["Timestamp"].timestamp())
    item = _state_update(cloudwatch, alarm["AlarmName"], StartDate=_date(at), ScanBy="TimestampAscending")
    return _reported(item, "oldState", None) if item is not None else None


def _state_update(cloudwatch: Any, name: str, **bounds: Any) -> Any:
    found = cloudwatch.describe_alarm_history(
        AlarmName=name, AlarmTypes=_TYPES, HistoryItemType="StateUpdate", MaxRecords=1, **bounds
    )["AlarmHistoryItems"]
    return found[0] if found else None


def _reported(item: Mapping[str, Any], key: str, since: float | None) -> Reported:
    state = json.loads(item["HistoryData"])[key]
    return Reported(state["stateValue"], state.get("stateReason", ""), since)


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
