"""What an alarm watches: the series that raise its value, without those that it only divides or asks by."""

from __future__ import annotations

from collections.abc import Iterator

from kit.definitions.checks.family import Alarm, Family
from kit.definitions.checks.satisfiable import can_be
from kit.definitions.checks.uses import Series
from kit.definitions.checks.watch import Watch
from kit.definitions.model import AlarmFile, alarm_name
from kit.evaluation.expression import Binary, Call, Name, Node, Number, operands
from kit.evaluation.rule import STATES, Rule

Symptom = frozenset[tuple[Series, bool]]
"""Series, each with whether it is bad when it is high."""


def symptom(alarm: Alarm, family: Family) -> Symptom:
    """The symptom of a metric alarm, or of all alarms below a composite one that can set it off; empty if unknown."""
    found: set[tuple[Series, bool]] = set()
    for one in (alarm, *(family.alarms[name] for name in sorted(below(alarm, family)))):
        watch = family.watch(one) if isinstance(one, AlarmFile) else None
        if watch is not None:
            found |= {(watch.uses[name].series, watch.upwards) for name in signals(watch)}
    return frozenset(found)


def signals(watch: Watch) -> frozenset[str]:
    """The ids of the metrics that the watched value rises and falls with."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting: list[Node] = [Name(watch.definition.watched)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            if node.id in watch.uses:
                found.add(node.id)
            elif node.id not in seen:
                seen.add(node.id)
                waiting.append(watch.expressions[node.id].root)
        else:
            waiting.extend(_that_count(node))
    return frozenset(found or watch.uses)


def _that_count(node: Node) -> tuple[Node, ...]:
    match node:
        case Binary("/", above, below_it):
            return (below_it,) if isinstance(above, Number) else (above,)
        case Call("IF", arguments):
            return arguments[1:]
        case Binary("<" | "<=" | ">" | ">=" | "==" | "!="):
            return ()
    return operands(node)


def sets_off(alarm: Alarm, family: Family) -> frozenset[str]:
    """The children whose ALARM lets a composite's rule be true; a child that is only excluded is none."""
    rule = family.rules.get(alarm.name)
    if rule is None:
        return frozenset()
    return frozenset(
        name for name in map(alarm_name, rule.children) if name in family.alarms and _possible_with(rule, name)
    )


def _possible_with(rule: Rule, name: str) -> bool:
    return can_be(rule, True, lambda child: ("ALARM",) if child == name else STATES) is not False


def below(alarm: Alarm, family: Family) -> frozenset[str]:
    """All alarms below a composite one that can set it off, over any number of levels."""
    if alarm.name not in family.below:
        family.below[alarm.name] = frozenset(_below(alarm, family))
    return family.below[alarm.name]


def _below(alarm: Alarm, family: Family) -> Iterator[str]:
    seen: set[str] = set()
    waiting = [alarm]
    while waiting:
        for name in sets_off(waiting.pop(), family) - seen:
            seen.add(name)
            waiting.append(family.alarms[name])
            yield name
