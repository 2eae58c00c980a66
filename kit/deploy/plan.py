"""A plan is data: one Change for each definition, in the order in which they can be applied.

1. Metric alarms.
2. Composite alarms, each after what it names.
3. Dashboards.
4. Deletes: a composite before what it names, since AWS keeps an alarm that a composite names; then the dashboards.
   They come last because only by then no composite of the files names what goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.definitions.composite_rules import in_order
from kit.deploy.deletes import deletable_order, still_named
from kit.deploy.differences import Difference, differences
from kit.deploy.live import Live, LiveDashboard, tags_of
from kit.deploy.normalise import comparable_alarm, comparable_composite, comparable_tags, pairs
from kit.deploy.ownership import NO_SET, Owner, is_bookkeeping
from kit.deploy.record import alarm_fields, dashboard_fields, record_tags

Kind = Literal["alarm", "composite", "dashboard"]
Action = Literal["create", "update", "record", "delete", "unchanged"]
TAGS_A_RESOURCE = 50
ANYBODY = Owner(NO_SET, "", adopts_all=True)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a change must not be made, and what to do about it."""

    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one definition.

    ``wanted`` is the input of PutMetricAlarm or PutCompositeAlarm without its Tags, or the dashboard's body; ``tags``
    are all that apply sets, its bookkeeping too, ``file_tags`` those of the file. ``arn`` is the live one's,
    ``stale_tags`` are tags of it that are to go. ``record`` as an action means that live is what the file says and only
    the bookkeeping is to be written.
    """

    action: Action
    kind: Kind
    name: str
    file: str
    wanted: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    arn: str | None = None
    stale_tags: tuple[str, ...] = ()
    obstacle: Obstacle | None = None
    file_tags: Mapping[str, str] = field(default_factory=dict)


def plan(definitions: Definitions, live: Live, owner: Owner = ANYBODY) -> tuple[Change, ...]:
    """The changes that make ``live`` what ``definitions`` say. Pure; what needs no change is there, as unchanged.

    What is live, the owner's, and in no file is to be deleted.
    """
    return (
        *(_alarm_change(alarm, live, owner) for alarm in definitions.alarms),
        *(_alarm_change(one, live, owner) for one in in_order(definitions.composites)),
        *(_dashboard_change(one, live.dashboards.get(one.name), owner) for one in definitions.dashboards),
        *deletes(definitions, live, owner),
    )


def needed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Those that would write something."""
    return tuple(change for change in changes if change.action != "unchanged")


def deletes(definitions: Definitions, live: Live, owner: Owner) -> Iterator[Change]:
    """What is live and the owner's and not in ``definitions``, in the order in which it can be deleted."""
    composites = {
        name: alarm
        for name, alarm in live.composites.items()
        if name not in definitions.alarm_names and owner.owns(tags_of(alarm))
    }
    alarms = {
        name: alarm
        for name, alarm in live.alarms.items()
        if name not in definitions.alarm_names and owner.owns(tags_of(alarm))
    }
    going = composites.keys() | alarms.keys()
    ours = {composite.name: composite.needs for composite in definitions.composites}
    named = still_named(live.rules, going, ours)
    for name in (*deletable_order(composites), *sorted(alarms)):
        kind: Kind = "composite" if name in composites else "alarm"
        arn = (composites.get(name) or alarms[name])["AlarmArn"]
        obstacle = None
        if name in named:
            problem = f"cannot be deleted: the composite alarm {named[name]}, which is not ours, names it"
            obstacle = Obstacle(problem, f"Take it out of the rule of {named[name]}, or bring its file back.")
        yield Change("delete", kind, name, "", {}, arn=arn, obstacle=obstacle)
    kept = {board.name for board in definitions.dashboards}
    for name, board in sorted(live.dashboards.items()):
        if name not in kept and owner.owns(board.tags):
            yield Change("delete", "dashboard", name, "", {}, arn=board.arn)


def _alarm_change(alarm: AlarmFile | CompositeFile, everything: Live, owner: Owner) -> Change:
    composite = isinstance(alarm, CompositeFile)
    kind: Kind = "composite" if composite else "alarm"
    comparable = comparable_composite if composite else comparable_alarm
    live, other = everything.alarms.get(alarm.name), everything.composites.get(alarm.name)
    if composite:
        live, other = other, live
    request = {key: value for key, value in alarm.request.items() if key != "Tags"}
    file_tags = pairs(alarm.request.get("Tags", ()), "Key")
    shape = comparable(request)
    tags = file_tags | owner.tags | record_tags(alarm_fields(shape, file_tags))
    change = Change("create", kind, alarm.name, alarm.file, request, tags, file_tags=file_tags)
    if other is not None:
        stands = (
            f"stands there as a {'metric' if composite else 'composite'} alarm, which AWS can't turn into another kind"
        )
        return replace(change, obstacle=Obstacle(stands, "Give the one of the file another name."))
    if live is None:
        return replace(change, obstacle=_too_many_tags(tags))
    found = tuple(differences(comparable(live), shape))
    return _standing(replace(change, action="update", differences=found, arn=live["AlarmArn"]), live, owner)


def _dashboard_change(dashboard: DashboardFile, live: LiveDashboard | None, owner: Owner) -> Change:
    tags = owner.tags | record_tags(dashboard_fields(dashboard.body, {}))
    if live is None:
        return Change("create", "dashboard", dashboard.name, dashboard.file, dashboard.body, tags)
    found = tuple(differences(live.body, dashboard.body))
    change = Change("update", "dashboard", dashboard.name, dashboard.file, dashboard.body, tags, found, live.arn)
    return _standing(change, live, owner)


def _standing(change: Change, live: Mapping[str, Any] | LiveDashboard, owner: Owner) -> Change:
    """The change of something that is there, with its tags compared and its owner asked for."""
    there = tags_of(live)
    live_tags = comparable_tags(there, change.file_tags)
    found = (*change.differences, *differences(live_tags, change.file_tags, "/Tags"))
    stale = {key for key in live_tags if key not in change.file_tags}
    stale |= {key for key in there if is_bookkeeping(key) and key not in change.tags}
    recorded = not stale and all(there.get(key) == value for key, value in change.tags.items())
    action: Action = "update" if found else "unchanged" if recorded else "record"
    obstacle = _too_many_tags({**there, **change.tags}) if action != "unchanged" else None
    if not owner.may_write(change.name, there):
        remedy = f"Rename yours, or take it over: --adopt {change.name}"
        obstacle = Obstacle(f"stands there already, and {owner.whose(there)}", remedy)
        action = "update"
    return replace(change, action=action, differences=found, stale_tags=tuple(sorted(stale)), obstacle=obstacle)


def _too_many_tags(tags: Mapping[str, str]) -> Obstacle | None:
    if len(tags) <= TAGS_A_RESOURCE:
        return None
    return Obstacle(f"would carry {len(tags)} tags, AWS takes {TAGS_A_RESOURCE}", "Remove some: apply adds its own.")
