"""Whether an AlarmRule can be true, or false, for any states that its children can be in.

A search: give the children states one after another, look after each whether the rule is decided already, and go back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from kit.definitions.model import alarm_name
from kit.evaluation.rule import STATES, AtLeast, Constant, InState, Rule

PATIENCE = 100_000
"""Steps of rules looked at before the answer is "unknown"."""

States = Mapping[str, str]


def can_be(rule: Rule, wanted: bool, domain: Callable[[str], tuple[str, ...]] = lambda _: STATES) -> bool | None:
    """Whether some states make the rule ``wanted``; None when that takes too long to find out.

    ``domain`` gives the states that an alarm, by its name, can be in. A name and its ARN are one alarm.
    """
    names = sorted({alarm_name(child) for child in rule.children})
    choices = {name: _distinct(rule, name, domain(name)) for name in names}
    states: dict[str, str] = {}
    waiting: list[tuple[int, str]] = [(0, "")]
    looked = 0
    while waiting:
        depth, state = waiting.pop()
        for name in names[max(0, depth - 1) :]:
            states.pop(name, None)
        if depth:
            states[names[depth - 1]] = state
        looked += len(rule.steps)
        if looked > PATIENCE:
            return None
        value = _value(rule, states)
        if value is wanted:
            return True
        if value is None and depth < len(names):
            waiting.extend((depth + 1, choice) for choice in choices[names[depth]])
    return False


def _distinct(rule: Rule, name: str, domain: tuple[str, ...]) -> tuple[str, ...]:
    """Of the states that the rule doesn't tell apart only one."""
    named = {
        step.state
        for step in rule.steps
        if (isinstance(step, InState) and alarm_name(step.child) == name)
        or (isinstance(step, AtLeast) and name in {alarm_name(child) for child in step.children})
    }
    told_apart = [state for state in domain if state in named]
    return (*told_apart, *[state for state in domain if state not in named][:1])


def _value(rule: Rule, states: States) -> bool | None:
    """The rule's value, None while it hangs on alarms without a state."""
    stack: list[bool | None] = []
    for step in rule.steps:
        match step:
            case "NOT":
                top = stack.pop()
                stack.append(None if top is None else not top)
            case "AND" | "OR":
                decides = step == "OR"
                pair = (stack.pop(), stack.pop())
                stack.append(decides if decides in pair else None if None in pair else not decides)
            case Constant(value):
                stack.append(value)
            case InState(state, child):
                found = states.get(alarm_name(child))
                stack.append(None if found is None else found == state)
            case AtLeast():
                stack.append(_at_least(step, states))
    return stack[0]


def _at_least(step: AtLeast, states: States) -> bool | None:
    needed = ceil(step.threshold * len(step.children) / 100) if step.percent else step.threshold
    found = [states.get(alarm_name(child)) for child in step.children]
    matching = sum(state is not None and (state == step.state) is not step.negated for state in found)
    if matching >= needed:
        return True
    return None if matching + found.count(None) >= needed else False
