"""Alarms as AWS tells of them: which changed their state, and which topics were told.

DescribeAlarmHistory has both, with the time at which they happened (CloudWatch API Reference): a state is known as of
its change, however late one asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kit.incidents.history import states

OVERLAP_S = 60.0
"""So far back it looks again: an item may be written some time after what it tells of."""

ALARM, UNKNOWN = "ALARM", "INSUFFICIENT_DATA"
TYPES = ["MetricAlarm", "CompositeAlarm"]


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm went from one state to another at ``t`` (epoch seconds)."""

    t: float
    alarm: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An alarm told a topic (``page`` or ``ticket``) of its state, whichever it was then."""

    t: float
    alarm: str
    topic: str


class AlarmWatch:
    """The news about some alarms, each told once. ``topics`` maps page and ticket to ARNs."""

    def __init__(self, cloudwatch: Any, names: Collection[str], topics: Mapping[str, str], since: float) -> None:
        self._cloudwatch = cloudwatch
        self._names = frozenset(names)
        self._topics = topics
        self._since = since
        self._start = since
        self._seen: set[tuple[Any, ...]] = set()

    def news(self, now: float) -> list[Change | Sent]:
        """What happened since the last look, in order of time. Raises what botocore raises."""
        found = [*self._items("StateUpdate", _change), *self._items("Action", self._sent)]
        self._since = max(self._start, now - OVERLAP_S)
        return sorted(found, key=lambda one: one.t)

    def _items(self, kind: str, read: Callable[[Mapping[str, Any]], Change | Sent | None]) -> Iterator[Change | Sent]:
        pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=TYPES,
            HistoryItemType=kind,
            StartDate=datetime.fromtimestamp(self._since, UTC),
            ScanBy="TimestampAscending",
        )
        for page in pages:
            for item in page["AlarmHistoryItems"]:
                key = (item["AlarmName"], item["Timestamp"], item["HistorySummary"])
                if item["AlarmName"] not in self._names or key in self._seen:
                    continue
                self._seen.add(key)
                found = read(item)
                if found is not None:
                    yield found

    def _sent(self, item: Mapping[str, Any]) -> Sent | None:
        words = item["HistorySummary"]
        for topic, arn in self._topics.items():
            if words.startswith("Successfully") and words.endswith(arn):
                return Sent(item["Timestamp"].timestamp(), item["AlarmName"], topic)
        return None


def states_now(cloudwatch: Any) -> dict[str, str]:
    """The state of every alarm. Raises what botocore raises."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=TYPES)
    alarms = (one for page in pages for one in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())))
    return {one["AlarmName"]: one["StateValue"] for one in alarms}


def _change(item: Mapping[str, Any]) -> Change:
    return Change(item["Timestamp"].timestamp(), item["AlarmName"], *states(item))
