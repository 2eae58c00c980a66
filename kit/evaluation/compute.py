"""The value of an expression: one pass over its steps with a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kit.evaluation.expression import Array, Binary, Call, Expression, Name, Number, Text, Unary, Word
from kit.evaluation.functions import FUNCTIONS
from kit.evaluation.lines import Grid, Line, Value, combine, negate


@dataclass(frozen=True, slots=True)
class Given:
    """What an expression is computed from: the values of the ids that it names, on one grid.

    ``metric_ids`` are the ids of all metrics in the request's order, for METRICS(); ``find`` answers a SEARCH.
    """

    grid: Grid
    values: Mapping[str, Value]
    metric_ids: tuple[str, ...] = ()
    find: Callable[[str, str], tuple[Line, ...]] | None = None

    def metrics(self, part_of_id: str) -> tuple[Line, ...]:
        found = [self.values[name] for name in self.metric_ids if part_of_id in name]
        return tuple(line for line in found if isinstance(line, Line))

    def search(self, wanted: str, statistic: str) -> tuple[Line, ...]:
        return self.find(wanted, statistic) if self.find is not None else ()


def compute(expression: Expression, given: Given) -> Value:
    """The expression's value. ``kinds.kind_of`` must have accepted the expression before."""
    stack: list[Value | str] = []
    for node in expression.steps:
        match node:
            case Number(value):
                stack.append(value)
            case Name(name):
                stack.append(given.values[name])
            case Binary(operator):
                right = stack.pop()
                stack[-1] = combine(operator, stack[-1], right)  # type: ignore[arg-type]  # no text here: kind_of
            case Unary():
                stack[-1] = negate(stack[-1])  # type: ignore[arg-type]  # no text here: kind_of
            case Call(function, arguments):
                taken = _pop(stack, len(arguments))
                stack.append(FUNCTIONS[function].apply(given, *taken))
            case Array(items):
                stack.append(_flat(_pop(stack, len(items))))
            case Text():
                stack.append(node.value)
            case Word(text):
                stack.append(text)
    result = stack[0]
    return None if isinstance(result, str) else result


def _pop(stack: list[Value | str], count: int) -> list[Value | str]:
    taken = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return taken


def _flat(items: list[Value | str]) -> tuple[Line, ...]:
    """``[m1, [m2, m3]]`` holds three series: an array in an array brings its own."""
    lines: list[Line] = []
    for item in items:
        if isinstance(item, Line):
            lines.append(item)
        elif isinstance(item, tuple):
            lines.extend(item)
    return tuple(lines)
