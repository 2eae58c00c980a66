"""The order in which the queries of one request are answered, worked out once and used at every evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from graphlib import CycleError, TopologicalSorter
from math import isfinite, lcm

from kit.evaluation.compute import Given, compute
from kit.evaluation.expression import Expression, ExpressionError, Text, parse
from kit.evaluation.kinds import SCALAR, SERIES, kind_of
from kit.evaluation.labels import Shown, Where, parse_label
from kit.evaluation.lines import Grid, Line, Value, finite
from kit.evaluation.request import MetricRef, MetricSource, MetricStat, Query, QueryError, QueryResult, Searchable
from kit.evaluation.search import Search, parse_search
from kit.evaluation.search_calls import DEFAULT_PERIOD, MAX_SEARCHES, MAX_SERIES, default_labels, search_call
from kit.evaluation.series import Series, slots
from kit.evaluation.statistics import parse_statistic

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
    account: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The results of a request, and what there is to say about the request as a whole."""

    results: list[QueryResult]
    messages: tuple[str, ...] = ()


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
        return self.answer(source, start, end, only=only).results

    def answer(
        self, source: MetricSource, start: int, end: int, *, only: str | None = None, where: Where | None = None
    ) -> Answer:
        """As ``run``; ``where`` fills dynamic labels, which otherwise take ``end`` for now."""
        running = _Run(self, source, start, end)
        for step in self.steps:
            running.values[step.id, step.period] = running.value(step)
        results: list[QueryResult] = []
        for query in self.queries:
            if only is None or query.id == only:
                period = self.periods[query.id]
                value = running.values[query.id, period]
                results.extend(_results(query, value, start, period, where or Where(end)))
        return Answer(results, tuple(dict.fromkeys(running.messages)))

    @property
    def searches(self) -> list[tuple[Search, int]]:
        """Every search that is going to be made, with the period (in seconds) at which its metrics are read."""
        calls = ((call, step) for step in self.steps if step.expression for call in step.expression.calls("SEARCH"))
        return [(search_call(call).search, step.period) for call, step in calls]


@dataclass(slots=True)
class _Run:
    """One answering of a plan: the values so far, by id and period."""

    plan: Plan
    source: MetricSource
    start: int
    end: int
    values: dict[tuple[str, int], Value] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    found: dict[Search, Sequence[MetricRef]] = field(default_factory=dict)

    def value(self, step: _Step) -> Value:
        if step.stat is not None:
            return Line(step.label, self.source.series(step.stat, self.start, self.end).values, step.stat)
        if step.expression is None:  # a query has the one or the other
            raise QueryError(f"Query '{step.id}' has neither MetricStat nor Expression")
        grid = Grid(self.start, step.period, slots(self.start, self.end, step.period))
        known = {name: self.values[name, step.period] for name in step.needs}
        return compute(step.expression, Given(grid, known, self.plan.metric_ids, partial(self._search, step)))

    def _search(self, step: _Step, wanted: str, statistic: str) -> tuple[Line, ...]:
        search = parse_search(wanted)
        metrics = self._metrics(search if step.account is None else search.within(step.account), step.id)
        stats = [MetricStat(metric, step.period, parse_statistic(statistic)) for metric in metrics]
        return tuple(
            Line(label, self.source.series(stat, self.start, self.end).values, stat)
            for label, stat in zip(default_labels(metrics), stats, strict=True)
        )

    def _metrics(self, search: Search, name: str) -> Sequence[MetricRef]:
        if search not in self.found:
            if not isinstance(self.source, Searchable):
                raise QueryError(f"Error in expression '{name}': SEARCH has no list of metrics to look in here")
            metrics = self.source.search(search)
            room = MAX_SERIES - sum(map(len, self.found.values()))
            if len(metrics) > room:
                self.messages.append(f"A search found {len(metrics)} metrics; {MAX_SERIES} are shown in all.")
            self.found[search] = metrics[:room]
        return self.found[search]


@lru_cache(maxsize=256)
def plan(queries: tuple[Query, ...]) -> Plan:
    """The plan for these queries. Raises QueryError for an unknown id, a cycle or an expression that does not fit."""
    by_id = {query.id: query for query in queries}
    metric_ids = tuple(query.id for query in queries if query.metric_stat is not None)
    expressions = {query.id: _parsed(query) for query in queries if query.expression is not None}
    needs = {name: _needs(expressions[name], metric_ids) if name in expressions else frozenset[str]() for name in by_id}
    order = _order(needs, by_id)
    _count_searches(expressions.values())
    kinds: dict[str, str] = {}
    periods: dict[str, int] = {}
    for name in order:
        query = by_id[name]
        kinds[name] = _kind(query, expressions.get(name), kinds, frozenset(metric_ids))
        periods[name] = _period(query, expressions.get(name), [periods[need] for need in needs[name]])
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


def _period(query: Query, expression: Expression | None, needed: Sequence[int]) -> int:
    """Its own Period, else the shortest one that the periods of all it needs go into.

    AWS does not say how it combines metrics of different periods: here all are read again at the common period.
    """
    if query.metric_stat is not None:
        return query.metric_stat.period
    if query.period is not None:
        return query.period
    searched = [search_call(call).period or DEFAULT_PERIOD for call in expression.calls("SEARCH")] if expression else []
    return lcm(*needed, *searched) if needed or searched else NO_METRIC_PERIOD


def _count_searches(expressions: Iterable[Expression]) -> None:
    count = sum(1 for expression in expressions for _ in expression.calls("SEARCH"))
    if count > MAX_SEARCHES:
        raise QueryError(f"a request has at most {MAX_SEARCHES} SEARCHes, not {count}")


def _step(query: Query, period: int, expression: Expression | None, needs: frozenset[str]) -> _Step:
    stat = query.metric_stat
    if stat is not None and stat.period != period:
        stat = replace(stat, period=period)
    return _Step(query.id, _label(query), period, stat, expression, tuple(sorted(needs)), query.account)


def _default_label(query: Query) -> str:
    return query.metric_stat.metric.name if query.metric_stat is not None else query.id


def _label(query: Query) -> str:
    """As it is where it can't be dynamic: in front of an array's labels."""
    return _default_label(query) if query.label is None or parse_label(query.label).dynamic else query.label


def _results(query: Query, value: Value, start: int, period: int, where: Where) -> list[QueryResult]:
    written = parse_label(query.label) if query.label is not None else None
    lines = value if isinstance(value, tuple) else (value,) if isinstance(value, Line) else ()
    results = []
    for line in lines:
        series = _series(line, start, period)
        # User Guide, "Using metric math": "Expression-Label Metric-Label"
        default = line.label if isinstance(value, tuple) else _default_label(query)
        if written is not None and written.dynamic:
            label = written.of(Shown(default, line.stat, tuple(series.points())), where)
        elif isinstance(value, tuple):
            label = f"{query.label or ''} {default}".strip()
        else:
            label = _label(query)
        results.append(QueryResult(query.id, label, series))
    return results


def _series(line: Line, start: int, period: int) -> Series:
    values = line.values
    if None not in values and isfinite(sum(values)):  # type: ignore[arg-type]  # no None in it
        return Series(start, period, tuple(values))
    return Series(start, period, tuple(finite(values)))
