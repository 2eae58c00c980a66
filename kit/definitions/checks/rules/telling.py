"""Who is told: nobody, twice, or two times for one symptom."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from kit.definitions.checks.family import PAGE, Alarm, Family, tag, told
from kit.definitions.checks.registry import rule
from kit.definitions.checks.satisfiable import can_be
from kit.definitions.checks.symptom import below, sets_off, symptom
from kit.definitions.model import CompositeFile, alarm_name
from kit.definitions.structure import Flaw
from kit.evaluation.rule import STATES

CHANGES = ("AlarmActions", "OKActions")
"""Not InsufficientDataActions: a composite never lacks data, so its child has to tell of that itself."""


@rule(
    "alarm/nobody-told",
    "warning",
    "alarm",
    finds="an alarm without an action that no composite uses",
    why="it changes colour, and nobody knows",
)
def nobody_told(alarm: Alarm, family: Family) -> Iterator[Flaw]:
    if told(alarm) or any(alarm.name in composite.needs for composite in family.definitions.composites):
        return
    remedy = "Add AlarmActions, or use it in a composite."
    if any(alarm.request.get(key) for key in ("AlarmActions", "OKActions", "InsufficientDataActions")):
        remedy = "Set ActionsEnabled to true."
    yield Flaw("", f"nobody is told of {alarm.name}, and no composite uses it", remedy)


@rule(
    "composite/child-acts",
    "warning",
    "composite alarm",
    finds="a child that tells the same as its composite; in a set with this kit's tags, a child that tells anybody",
    why="one trouble is told twice, and the composite's suppression is passed by",
)
def child_acts(composite: CompositeFile, family: Family) -> Iterator[Flaw]:
    own = told(composite, CHANGES)
    for name in sorted(sets_off(composite, family)):
        child = told(family.alarms[name], CHANGES)
        if own and child and (family.ours or own & child):
            remedy = f"Remove the actions from {family.alarms[name].file}."
            yield Flaw("/AlarmRule", f"its child {name} has actions of its own", remedy)


@rule(
    "set/two-pages",
    "error",
    "set",
    finds="two alarms that page for one symptom (the same series, apart from what they are divided or guarded by), "
    "neither suppressed by the other",
    why="the second page comes while the first is worked on",
)
def two_pages(family: Family) -> Iterator[tuple[str, Flaw]]:
    pages = [(alarm, symptom(alarm, family)) for alarm in family.alarms.values() if told(alarm, ("AlarmActions",))]
    for (one, first), (other, second) in combinations(sorted(pages, key=lambda pair: pair[0].name), 2):
        if first and first == second and _both_page(one, other) and not _apart(one, other, family):
            remedy = "Set ActionsSuppressor on the less urgent one, or let one of them be a ticket."
            problem = f"pages for the same symptom as {other.name} ({_series(first)})"
            yield one.file, Flaw("/AlarmActions", problem, remedy)


def _both_page(one: Alarm, other: Alarm) -> bool:
    """By their tags; where neither has one, whoever shares a receiver."""
    severities = (tag(one, "kit:severity"), tag(other, "kit:severity"))
    if severities == (None, None):
        return bool(told(one, ("AlarmActions",)) & told(other, ("AlarmActions",)))
    return severities == (PAGE, PAGE)


def _apart(one: Alarm, other: Alarm, family: Family) -> bool:
    """Whether one of them is suppressed by the other, excludes it in its rule, or is below it."""
    return any(
        _suppressed(a, b, family) or _excludes(a, b, family) or b.name in below(a, family)
        for a, b in ((one, other), (other, one))
    )


def _suppressed(alarm: Alarm, other: Alarm, family: Family) -> bool:
    suppressor = family.alarms.get(alarm_name(alarm.request.get("ActionsSuppressor", "")))
    return suppressor is not None and (suppressor is other or other.name in below(suppressor, family))


def _excludes(alarm: Alarm, other: Alarm, family: Family) -> bool:
    parsed = family.rules.get(alarm.name)
    if parsed is None or other.name not in {alarm_name(child) for child in parsed.children}:
        return False
    return can_be(parsed, True, lambda name: ("ALARM",) if name == other.name else STATES) is False


def _series(found: frozenset[tuple[tuple[str, str, tuple[tuple[str, str], ...]], bool]]) -> str:
    return ", ".join(sorted({f"{namespace}/{name}" for (namespace, name, _), _ in found}))
