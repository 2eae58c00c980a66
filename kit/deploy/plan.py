"""A plan is data: one Change for each definition, in the order in which they can be applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.definitions.composite_rules import in_order
from kit.deploy.differences import Difference, differences
from kit.deploy.live import Live
from kit.deploy.normalise import comparable_alarm, comparable_composite, comparable_tags

Kind = Literal["alarm", "composite", "dashboard"]
Action = Literal["create", "update", "unchanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one definition.

    ``wanted`` is the input of PutMetricAlarm or PutCompositeAlarm, or the dashboard's body. ``arn`` is the live
    alarm's, ``stale_tags`` are its tags that are to go.
    """

    action: Action
    kind: Kind
    name: str
    file: str
    wanted: Mapping[str, Any]
    differences: tuple[Difference, ...] = ()
    arn: str | None = None
    stale_tags: tuple[str, ...] = ()


def plan(definitions: Definitions, live: Live) -> tuple[Change, ...]:
    """The changes that make ``live`` what ``definitions`` say: alarms, then composites after what they name, then
    dashboards. Pure; a definition that needs no change is there too, as unchanged.
    """
    return (
        *(_alarm_change(alarm, live.alarms.get(alarm.name)) for alarm in definitions.alarms),
        *(_alarm_change(one, live.composites.get(one.name)) for one in in_order(definitions.composites)),
        *(_dashboard_change(one, live.dashboards.get(one.name)) for one in definitions.dashboards),
    )


def needed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Those that would write something."""
    return tuple(change for change in changes if change.action != "unchanged")


def _alarm_change(alarm: AlarmFile | CompositeFile, live: Mapping[str, Any] | None) -> Change:
    kind: Kind = "composite" if isinstance(alarm, CompositeFile) else "alarm"
    if live is None:
        return Change("create", kind, alarm.name, alarm.file, alarm.request)
    comparable = comparable_composite if isinstance(alarm, CompositeFile) else comparable_alarm
    file_tags = alarm.request.get("Tags", ())
    managed = [tag["Key"] for tag in file_tags]
    live_tags, wanted_tags = comparable_tags(live["Tags"], managed), comparable_tags(file_tags, managed)
    found = (
        *differences(comparable(live), comparable(alarm.request)),
        *differences(live_tags, wanted_tags, "/Tags"),
    )
    return Change(
        "update" if found else "unchanged",
        kind,
        alarm.name,
        alarm.file,
        alarm.request,
        differences=found,
        arn=live["AlarmArn"],
        stale_tags=tuple(sorted(live_tags.keys() - wanted_tags.keys())),
    )


def _dashboard_change(dashboard: DashboardFile, live: Any) -> Change:
    if live is None:
        return Change("create", "dashboard", dashboard.name, dashboard.file, dashboard.body)
    found = tuple(differences(live, dashboard.body))
    action: Action = "update" if found else "unchanged"
    return Change(action, "dashboard", dashboard.name, dashboard.file, dashboard.body, differences=found)
