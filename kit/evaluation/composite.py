"""From the states of its children to the state of a composite alarm (User Guide, "Combining alarms")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.evaluation.reason import iso, long_date
from kit.evaluation.rule import Rule, RuleError, parse_rule
from kit.evaluation.state import AlarmState, StateValue, Verdict

__all__ = ["Child", "Rule", "RuleError", "evaluate_composite", "parse_rule"]


@dataclass(frozen=True, slots=True)
class Child:
    """An alarm that a rule reads: its ARN, its state and since when it is in it (epoch seconds)."""

    arn: str
    value: StateValue
    since: float


def evaluate_composite(
    rule: Rule,
    children: Mapping[str, Child],
    previous: AlarmState,
    *,
    arn: str,
    cause: Literal["created", "updated", "child"] = "child",
) -> Verdict:
    """The composite's state, given its children by the name or ARN that the rule writes for them.

    ``arn`` is the composite's own; ``cause`` is what asked for the evaluation. The state is ALARM or OK: after its
    first evaluation a composite never lacks data. As with metric alarms, reason and data stay while the state does.
    There is no next time: the change of a child asks for it (``next_due`` is inf).
    """
    state: StateValue = "ALARM" if rule.holds({name: child.value for name, child in children.items()}) else "OK"
    if state == previous.value and previous.data:
        return Verdict(state, previous.reason, previous.data, math.inf)
    read = {child.arn: child for name, child in children.items() if name in rule.children}
    newest = max(read.values(), key=lambda child: child.since, default=None)
    if cause == "child" and newest is not None:
        reason = f"{newest.arn} transitioned to {newest.value} at {long_date(newest.since)}"
        return Verdict(state, reason, _data([newest]), math.inf)
    reason = f"{arn} was {'updated' if cause == 'updated' else 'created'} and its alarm rule evaluates to {state}"
    return Verdict(state, reason, _data(sorted(read.values(), key=lambda child: child.arn)), math.inf)


def _data(children: Sequence[Child]) -> dict[str, Any]:
    return {
        "triggeringAlarms": [
            {"arn": child.arn, "state": {"value": child.value, "timestamp": iso(child.since)}} for child in children
        ]
    }
