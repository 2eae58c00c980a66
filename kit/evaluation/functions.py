"""The functions of metric math, one small function each (User Guide, "Using metric math", "Functions supported").

A signature reads like the User Guide's table: ``S`` scalar, ``TS`` time series, ``TS[]`` array, ``TEXT`` a quoted text,
a word in capitals itself; ``|`` separates choices and ``?`` ends an argument that may be left out. To add a function,
copy a sibling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from kit.evaluation import calendar_fields
from kit.evaluation.lines import Grid, Line, Scalar, Value, Values

KINDS = ("S", "TS", "TS[]", "TEXT")


class Scope(Protocol):
    """What a function may ask about its surroundings."""

    @property
    def grid(self) -> Grid: ...

    def metrics(self, part_of_id: str) -> tuple[Line, ...]:
        """The request's metrics (never its expressions) with this text in their id, in the request's order."""
        ...

    def search(self, wanted: str, statistic: str) -> tuple[Line, ...]:
        """The metrics that a search finds, by this statistic."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """The kinds that each argument may have, how many arguments are needed, and the result's kind."""

    arguments: tuple[tuple[str, ...], ...]
    required: int
    result: str

    def accepts(self, kinds: Sequence[str]) -> bool:
        if not self.required <= len(kinds) <= len(self.arguments):
            return False
        return all(kind in choices for kind, choices in zip(kinds, self.arguments, strict=False))

    def __str__(self) -> str:
        shown = [" or ".join(choices) for choices in self.arguments]
        return ", ".join(text if i < self.required else f"[{text}]" for i, text in enumerate(shown))


@dataclass(frozen=True, slots=True)
class Function:
    """``apply`` gets the scope and the arguments' values; words and texts come as str."""

    name: str
    signatures: tuple[Signature, ...]
    apply: Callable[..., Value]


FUNCTIONS: dict[str, Function] = {}

REFUSED = {
    "ANOMALY_DETECTION_BAND": "needs a trained model",
    "INSIGHT_RULE_METRIC": "needs CloudWatch Contributor Insights",
    "SERVICE_QUOTA": "needs the Service Quotas of an account",
    "DB_PERF_INSIGHTS": "needs Amazon RDS Performance Insights",
    "LAMBDA": "needs a Lambda function as data source",
}
"""Functions that AWS has and this evaluator has not, with the reason."""


def _signature(text: str) -> Signature:
    arguments, _, result = text.partition("->")
    shown = [part.strip() for part in arguments.split(",") if part.strip()]
    required = sum(not part.endswith("?") for part in shown)
    return Signature(tuple(tuple(part.rstrip("?").split("|")) for part in shown), required, result.strip())


def _function(name: str, *signatures: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    def register(apply: Callable[..., Value]) -> Callable[..., Value]:
        FUNCTIONS[name] = Function(name, tuple(_signature(text) for text in signatures), apply)
        return apply

    return register


def _each(change: Callable[[Values], Values], argument: Line | tuple[Line, ...]) -> Value:
    if isinstance(argument, tuple):
        return tuple(Line(line.label, change(line.values), line.stat) for line in argument)
    return Line(argument.label, change(argument.values), argument.stat)


# --- point by point


def _point(function: Callable[[float], float], value: Scalar) -> Scalar:
    try:
        return None if value is None else function(value)
    except (ValueError, OverflowError, OSError):  # no logarithm of 0, no date after the year 9999: no such point
        return None


def _define_pointwise(name: str, function: Callable[[float], float]) -> None:
    @_function(name, "TS -> TS", "TS[] -> TS[]")
    def apply(_: Scope, lines: Line | tuple[Line, ...]) -> Value:
        return _each(lambda values: [_point(function, value) for value in values], lines)


_define_pointwise("ABS", abs)
_define_pointwise("CEIL", lambda value: float(math.ceil(value)))
_define_pointwise("FLOOR", lambda value: float(math.floor(value)))
_define_pointwise("LOG", math.log)
_define_pointwise("LOG10", math.log10)


# --- many points into one: of a series a scalar, of an array one point a timestamp


def _average(values: Sequence[float]) -> Scalar:
    return math.fsum(values) / len(values) if values else None


def _deviation(values: Sequence[float]) -> Scalar:
    """Of the whole population: AWS does not say which one it takes."""
    mean = _average(values)
    if mean is None:
        return None
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


_AGGREGATES: dict[str, Callable[[Sequence[float]], Scalar]] = {
    "AVG": _average,
    "MAX": lambda values: max(values, default=None),
    "MIN": lambda values: min(values, default=None),
    "STDDEV": _deviation,
    "SUM": lambda values: math.fsum(values) if values else None,
    "DATAPOINT_COUNT": lambda values: float(len(values)),
}


def _finite(function: Callable[[Sequence[float]], Scalar], values: Sequence[float]) -> Scalar:
    try:
        return function(values)
    except OverflowError:
        return None


def _across(
    function: Callable[[Sequence[float]], Scalar], lines: tuple[Line, ...], length: int, *, zero: bool
) -> Values:
    """``zero``: a series that lacks a point where another one has it counts as 0; otherwise it is left out."""
    columns = zip(*(line.values for line in lines), strict=True) if lines else [()] * length
    result: list[Scalar] = []
    for column in columns:
        present = [value for value in column if value is not None]
        if zero and present:
            present.extend([0.0] * (len(column) - len(present)))
        result.append(_finite(function, present) if present else None)
    return result


def _define_aggregate(name: str, function: Callable[[Sequence[float]], Scalar]) -> None:
    @_function(name, "TS -> S", "TS[] -> TS")
    def apply(scope: Scope, lines: Line | tuple[Line, ...]) -> Value:
        if isinstance(lines, Line):
            return _finite(function, lines.present())
        # documented for AVG only: "Missing values are treated as 0"
        return Line(name, _across(function, lines, scope.grid.length, zero=name == "AVG"))


for _name, _aggregate in _AGGREGATES.items():
    _define_aggregate(_name, _aggregate)


@_function("METRIC_COUNT", "TS[] -> S")
def _metric_count(_: Scope, lines: tuple[Line, ...]) -> Value:
    return float(len(lines))


# --- from point to point


def _steps(values: Values, step: Callable[[float, float, int], Scalar]) -> Values:
    """``step(value, preceding value, slots between them)`` for every point but the first one."""
    result: list[Scalar] = []
    preceding: tuple[int, float] | None = None
    for index, value in enumerate(values):
        if value is None:
            result.append(None)
            continue
        result.append(None if preceding is None else step(value, preceding[1], index - preceding[0]))
        preceding = (index, value)
    return result


@_function("DIFF", "TS -> TS", "TS[] -> TS[]")
def _diff(_: Scope, lines: Line | tuple[Line, ...]) -> Value:
    return _each(lambda values: _steps(values, lambda new, old, _slots: new - old), lines)


@_function("DIFF_TIME", "TS -> TS", "TS[] -> TS[]")
def _diff_time(scope: Scope, lines: Line | tuple[Line, ...]) -> Value:
    period = scope.grid.period
    return _each(lambda values: _steps(values, lambda _new, _old, slots: float(slots * period)), lines)


@_function("RATE", "TS -> TS", "TS[] -> TS[]")
def _rate(scope: Scope, lines: Line | tuple[Line, ...]) -> Value:
    period = scope.grid.period
    return _each(lambda values: _steps(values, lambda new, old, slots: (new - old) / (slots * period)), lines)


@_function("RUNNING_SUM", "TS -> TS", "TS[] -> TS[]")
def _running_sum(_: Scope, lines: Line | tuple[Line, ...]) -> Value:
    return _each(_running, lines)


def _running(values: Values) -> Values:
    total = 0.0
    result: list[Scalar] = []
    for value in values:
        total += value or 0.0
        result.append(None if value is None else total)
    return result


# --- gaps


@_function("FILL", "TS, S|REPEAT|LINEAR -> TS", "TS[], TS|S|REPEAT|LINEAR -> TS[]")
def _fill(_: Scope, lines: Line | tuple[Line, ...], filler: Line | Scalar | str) -> Value:
    if filler == "REPEAT":
        return _each(_repeat, lines)
    if filler == "LINEAR":
        return _each(_interpolate, lines)
    if isinstance(filler, Line):
        return _each(lambda values: [b if a is None else a for a, b in zip(values, filler.values, strict=True)], lines)
    scalar: Any = filler
    return _each(lambda values: [scalar if value is None else value for value in values], lines)


def _repeat(values: Values) -> Values:
    """A gap takes the most recent earlier value; what lies before the first point stays missing."""
    result: list[Scalar] = []
    last: Scalar = None
    for value in values:
        last = last if value is None else value
        result.append(last)
    return result


def _interpolate(values: Values) -> Values:
    """A gap takes the straight line between its two ends; what has only one end stays missing."""
    result = list(values)
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    for (left, low), (right, high) in pairwise(known):
        for index in range(left + 1, right):
            result[index] = low + (high - low) * (index - left) / (right - left)
    return result


# --- conditions


@_function("IF", "TS, S|TS, S|TS? -> TS", "S, TS, TS? -> TS")
def _if(scope: Scope, condition: Line | Scalar, then: Line | Scalar, otherwise: Line | Scalar = None) -> Value:
    """0 is false, all else true (User Guide, "Using IF expressions").

    Where the condition is missing there is no point. Where it is true and ``then`` lacks the point, the result is 0.
    Where it is false and ``otherwise`` lacks the point or is left out, there is none.
    """
    length = scope.grid.length
    yes, no = _points(then, length), _points(otherwise, length)
    label = next((part.label for part in (then, condition, otherwise) if isinstance(part, Line)), "")
    if isinstance(condition, Line):
        asked = condition.values
        return Line(
            label,
            [
                None if c is None else n if c == 0 else 0.0 if y is None else y
                for c, y, n in zip(asked, yes, no, strict=True)
            ],
        )
    return Line(label, yes if condition else no)


def _points(argument: Line | Scalar, length: int) -> Values:
    return argument.values if isinstance(argument, Line) else [argument] * length


# --- arrays


@_function("METRICS", "TEXT? -> TS[]")
def _metrics(scope: Scope, part_of_id: str = "") -> Value:
    return scope.metrics(part_of_id)


@_function("SEARCH", "TEXT, TEXT, S? -> TS[]")
def _search(scope: Scope, wanted: str, statistic: str, _: Scalar = None) -> Value:
    """The period, if it gives one, has gone into the plan."""
    return scope.search(wanted, statistic)


@_function("FIRST", "TS[] -> TS")
def _first(scope: Scope, lines: tuple[Line, ...]) -> Value:
    return lines[0] if lines else _nothing(scope)


@_function("LAST", "TS[] -> TS")
def _last(scope: Scope, lines: tuple[Line, ...]) -> Value:
    return lines[-1] if lines else _nothing(scope)


def _nothing(scope: Scope) -> Line:
    return Line("", [None] * scope.grid.length)


@_function("REMOVE_EMPTY", "TS[] -> TS[]")
def _remove_empty(_: Scope, lines: tuple[Line, ...]) -> Value:
    return tuple(line for line in lines if line.present())


@_function("SLICE", "TS[], S, S? -> TS[]")
def _slice(_: Scope, lines: tuple[Line, ...], start: Scalar, end: Scalar = None) -> Value:
    """Zero-based, the end exclusive. A bound below 0 counts as 0."""
    return lines[_whole(start) or 0 : _whole(end)]


def _whole(number: Scalar) -> int | None:
    return None if number is None else max(0, int(number))


@_function("SORT", "TS[], AVG|MIN|MAX|SUM, ASC|DESC, S? -> TS[]")
def _sort(_: Scope, lines: tuple[Line, ...], by: str, order: str, limit: Scalar = None) -> Value:
    """Series without a point come last, whichever the order."""
    sign = -1.0 if order == "DESC" else 1.0

    def rank(line: Line) -> tuple[bool, float]:
        number = _finite(_AGGREGATES[by], line.present())
        return (number is None, sign * (number or 0.0))

    return tuple(sorted(lines, key=rank))[: _whole(limit)]


# --- time


@_function("PERIOD", "TS -> S")
def _period(scope: Scope, _: Line) -> Value:
    """Only of a metric itself; ``kinds`` sees to that."""
    return float(scope.grid.period)


@_function("TIME_SERIES", "S -> TS")
def _time_series(scope: Scope, scalar: Scalar) -> Value:
    return Line("TIME_SERIES", [scalar] * scope.grid.length)


def _define_calendar(name: str, field: Callable[[float], float]) -> None:
    @_function(name, "TS -> TS")
    def apply(scope: Scope, line: Line) -> Value:
        """Not sparse: there is a value at every timestamp, whether the series has a point or not."""
        return Line(line.label, [_point(field, timestamp) for timestamp in scope.grid.timestamps()])


for _name, _field in calendar_fields.FIELDS.items():
    _define_calendar(_name, _field)
