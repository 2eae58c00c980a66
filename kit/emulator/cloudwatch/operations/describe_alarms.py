"""DescribeAlarms: metric alarms unless AlarmTypes asks for composite ones; children and parents of one alarm."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.alarms import ACTION_LISTS, Alarm, CompositeAlarm
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import page_after
from kit.emulator.protocol import AwsError, Context

PAGE = 50
_LISTS = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    _check(params)
    found, members = _family(engine, params) or (_filtered(engine, params), None)
    size = params.get("MaxRecords", PAGE)
    keyed = [(alarm.name, alarm) for alarm in found]
    with engine.alarms.lock:
        page, more = page_after("DescribeAlarms", keyed, params.get("NextToken"), size)
        answer: dict[str, Any] = {"CompositeAlarms": [], "MetricAlarms": []}
        for alarm in page:
            shown = alarm.described()
            answer[_LISTS[alarm.type]].append({key: shown[key] for key in members} if members else shown)
    return answer | ({"NextToken": more} if more else {})


def _check(params: dict[str, Any]) -> None:
    if "AlarmNames" in params and "AlarmNamePrefix" in params:
        raise AwsError("ValidationError", "AlarmNamePrefix and AlarmNames cannot be specified together.")
    for alone in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
        others = params.keys() - {alone, "MaxRecords", "NextToken"}
        if alone in params and others:
            text = f"{alone} cannot be specified together with {', '.join(sorted(others))}."
            raise AwsError("ValidationError", text)


def _family(engine: Engine, params: dict[str, Any]) -> tuple[list[Alarm], tuple[str, ...]] | None:
    """The children or parents that were asked for, and the members of theirs that the operation shows."""
    name = params.get("ChildrenOfAlarmName") or params.get("ParentsOfAlarmName")
    if name is None:
        return None
    alarm = engine.alarms.get(name)
    if "ParentsOfAlarmName" in params:
        return list(engine.alarms.parents(name)) if alarm else [], ("AlarmName", "AlarmArn")
    children = alarm.children if isinstance(alarm, CompositeAlarm) else frozenset()
    found = [child for child in engine.alarms.all() if child.name in children]
    return found, ("AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp")


def _filtered(engine: Engine, params: dict[str, Any]) -> list[Alarm]:
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    names = frozenset(params["AlarmNames"]) if params.get("AlarmNames") else None
    prefix, state, action = params.get("AlarmNamePrefix", ""), params.get("StateValue"), params.get("ActionPrefix")
    return [
        alarm
        for alarm in engine.alarms.all()
        if alarm.type in types
        and (names is None or alarm.name in names)
        and alarm.name.startswith(prefix)
        and (state is None or alarm.state.value == state)
        and (action is None or _acts(alarm, action))
    ]


def _acts(alarm: Alarm, prefix: str) -> bool:
    return any(arn.startswith(prefix) for key in ACTION_LISTS.values() for arn in alarm.settings.get(key, ()))
