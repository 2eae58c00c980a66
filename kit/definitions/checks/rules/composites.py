"""Composite alarms: their children, their rings, and rules that are never or always true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError

from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.rules.never_fires import cannot_fire
from kit.definitions.checks.satisfiable import can_be
from kit.definitions.composite_rules import in_order
from kit.definitions.model import AlarmFile, CompositeFile, alarm_name
from kit.definitions.structure import Flaw
from kit.evaluation.rule import STATES, Constant

PARENTS = 150


@rule(
    "composite/unknown-alarm",
    "error",
    "composite alarm",
    finds="a child or suppressor that no file defines",
    why="AWS refuses the composite when the alarm isn't there",
)
def unknown_alarm(composite: CompositeFile, family: Family) -> Iterator[Flaw]:
    for name in sorted(composite.needs):
        if not family.knows(name):
            suppressor = alarm_name(composite.request.get("ActionsSuppressor", "")) == name
            pointer = "/ActionsSuppressor" if suppressor and name not in composite.children else "/AlarmRule"
            remedy = "Correct the name, or check the file that defines it along with this one."
            yield Flaw(pointer, f"names {name}, which no file here defines", remedy)


@rule(
    "composite/ring",
    "error",
    "set",
    finds="composites that wait for each other in a ring",
    why="API Reference, PutCompositeAlarm: none of them is evaluated any more, and none can be made first",
)
def ring(family: Family) -> Iterator[tuple[str, Flaw]]:
    composites = family.definitions.composites
    try:
        in_order(composites)
    except CycleError as error:
        names = list(error.args[1])
        file = next(one.file for one in composites if one.name in names)
        yield file, Flaw("/AlarmRule", f"waits for itself: {' -> '.join(names)}", "Break the ring.")


@rule(
    "composite/never-true",
    "error",
    "composite alarm",
    finds="a rule that no states of its children make true, such as ALARM(a) AND OK(a), or one that hangs on an alarm "
    "that never fires",
    why="it looks like protection and is none",
)
def never_true(composite: CompositeFile, family: Family) -> Iterator[Flaw]:
    parsed = family.rules[composite.name]
    if parsed.steps == (Constant(value=False),):
        return  # the documented way to break a ring
    if can_be(parsed, True, lambda name: _states(name, family)) is False:
        yield Flaw("/AlarmRule", "can never be true, whatever state its children are in", "Correct the rule.")


@rule(
    "composite/always-true",
    "error",
    "composite alarm",
    finds="a rule that all states of its children make true, such as NOT ALARM(a) OR ALARM(a)",
    why="an alarm that is always on says nothing",
)
def always_true(composite: CompositeFile, family: Family) -> Iterator[Flaw]:
    if can_be(family.rules[composite.name], False) is False:
        yield Flaw("/AlarmRule", "is always true, whatever state its children are in", "Correct the rule.")


def _states(name: str, family: Family) -> tuple[str, ...]:
    alarm = family.alarms.get(name)
    watch = family.watch(alarm) if isinstance(alarm, AlarmFile) else None
    if watch is not None and cannot_fire(watch):
        return ("OK", "INSUFFICIENT_DATA")
    return STATES


@rule(
    "composite/too-many-parents",
    "error",
    "set",
    finds=f"an alarm that more than {PARENTS} composites use",
    why="API Reference, PutCompositeAlarm",
)
def too_many_parents(family: Family) -> Iterator[tuple[str, Flaw]]:
    parents = Counter(name for composite in family.definitions.composites for name in composite.children)
    for name, count in sorted(parents.items()):
        if count > PARENTS and name in family.alarms:
            problem = f"is used by {count} composites, AWS takes {PARENTS} at most"
            yield family.alarms[name].file, Flaw("/AlarmName", problem, "Put a composite between them.")
