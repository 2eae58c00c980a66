"""The values that metric math computes with, and the rules of its operators for missing points.

A scalar (S) is a float, or None when it has no value, such as the average of no points. A time series (TS) is a Line.
An array (TS[]) is a tuple of Lines. All Lines of one calculation lie on the same Grid.

Source of the rules: User Guide, "Using metric math": in arithmetic and comparisons a missing value counts as 0, a
division by zero drops the point. A timestamp that is missing on both sides stays missing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kit.evaluation.request import MetricStat

Scalar = float | None
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """``length`` slots of ``period`` seconds from epoch second ``start`` on."""

    start: int
    period: int
    length: int

    def timestamps(self) -> range:
        return range(self.start, self.start + self.period * self.length, self.period)


@dataclass(frozen=True, slots=True)
class Line:
    """A time series: what it is called, its values, None where a point is missing, and the metric it stems from.

    ``stat`` is None for what several metrics were made into.
    """

    label: str
    values: Values
    stat: MetricStat | None = None

    def present(self) -> list[float]:
        return [value for value in self.values if value is not None]


Value = Scalar | Line | tuple[Line, ...]
Operation = Callable[[float, float], float]


def _and(left: float, right: float) -> float:
    return 1.0 if left and right else 0.0


def _or(left: float, right: float) -> float:
    return 1.0 if left or right else 0.0


OPERATIONS: dict[str, Operation] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "AND": _and,
    "OR": _or,
}


def negate(operand: Value) -> Value:
    """The operand with its sign turned."""
    if isinstance(operand, tuple):
        return tuple(Line(line.label, _pointwise(operator.neg, line.values), line.stat) for line in operand)
    if isinstance(operand, Line):
        return Line(operand.label, _pointwise(operator.neg, operand.values), operand.stat)
    return None if operand is None else -operand


def _pointwise(function: Callable[[float], float], values: Values) -> Values:
    return [None if value is None else function(value) for value in values]


def combine(name: str, left: Value, right: Value) -> Value:
    """``left`` and ``right`` under one of OPERATIONS; an array goes element by element against the other side."""
    if isinstance(left, tuple):
        return tuple(Line(line.label, _line(name, line, right), line.stat) for line in left)
    if isinstance(right, tuple):
        return tuple(Line(line.label, _line(name, left, line), line.stat) for line in right)
    if isinstance(left, Line):
        return Line(left.label, _line(name, left, right))
    if isinstance(right, Line):
        return Line(right.label, _line(name, left, right))
    return None if left is None or right is None else _guarded(OPERATIONS[name], left, right)


def _line(name: str, left: Value, right: Value) -> Values:
    """At least one side is a Line; two arrays never meet, ``kinds`` sees to that."""
    operation = OPERATIONS[name]
    a, b = _spread(left, right), _spread(right, left)
    if None not in a and None not in b:
        dense = _dense(operation, a, b)
        if dense is not None:
            return dense
    if isinstance(left, Line) and isinstance(right, Line):
        return [
            None if x is None and y is None else _guarded(operation, x or 0.0, y or 0.0)
            for x, y in zip(a, b, strict=True)
        ]
    # a scalar has no timestamps of its own, so it brings no point where the line has none
    return [None if x is None or y is None else _guarded(operation, x, y) for x, y in zip(a, b, strict=True)]


def _spread(side: Value, other: Value) -> Values:
    """The side's values; a scalar as often as the other side is long."""
    if isinstance(side, Line):
        return side.values
    length = len(other.values) if isinstance(other, Line) else 0
    return [None if isinstance(side, tuple) else side] * length


def _dense(operation: Operation, left: Values, right: Values) -> Values | None:
    """The usual case, no point missing, in one sweep; None when some point has to be dropped."""
    try:
        values = list(map(operation, left, right))  # type: ignore[arg-type]  # the caller has seen that no None is there
        return values if isfinite(sum(values)) else None
    except (ArithmeticError, TypeError):
        return None


def _guarded(operation: Operation, left: float, right: float) -> Scalar:
    """The result, or None where there is none: division by zero, a root of a negative number, beyond every float."""
    try:
        result = operation(left, right)
        return result if isfinite(result) else None
    except (ArithmeticError, TypeError):  # TypeError: a complex number
        return None


def finite(values: Values) -> Values:
    """The values without those that CloudWatch can't hold (NaN and the infinities)."""
    return [None if value is None or not isfinite(value) else value for value in values]
