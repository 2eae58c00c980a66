"""A composite alarm over a long history, from the changes of the alarms below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby
from typing import Literal

from kit.evaluation.composite import Child, Rule, evaluate_composite
from kit.evaluation.replay import NEW, Transition
from kit.evaluation.state import AlarmState


@dataclass(frozen=True, slots=True)
class ReplayedChild:
    """An alarm below a composite: its ARN, its state at the beginning and its changes since, oldest first."""

    arn: str
    before: AlarmState
    transitions: Sequence[Transition]


def replay_composite(
    rule: Rule,
    children: Mapping[str, ReplayedChild],
    start: int,
    previous: AlarmState = NEW,
    *,
    name: str,
    arn: str,
) -> Iterator[Transition]:
    """The composite's changes of state: at ``start`` (epoch seconds), where it is created, and with its children.

    ``children`` are named as in ``rule.children``; a composite among them brings its own transitions. Children that
    change at the same second are seen together, as in a live tick.
    """
    read = {
        reference: Child(child.arn, child.before.value, child.before.since) for reference, child in children.items()
    }
    state = previous
    for at, changed in _moments(children, start):
        for reference, transition in changed:
            read[reference] = replace(read[reference], value=transition.after, since=transition.at)
        cause: Literal["created", "child"] = "child" if changed else "created"
        verdict = evaluate_composite(rule, read, state, arn=arn, cause=cause)
        if verdict.state != state.value:
            entered = AlarmState(verdict.state, verdict.reason, verdict.data, at)
            yield Transition.known(name, at, state.value, entered)
            state = entered


def _moments(
    children: Mapping[str, ReplayedChild], start: int
) -> Iterator[tuple[int, Sequence[tuple[str, Transition]]]]:
    """The start, with nothing changed, and every later second in which children changed."""
    yield start, ()
    changes = (
        [(transition.at, reference, transition) for transition in child.transitions]
        for reference, child in children.items()
    )
    for at, group in groupby(merge(*changes, key=lambda change: change[0]), key=lambda change: change[0]):
        yield at, [(reference, transition) for _, reference, transition in group]
