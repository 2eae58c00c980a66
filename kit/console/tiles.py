"""An alarm as the pages show it: its state, since when and why, and its recent past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.charts.alarm import condition
from kit.charts.lines import Line
from kit.charts.states import Change, spans
from kit.evaluation.composite import RuleError, parse_rule

SEVERITY = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}


def tile(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The stable facts of one alarm, as JSON takes them; times in epoch milliseconds."""
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    rule = alarm.get("AlarmRule")
    actions = [alarm.get(kind) or () for kind in ("AlarmActions", "OKActions", "InsufficientDataActions")]
    return {
        "name": alarm["AlarmName"],
        "arn": alarm.get("AlarmArn", ""),
        "kind": "composite" if rule is not None else "metric",
        "state": alarm.get("StateValue", "INSUFFICIENT_DATA"),
        "since": milliseconds(since),
        "reason": alarm.get("StateReason", ""),
        "description": alarm.get("AlarmDescription", ""),
        "condition": rule if rule is not None else condition(alarm),
        "notifies": any(actions),
        "silenced": alarm.get("ActionsEnabled") is False,
    }


def ribbon(alarm: Mapping[str, Any], changes: Iterable[Change], start: float, end: float) -> list[tuple[int, int, str]]:
    """The alarm's states between two epoch seconds, as (start, end, state) in milliseconds."""
    configured = alarm.get("AlarmConfigurationUpdatedTimestamp")
    own = [change for change in changes if change.alarm == alarm["AlarmName"]]
    known_from = configured.timestamp() if isinstance(configured, datetime) else start
    state = str(alarm.get("StateValue", "INSUFFICIENT_DATA"))
    return [(round(s.start * 1000), round(s.end * 1000), s.state) for s in spans(own, state, known_from, start, end)]


def worst_first(alarms: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """ALARM, then INSUFFICIENT_DATA, then OK; by name within each."""
    return sorted(alarms, key=lambda a: (SEVERITY.get(str(a.get("StateValue")), 3), str(a["AlarmName"])))


def children(alarm: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The alarms that a composite's rule names, as far as they exist, by name; none for a metric alarm."""
    rule = alarm.get("AlarmRule")
    if not isinstance(rule, str):
        return []
    try:
        named = parse_rule(rule).children
    except RuleError:
        return []
    found = [each for each in alarms if each["AlarmName"] in named or each.get("AlarmArn") in named]
    return sorted(found, key=lambda each: str(each["AlarmName"]))


def line_json(line: Line) -> dict[str, Any]:
    """A line in columns, which is a third of its size in rows."""
    return {
        "key": line.key,
        "label": line.label,
        "color": line.color,
        "axis": line.axis,
        "t": line.times,
        "v": line.values,
        "base": line.base,
        "running": line.running,
    }


def milliseconds(moment: Any) -> int | None:
    """A datetime as epoch milliseconds."""
    return round(moment.timestamp() * 1000) if isinstance(moment, datetime) else None
