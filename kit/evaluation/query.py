"""A GetMetricData request: its queries, and what they say about the metrics (API Reference, "MetricDataQuery")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kit.evaluation.expression import parse
from kit.evaluation.labels import LabelError, parse_label
from kit.evaluation.plan import plan
from kit.evaluation.request import (
    MetricRef,
    MetricSource,
    MetricStat,
    Query,
    QueryError,
    QueryResult,
    checked_period,
)
from kit.evaluation.statistics import StatisticError, parse_statistic
from kit.evaluation.tokens import ExpressionError

__all__ = [
    "MetricRef",
    "MetricSource",
    "MetricStat",
    "Query",
    "QueryError",
    "QueryResult",
    "checked_period",
    "metric_stat_from_api",
    "queries_from_api",
    "run_queries",
]

MAX_EXPRESSION = 2048
MAX_DIMENSIONS = 30
_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}")
_KEYS = frozenset({"Id", "MetricStat", "Expression", "Label", "ReturnData", "Period", "AccountId"})


def run_queries(queries: Sequence[Query], source: MetricSource, start: int, end: int) -> list[QueryResult]:
    """The series of every query over [start, end) in epoch seconds, whether its data is returned or not.

    Every series begins at ``start``; its slots follow each other by the query's period. A query that gives a scalar
    has no result. Raises QueryError for unknown ids, cycles, expressions that don't parse or don't fit.
    """
    return plan(tuple(queries)).run(source, start, end)


def queries_from_api(items: Sequence[Mapping[str, Any]]) -> tuple[Query, ...]:
    """Queries out of the MetricDataQueries of a request, or the Metrics of an alarm.

    Raises QueryError; references between expressions are checked when the queries are planned.
    """
    if not isinstance(items, list | tuple):
        raise QueryError(f"the queries must be a list, not {str(items)[:40]!r}")
    queries = tuple(_query(item) for item in items)
    seen: set[str] = set()
    for query in queries:
        if query.id in seen:
            raise QueryError(f"The id '{query.id}' is used by more than one query")
        seen.add(query.id)
    return queries


def _query(item: Mapping[str, Any]) -> Query:
    name = _mapping(item, "a query").get("Id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise QueryError(f"Id {name!r} must begin with a lower-case letter and hold letters, digits and _ only")
    unknown = sorted(set(item) - _KEYS)
    if unknown:
        raise QueryError(f"Query '{name}' has the unknown member {unknown[0]}")
    stat, expression, period = item.get("MetricStat"), item.get("Expression"), item.get("Period")
    account = None if item.get("AccountId") is None else str(item["AccountId"])
    if (stat is None) == (expression is None):
        raise QueryError(f"Query '{name}' must have either MetricStat or Expression, and not both")
    try:
        return Query(
            id=name,
            label=_checked_label(item.get("Label")),
            return_data=item.get("ReturnData") is not False,
            metric_stat=None if stat is None else metric_stat_from_api(stat, account),
            expression=None if expression is None else _checked_expression(expression),
            period=None if period is None else checked_period(period, "Expression"),
            account=account,
        )
    except QueryError as error:
        raise QueryError(f"Query '{name}': {error}") from None
    except ExpressionError as error:
        raise QueryError(f"Error in expression '{name}': {error}") from None


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise QueryError(f"{what} must be an object with members, not {str(value)[:40]!r}")
    return value


def _checked_label(label: object) -> str | None:
    if label is not None and not isinstance(label, str):
        raise QueryError(f"Label must be a text, not {str(label)[:40]!r}")
    if label is not None:
        try:
            parse_label(label)
        except LabelError as error:
            raise QueryError(f"Error in Label: {error}") from None
    return label


def _checked_expression(text: object) -> str:
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_EXPRESSION:
        found = f"{len(text)} characters" if isinstance(text, str) else repr(text)[:40]
        raise QueryError(f"Expression must be a text of 1 to {MAX_EXPRESSION} characters, not {found}")
    if re.match(r"\s*SELECT\b", text):
        raise QueryError("Metrics Insights queries (SELECT …) are not available here")
    parse(text)
    return text


def metric_stat_from_api(stat: Mapping[str, Any], account: str | None = None) -> MetricStat:
    """A MetricStat out of the API's shape of the same name; ``account`` is whose metric it is. Raises QueryError."""
    metric = _mapping(_mapping(stat, "MetricStat").get("Metric") or {}, "Metric")
    try:
        statistic = parse_statistic(str(stat.get("Stat") or ""))
    except StatisticError as error:
        raise QueryError(str(error)) from None
    unit = stat.get("Unit")
    period = checked_period(stat.get("Period"), "MetricStat")
    return MetricStat(_metric(metric), period, statistic, None if unit is None else str(unit), account)


def _metric(metric: Mapping[str, Any]) -> MetricRef:
    namespace, name = metric.get("Namespace"), metric.get("MetricName")
    if not namespace or not name:
        raise QueryError("a metric must have a Namespace and a MetricName")
    return MetricRef(str(namespace), str(name), dimensions_from_api(metric.get("Dimensions") or ()))


def dimensions_from_api(items: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """``[{"Name": …, "Value": …}]`` as (name, value) pairs sorted by name. Raises QueryError."""
    if not isinstance(items, list | tuple):
        raise QueryError(f"Dimensions must be a list, not {str(items)[:40]!r}")
    if len(items) > MAX_DIMENSIONS:
        raise QueryError(f"a metric has {len(items)} dimensions; the limit is {MAX_DIMENSIONS}")
    pairs: dict[str, str] = {}
    for item in items:
        name, value = _mapping(item, "a dimension").get("Name"), item.get("Value")
        if not name or not value:
            raise QueryError("a dimension must have a Name and a Value")
        if name in pairs:
            raise QueryError(f"the dimension {name} is given twice")
        pairs[str(name)] = str(value)
    return tuple(sorted(pairs.items()))
