"""SEARCH as a function of metric math: ``SEARCH('search', 'statistic'[, period])`` gives an array of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.evaluation.expression import Call, ExpressionError, Number, Text
from kit.evaluation.request import MetricRef, QueryError, checked_period
from kit.evaluation.search import Search, SearchError, parse_search
from kit.evaluation.statistics import Statistic, StatisticError, parse_statistic

DEFAULT_PERIOD = 300
"""Seconds, when neither the query nor the SEARCH gives a period: the default of a graph."""

MAX_SEARCHES = 100
MAX_SERIES = 500
"""In one request, as on one graph."""


@dataclass(frozen=True, slots=True)
class SearchCall:
    """A checked call; ``period`` in seconds is None when it gives none."""

    search: Search
    statistic: Statistic
    period: int | None


def search_call(call: Call) -> SearchCall:
    """What a call of SEARCH asks for. Raises ExpressionError, with the position in the whole expression."""
    if not 2 <= len(call.arguments) <= 3:
        raise ExpressionError(
            f"SEARCH expects a search, a statistic and perhaps a period, not {len(call.arguments)} arguments",
            call.position,
        )
    wanted, statistic = call.arguments[:2]
    if not isinstance(wanted, Text) or wanted.quoted[0] != "'":
        raise ExpressionError("SEARCH expects a search in single quotes", wanted.position)
    if not isinstance(statistic, Text):
        raise ExpressionError("SEARCH expects a statistic in single quotes, such as 'Average'", statistic.position)
    try:
        return SearchCall(parse_search(wanted.value), parse_statistic(statistic.value), _period(call))
    except SearchError as error:
        raise ExpressionError(error.message, wanted.position + 1 + error.position) from None
    except StatisticError as error:
        raise ExpressionError(str(error), statistic.position) from None


def _period(call: Call) -> int | None:
    if len(call.arguments) < 3:
        return None
    given = call.arguments[2]
    value = given.value if isinstance(given, Number) else None
    try:
        return checked_period(int(value) if value is not None and value.is_integer() else value, "SEARCH")
    except QueryError as error:
        raise ExpressionError(str(error), given.position) from None


def default_labels(metrics: Sequence[MetricRef]) -> list[str]:
    """What tells the metrics apart: of namespace, dimension values and name those parts that are not all the same.

    AWS documents that ${LABEL} of a search over Lambda's Errors is the function's name, and no more.
    """
    if len(metrics) == 1:
        return [metrics[0].name]
    rows = [_parts(metric) for metric in metrics]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    keys = [key for key in keys if key != "name"] + ["name"]
    telling = [key for key in keys if len({row.get(key) for row in rows}) > 1]
    labels = [" ".join(row[key] for key in telling if key in row) for row in rows]
    if len(set(labels)) == len(labels):
        return labels
    # the same value in different dimensions
    return [" ".join(_named(key, row[key]) for key in telling if key in row) for row in rows]


_DIMENSION = "dimension "


def _parts(metric: MetricRef) -> dict[str, str]:
    dimensions = {f"{_DIMENSION}{name}": value for name, value in metric.dimensions}
    return {"namespace": metric.namespace, **dimensions, "name": metric.name}


def _named(key: str, value: str) -> str:
    return f"{key.removeprefix(_DIMENSION)}={value}" if key.startswith(_DIMENSION) else value
