"""Pages by the alarms' history, for what SNS could not deliver: an account that cannot reach this machine, or a time
when nothing listened here.

An alarm's history tells its changes (StateUpdate) and which topics were told (Action); one without the other is no
page: an alarm whose actions are off or held back says nothing. Source: CloudWatch API Reference,
DescribeAlarmHistory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kit.incidents.inbox import Inbox, with_severity
from kit.incidents.model import Page

FURTHEST_BACK_S = 86_400.0
OVERLAP_S = 120.0
"""So far before the last look it looks again: an action follows its change, and SNS may be on its way."""

_TYPES = ["MetricAlarm", "CompositeAlarm"]
_MARK = "history"
_TOLD_WITHIN_S = 120.0


def catch_up(cloudwatch: Any, inbox: Inbox, actions: Mapping[str, str], now: float) -> int:
    """Take from the history what the inbox doesn't have; how many pages were looked at. The caller handles errors."""
    since = max(now - FURTHEST_BACK_S, (inbox.mark(_MARK) or 0.0) - OVERLAP_S)
    updates = _items(cloudwatch, "StateUpdate", since - _TOLD_WITHIN_S, now)
    told = _items(cloudwatch, "Action", since, now)
    pages = list(pages_of(updates, told, actions.values(), now))
    for page in sorted(pages, key=lambda each: each.at):
        inbox.receive(with_severity(page, dict(actions)))
    inbox.set_mark(_MARK, now)
    return len(pages)


def pages_of(
    updates: Iterable[Mapping[str, Any]], told: Iterable[Mapping[str, Any]], topics: Collection[str], now: float
) -> Iterator[Page]:
    """Pages from history items: each Action that told one of ``topics``, with the change just before it."""
    changes: dict[str, list[Mapping[str, Any]]] = {}
    for item in updates:
        changes.setdefault(str(item["AlarmName"]), []).append(item)
    for item in told:
        words = str(item.get("HistorySummary", ""))
        topic = next((topic for topic in topics if words.startswith("Successfully") and words.endswith(topic)), None)
        at = item["Timestamp"].timestamp()
        before = [
            each
            for each in changes.get(str(item["AlarmName"]), ())
            if at - _TOLD_WITHIN_S <= each["Timestamp"].timestamp() <= at + 1
        ]
        if topic is None or not before:
            continue
        change = max(before, key=lambda each: each["Timestamp"])
        yield _page(change, topic, now)


def _page(change: Mapping[str, Any], topic: str, now: float) -> Page:
    alarm, at = str(change["AlarmName"]), change["Timestamp"].timestamp()
    old, new, reason = states(change)
    return Page(
        id=f"history {alarm} {new} {at:.3f}",
        alarm=alarm,
        state=new,
        before=old,
        reason=reason,
        about="",
        severity="page",
        topic=topic,
        at=at,
        received=now,
    )


def states(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """The old state, the new one and its reason in a StateUpdate item; from its summary where its data is cut."""
    try:
        data = json.loads(item.get("HistoryData") or "{}")
        old, new = data["oldState"], data["newState"]
        return str(old["stateValue"]), str(new["stateValue"]), str(new.get("stateReason", ""))
    except (ValueError, KeyError, TypeError):
        words = str(item.get("HistorySummary", "")).split()
        known = [word for word in words if word in ("OK", "ALARM", "INSUFFICIENT_DATA")]
        return (known[0], known[-1], "") if known else ("", "", "")


def _items(cloudwatch: Any, kind: str, since: float, until: float) -> list[Mapping[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmTypes=_TYPES,
        HistoryItemType=kind,
        StartDate=datetime.fromtimestamp(since, UTC),
        EndDate=datetime.fromtimestamp(until, UTC),
        ScanBy="TimestampAscending",
    )
    return [item for page in pages for item in page["AlarmHistoryItems"]]
