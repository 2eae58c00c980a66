"""Which expressions can be computed once for all evaluations of an alarm, and their value along a sliding window.

An expression looks along time when the value at one point of the window depends on the other ones: RATE, FILL with
REPEAT, the average of a series, … Such a one has to be computed anew for every window. All others are computed point
by point, so that overlapping windows share their points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

from kit.evaluation.calendar_fields import FIELDS
from kit.evaluation.compute import Given, compute
from kit.evaluation.expression import Array, Binary, Call, Expression, Name, Number, Text, Unary, Word
from kit.evaluation.functions import FUNCTIONS
from kit.evaluation.kinds import ARRAY, SCALAR, SERIES, TEXT
from kit.evaluation.lines import Grid, Line, Value, Values, finite
from kit.evaluation.plan import Plan
from kit.evaluation.request import MetricSource
from kit.evaluation.sliding import sliding

CHUNK = 1024
"""Points at a time: a gap in one chunk leaves the fast way through the others open."""

_BY_POINT = frozenset(
    {"ABS", "CEIL", "FLOOR", "LOG", "LOG10", "IF", "METRICS", "METRIC_COUNT", "FIRST", "LAST", "SLICE", "PERIOD"}
    | {"TIME_SERIES", *FIELDS}
)
_ACROSS = frozenset({"AVG", "MAX", "MIN", "STDDEV", "SUM", "DATAPOINT_COUNT"})
"""By point over an array, along time over a single series."""


@dataclass(frozen=True, slots=True)
class SlidingGrid(Grid):
    """The periods that end ``step`` seconds after each other: they overlap. ``start`` is where the first one begins."""

    step: int

    def timestamps(self) -> range:
        return range(self.start, self.start + self.step * self.length, self.step)


def by_point(plan: Plan, watched: str) -> bool:
    """Whether nothing that ``watched`` is computed from looks along time. A function unknown here does."""
    expressions = (step.expression for step in _only(plan, watched).steps)
    return all(_by_point(expression, plan.kinds) for expression in expressions if expression is not None)


def _by_point(expression: Expression, kinds: Mapping[str, str]) -> bool:
    stack: list[str] = []
    for node in expression.steps:
        match node:
            case Number():
                stack.append(SCALAR)
            case Name(name):
                stack.append(kinds[name])
            case Text():
                stack.append(TEXT)
            case Word(text):
                stack.append(text)
            case Unary():
                pass
            case Binary():
                sides = {stack.pop(), stack.pop()}
                stack.append(next(kind for kind in (ARRAY, SERIES, SCALAR) if kind in sides))
            case Array(items):
                del stack[len(stack) - len(items) :]
                stack.append(ARRAY)
            case Call(function, arguments):
                taken = stack[len(stack) - len(arguments) :]
                del stack[len(stack) - len(arguments) :]
                if not _call_by_point(function, taken):
                    return False
                fitting = (one for one in FUNCTIONS[function].signatures if one.accepts(taken))
                stack.append(next(fitting).result)
    return True


def _call_by_point(function: str, kinds: list[str]) -> bool:
    if function in _ACROSS:
        return kinds[0] == ARRAY
    if function == "FILL":
        return kinds[1] in (SCALAR, SERIES)
    return function in _BY_POINT


def sliding_values(plan: Plan, watched: str, source: MetricSource, ends: range) -> list[float | None]:
    """The value of ``watched`` for the period before every end; ``by_point`` must have allowed it."""
    plan = _only(plan, watched)
    lines = {step.id: sliding(source, step.stat, ends) for step in plan.steps if step.stat is not None}
    found: list[float | None] = []
    for first in range(0, len(ends), CHUNK):
        own = {name: line[first : first + CHUNK] for name, line in lines.items()}
        found.extend(_computed(plan, own, ends[first : first + CHUNK]))
    return found


def _computed(plan: Plan, lines: Mapping[str, Values], ends: range) -> Values:
    """The value of the last step."""
    period = plan.steps[-1].period
    grid = SlidingGrid(ends.start - period, period, len(ends), ends.step)
    values: dict[str, Value] = {}
    for step in plan.steps:
        if step.expression is None:
            values[step.id] = Line(step.label, lines[step.id])
        else:
            values[step.id] = compute(step.expression, Given(grid, values, plan.metric_ids))
    result = values[plan.steps[-1].id]
    return _held(result.values) if isinstance(result, Line) else [None] * len(ends)


def _held(values: Values) -> Values:
    """The values that CloudWatch can hold."""
    if None not in values and isfinite(sum(values)):  # type: ignore[arg-type]  # no None in it
        return values
    return finite(values)


def _only(plan: Plan, watched: str) -> Plan:
    """The plan with no more steps than ``watched`` needs, itself the last one."""
    needed = {watched}
    for step in reversed(plan.steps):
        if step.id in needed:
            needed.update(step.needs)
    period = plan.periods[watched]
    return replace(plan, steps=tuple(step for step in plan.steps if step.id in needed and step.period == period))
