"""The order in which the queries of one request are answered, worked out once and used at every evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from math import isfinite, lcm

from kit.evaluation.compute import Given, compute
from kit.evaluation.expression import Expression, ExpressionError, Text, parse
from kit.evaluation.kinds import SCALAR, SERIES, kind_of
from kit.evaluation.lines import Grid, Line, Value, finite
from kit.evaluation.request import MetricSource, MetricStat, Query, QueryError, QueryResult
from kit.evaluation.series import Series, slots

NO_METRIC_PERIOD = 60
"""Of an expression that names neither a metric nor a Period, e.g. TIME_SERIES(5); not documented."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One query at one period: either a metric to fetch or an expression to compute."""

    id: str
    label: str
    period: int
    stat: MetricStat | None
    expression: Expression | None
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order, every id's kind and period, and the ids of the metrics in the request's order."""

    queries: tuple[Query, ...]
    kinds: Mapping[str, str]
    periods: Mapping[str, int]
    metric_ids: tuple[str, ...]
    steps: tuple[_Step, ...]

    def run(self, source: MetricSource, start: int, end: int, only: str | None = None) -> list[QueryResult]:
        """The results of all queries, in their order, over [start, end); with ``only``, of the query with that id."""
        values: dict[tuple[str, int], Value] = {}
        for step in self.steps:
            values[step.id, step.period] = self._value(step, source, start, end, values)
        results: list[QueryResult] = []
        for query in self.queries:
            if only is None or query.id == only:
                period = self.periods[query.id]
                results.extend(_results(query, values[query.id, period], start, period))
        return results

    def _value(
        self, step: _Step, source: MetricSource, start: int, end: int, values: Mapping[tuple[str, int], Value]
    ) -> Value:
        if step.stat is not None:
            return Line(step.label, source.series(step.stat, start, end).values)
        if step.expression is None:  # a query has the one or the other
            raise QueryError(f"Query '{step.id}' has neither MetricStat nor Expression")
        grid = Grid(start, step.period, slots(start, end, step.period))
        known = {name: values[name, step.period] for name in step.needs}
        return compute(step.expression, Given(grid, known, self.metric_ids))


@lru_cache(maxsize=256)
def plan(queries: tuple[Query, ...]) -> Plan:
    """The plan for these queries. Raises QueryError for an unknown id, a cycle or an expression that does not fit."""
    by_id = {query.id: query for query in queries}
    metric_ids = tuple(query.id for query in queries if query.metric_stat is not None)
    expressions = {query.id: _parsed(query) for query in queries if query.expression is not None}
    needs = {name: _needs(expressions[name], metric_ids) if name in expressions else frozenset[str]() for name in by_id}
    order = _order(needs, by_id)
    kinds: dict[str, str] = {}
    periods: dict[str, int] = {}
    for name in order:
        query = by_id[name]
        kinds[name] = _kind(query, expressions.get(name), kinds, frozenset(metric_ids))
        periods[name] = _period(query, [periods[need] for need in needs[name]])
    demands = {name: {periods[name]} for name in order}
    for name in reversed(order):
        for need in needs[name]:
            demands[need] |= demands[name]
    steps = tuple(
        _step(by_id[name], period, expressions.get(name), needs[name])
        for name in order
        for period in sorted(demands[name])
    )
    return Plan(queries, kinds, periods, metric_ids, steps)


def _parsed(query: Query) -> Expression:
    try:
        return parse(query.expression or "")
    except ExpressionError as error:
        raise QueryError(f"Error in expression '{query.id}': {error}") from None


def _needs(expression: Expression, metric_ids: Iterable[str]) -> frozenset[str]:
    """The ids that an expression is computed from, named by it or found by its METRICS()."""
    found = set(expression.names)
    for call in expression.calls("METRICS"):
        part = call.arguments[0].value if call.arguments and isinstance(call.arguments[0], Text) else ""
        found.update(name for name in metric_ids if part in name)
    return frozenset(found)


def _order(needs: Mapping[str, frozenset[str]], by_id: Mapping[str, Query]) -> list[str]:
    for name, wanted in needs.items():
        unknown = sorted(wanted - by_id.keys())
        if unknown:
            raise QueryError(
                f"Error in expression '{name}': there is no metric or expression with the id '{unknown[0]}'"
            )
    try:
        return list(TopologicalSorter({name: sorted(wanted) for name, wanted in needs.items()}).static_order())
    except CycleError as error:
        ring = " -> ".join(reversed(error.args[1]))
        raise QueryError(f"Error in expression '{error.args[1][0]}': the expressions need each other: {ring}") from None


def _kind(query: Query, expression: Expression | None, kinds: Mapping[str, str], metrics: frozenset[str]) -> str:
    if expression is None:
        return SERIES
    try:
        kind = kind_of(expression, kinds, metrics)
    except ExpressionError as error:
        raise QueryError(f"Error in expression '{query.id}': {error}") from None
    if kind == SCALAR and query.return_data:
        raise QueryError(
            f"Error in expression '{query.id}': the result is a single number, but it must be a time series; "
            "wrap it in TIME_SERIES(…) or set ReturnData to false"
        )
    return kind


def _period(query: Query, needed: Sequence[int]) -> int:
    """Its own Period, else the shortest one that the periods of all it needs go into.

    AWS does not say how it combines metrics of different periods: here all are read again at the common period.
    """
    if query.metric_stat is not None:
        return query.metric_stat.period
    if query.period is not None:
        return query.period
    return lcm(*needed) if needed else NO_METRIC_PERIOD


def _step(query: Query, period: int, expression: Expression | None, needs: frozenset[str]) -> _Step:
    stat = query.metric_stat
    if stat is not None and stat.period != period:
        stat = replace(stat, period=period)
    return _Step(query.id, _label(query), period, stat, expression, tuple(sorted(needs)))


def _label(query: Query) -> str:
    if query.label is not None:
        return query.label
    return query.metric_stat.metric.name if query.metric_stat is not None else query.id


def _results(query: Query, value: Value, start: int, period: int) -> list[QueryResult]:
    label = _label(query)
    if isinstance(value, Line):
        return [QueryResult(query.id, label, _series(value, start, period))]
    if isinstance(value, tuple):
        # User Guide, "Using metric math": "Expression-Label Metric-Label"
        return [QueryResult(query.id, f"{label} {line.label}".strip(), _series(line, start, period)) for line in value]
    return []


def _series(line: Line, start: int, period: int) -> Series:
    values = line.values
    if None not in values and isfinite(sum(values)):  # type: ignore[arg-type]  # no None in it
        return Series(start, period, tuple(values))
    return Series(start, period, tuple(finite(values)))
