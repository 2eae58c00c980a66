"""This kit's conventions: owner, severity, runbook, one name once, the prefix of practice scale, stand-ins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kit.definitions.checks.family import Alarm, Family, tag, told
from kit.definitions.checks.registry import rule
from kit.definitions.model import DashboardFile
from kit.definitions.practice import PREFIX
from kit.definitions.stage import stand_in_flaws
from kit.definitions.structure import Flaw

SEVERITIES = ("page", "ticket", "info")
_RUNBOOK = re.compile(r"Runbook: *(\S+)")


@rule(
    "alarm/owner",
    "error",
    "alarm",
    ours=True,
    finds="an alarm without the tag kit:owner",
    why="whoever is woken must know whom to ask",
)
def owner(alarm: Alarm, _: Family) -> Iterator[Flaw]:
    if not tag(alarm, "kit:owner"):
        yield Flaw("/Tags", f"{alarm.name} has no owner", 'Add {"Key": "kit:owner", "Value": "your-team"}.')


@rule(
    "alarm/severity",
    "error",
    "alarm",
    ours=True,
    finds="an alarm whose tag kit:severity is not page, ticket or info, or doesn't fit whom it tells",
    why="a page that opens a ticket is read tomorrow; a ticket that pages wakes somebody",
)
def severity(alarm: Alarm, _: Family) -> Iterator[Flaw]:
    given = tag(alarm, "kit:severity")
    if given not in SEVERITIES:
        yield Flaw("/Tags", f"kit:severity is {given or 'missing'}", f"Use one of {', '.join(SEVERITIES)}.")
        return
    topics = {action.rpartition(":")[2] for action in told(alarm, ("AlarmActions",))} & {"page", "ticket"}
    if given != "info" and not told(alarm, ("AlarmActions",)):
        remedy = "Add AlarmActions, or call it info if it only serves other alarms."
        yield Flaw("/Tags", f"kit:severity is {given}, but it tells nobody", remedy)
    elif topics and given not in topics:
        yield Flaw("/Tags", f"kit:severity is {given}, but it tells {' and '.join(sorted(topics))}", "Correct one.")


@rule(
    "alarm/runbook",
    "error",
    "alarm",
    ours=True,
    finds="an alarm whose AlarmDescription doesn't end in Runbook: and a path or address",
    why="at night nobody searches the wiki",
)
def runbook(alarm: Alarm, _: Family) -> Iterator[Flaw]:
    if not _RUNBOOK.search(alarm.request.get("AlarmDescription", "")):
        remedy = "End it with Runbook: docs/runbooks/NAME.md."
        yield Flaw("/AlarmDescription", f"{alarm.name} names no runbook", remedy)


@rule(
    "alarm/runbook-not-there",
    "error",
    "alarm",
    finds="a runbook in AlarmDescription that is a file's path and isn't there",
    why="the link breaks when it is needed",
)
def runbook_not_there(alarm: Alarm, family: Family) -> Iterator[Flaw]:
    named = _RUNBOOK.search(alarm.request.get("AlarmDescription", ""))
    if named is None:
        return
    path = named[1].rstrip(".,;").partition("#")[0]
    if "://" in path or not path.endswith((".md", ".rst", ".txt", ".html")):
        return
    if not any((folder / path).is_file() for folder in _around(alarm, family)):
        yield Flaw("/AlarmDescription", f"the runbook {path} is not there", "Write it, or correct the path.")


def _around(alarm: Alarm, family: Family) -> tuple[Path, ...]:
    return (family.root, *family.paths[alarm.file].parents)


@rule(
    "set/reserved-prefix",
    "error",
    "set",
    ours=True,
    finds=f"an alarm or dashboard whose name begins with {PREFIX}",
    why="practice scale makes such names from these files",
)
def reserved(family: Family) -> Iterator[tuple[str, Flaw]]:
    named: tuple[Alarm | DashboardFile, ...] = (*family.alarms.values(), *family.definitions.dashboards)
    for one in named:
        if one.name.startswith(PREFIX) and not family.staged:
            pointer = "" if isinstance(one, DashboardFile) else "/AlarmName"
            yield one.file, Flaw(pointer, f"{one.name}: the prefix {PREFIX} belongs to practice scale", "Rename it.")


@rule(
    "set/stand-in",
    "error",
    "set",
    ours=True,
    finds="an ARN of a real account or another Region",
    why="the files hold stand-ins that each stage replaces; this one would not follow",
)
def stand_in(family: Family) -> Iterator[tuple[str, Flaw]]:
    if family.staged:
        return
    alarms: tuple[Alarm, ...] = (*family.definitions.alarms, *family.definitions.composites)
    for alarm in alarms:
        yield from ((alarm.file, flaw) for flaw in stand_in_flaws(alarm.request))
    for dashboard in family.definitions.dashboards:
        yield from ((dashboard.file, flaw) for flaw in stand_in_flaws(dashboard.body))


@rule(
    "set/name-twice",
    "error",
    "set",
    finds="two files that define an alarm or a dashboard of one name",
    why="the one that is applied last replaces the other",
)
def name_twice(family: Family) -> Iterator[tuple[str, Flaw]]:
    seen: dict[tuple[str, str], str] = {}
    definitions = family.definitions
    named: tuple[Alarm | DashboardFile, ...]
    named = (*definitions.alarms, *definitions.composites, *definitions.dashboards)
    for one in named:
        kind = "dashboard" if isinstance(one, DashboardFile) else "alarm"
        first = seen.setdefault((kind, one.name), one.file)
        if first != one.file:
            pointer = "" if kind == "dashboard" else "/AlarmName"
            yield one.file, Flaw(pointer, f"{one.name} is defined in {first} too", "Rename one of them.")
