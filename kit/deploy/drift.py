"""Three sides of each definition: what git says, what is live, and what was last applied.

Live that is no longer what was applied was edited by hand; a file that is no longer what was applied has moved on in
git. What was applied is known by the digests of ``record``, field by field, so both can be told of one alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kit.deploy.differences import ABSENT, Difference
from kit.deploy.live import Live, LiveDashboard, tags_of
from kit.deploy.normalise import comparable_alarm, comparable_composite, comparable_tags
from kit.deploy.ownership import SET, STAGE, Owner
from kit.deploy.plan import Change
from kit.deploy.record import alarm_fields, dashboard_fields, differs_from_record, recorded

Status = Literal[
    "edited", "behind", "both", "deleted", "new", "missing", "removed", "unmanaged", "foreign", "unrecorded"
]
By = Literal["hand", "git", "both", "unknown"]

MEANING: dict[Status, str] = {
    "edited": "edited by hand",
    "behind": "git moved on, not applied yet",
    "both": "edited by hand, and git moved on",
    "deleted": "deleted by hand",
    "new": "new in git, not applied yet",
    "missing": "deleted by hand, or new in git: AWS keeps no history of dashboards",
    "removed": "removed from git, not applied yet",
    "unmanaged": "unmanaged: stands among ours, and is in no file",
    "foreign": "has the name of ours, and is not ours",
    "unrecorded": "what was last applied is not on record",
}


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """A field in which live and git differ, and who moved it."""

    difference: Difference
    by: By


@dataclass(frozen=True, slots=True)
class Finding:
    """One definition, or one live thing, that is not in step. ``note`` says more about it, in words."""

    status: Status
    kind: str
    name: str
    file: str = ""
    fields: tuple[FieldDrift, ...] = ()
    note: str = ""


def drift(changes: tuple[Change, ...], live: Live, owner: Owner, deleted: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what is not in step, in the order of the plan that ``changes`` are. Pure.

    ``deleted`` are the alarms that stood once, each with when it was deleted (empty when that is not told).
    """
    known = {change.name for change in changes}
    for change in changes:
        there = _standing(change, live)
        if change.action == "delete" and there is not None:
            yield _left_over(change, there)
        elif there is None:
            yield _not_there(change, deleted)
        elif not owner.may_write(change.name, tags_of(there)):
            yield Finding("foreign", change.kind, change.name, change.file, note=owner.whose(tags_of(there)))
        elif change.action != "unchanged":
            yield _compared(change, there)
    kinds: dict[str, Mapping[str, Mapping[str, Any] | LiveDashboard]]
    kinds = {"alarm": live.alarms, "composite": live.composites, "dashboard": live.dashboards}
    for kind, standing in kinds.items():
        for name, one in sorted(standing.items()):
            tags = tags_of(one)
            elsewhere = STAGE in tags and tags[STAGE] != owner.stage
            if name not in known and not elsewhere and name.startswith(live.prefixes):
                yield Finding("unmanaged", kind, name, note=owner.whose(tags) if SET in tags else "")


def _standing(change: Change, live: Live) -> Mapping[str, Any] | LiveDashboard | None:
    if change.kind == "dashboard":
        return live.dashboards.get(change.name)
    # One of the other kind stands in the way just as well.
    return live.alarms.get(change.name) or live.composites.get(change.name)


def _left_over(change: Change, there: Mapping[str, Any] | LiveDashboard) -> Finding:
    was_applied = recorded(tags_of(there)) is not None
    return Finding("removed" if was_applied else "unmanaged", change.kind, change.name)


def _not_there(change: Change, deleted: Mapping[str, str]) -> Finding:
    if change.kind == "dashboard":
        return Finding("missing", change.kind, change.name, change.file)
    if change.name in deleted:
        return Finding("deleted", change.kind, change.name, change.file, note=deleted[change.name])
    return Finding("new", change.kind, change.name, change.file)


def _compared(change: Change, there: Mapping[str, Any] | LiveDashboard) -> Finding:
    tags = tags_of(there)
    digests = recorded(tags)
    if not change.differences:
        return Finding("unrecorded", change.kind, change.name, change.file, note="live is what the file says")
    if digests is None:
        fields = tuple(FieldDrift(one, "unknown") for one in change.differences)
        return Finding("unrecorded", change.kind, change.name, change.file, fields)
    file_tags = change.file_tags
    then, now = _fields(change, there, comparable_tags(tags, file_tags), file_tags, len(digests))
    hand, git = differs_from_record(then, digests), differs_from_record(now, digests)
    fields = tuple(FieldDrift(one, _by(one.path, hand, git)) for one in change.differences)
    movers = {one.by for one in fields}
    status: Status = "edited" if movers == {"hand"} else "behind" if movers == {"git"} else "both"
    return Finding(status, change.kind, change.name, change.file, fields)


def _fields(
    change: Change,
    there: Mapping[str, Any] | LiveDashboard,
    live_tags: Mapping[str, str],
    file_tags: Mapping[str, str],
    count: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of live and of the file, in the order of the record, neither shorter than the record."""
    if isinstance(there, LiveDashboard):
        live, wanted = dashboard_fields(there.body, live_tags), dashboard_fields(change.wanted, file_tags)
        longest = max(len(live), len(wanted), count)
        order = [*dashboard_fields({"widgets": [None] * longest}, {})][:longest]
        return {name: live.get(name, ABSENT) for name in order}, {name: wanted.get(name, ABSENT) for name in order}
    comparable = comparable_composite if change.kind == "composite" else comparable_alarm
    return alarm_fields(comparable(there), live_tags), alarm_fields(comparable(change.wanted), file_tags)


def _by(path: str, hand: frozenset[str], git: frozenset[str]) -> By:
    """Who moved the field that holds ``path``."""
    steps = path.split("/")[1:]
    field = "/".join(steps[:2]) if steps[:1] == ["widgets"] else "".join(steps[:1])

    def moved(names: frozenset[str]) -> bool:
        return any(name == field or not field or name.startswith(f"{field}/") for name in names)

    match moved(hand), moved(git):
        case True, True:
            return "both"
        case True, False:
            return "hand"
        case False, True:
            return "git"
    return "unknown"
