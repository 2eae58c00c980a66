"""What is asked, who answers and what the answer looks like (API Reference, "MetricDataQuery")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kit.evaluation.series import Series
from kit.evaluation.statistics import Statistic

if TYPE_CHECKING:
    from kit.evaluation.search import Search


@dataclass(frozen=True, slots=True)
class MetricRef:
    """One metric: namespace, name and its complete set of dimensions as (name, value) pairs sorted by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricStat:
    """A statistic of a metric per ``period`` seconds. ``unit`` None takes the data whatever its unit.

    ``account`` is whose metric it is; None for that of whoever asks.
    """

    metric: MetricRef
    period: int
    statistic: Statistic
    unit: str | None = None
    account: str | None = None


class MetricSource(Protocol):
    """Where datapoints come from: the live store, a case file, a recording.

    Both methods answer with one entry for each period of [start, end), counted from ``start`` (epoch seconds), None
    where no sample was received. A last period that reaches beyond ``end`` is included.
    """

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        """The statistic of each period."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """A MetricSource that SEARCH works on."""

    def search(self, wanted: Search) -> Sequence[MetricRef]:
        """The metrics that a search finds among those with data in the last two weeks, in an order that stays."""
        ...


class QueryError(ValueError):
    """A request that CloudWatch would refuse; the text says which query and why."""


@dataclass(frozen=True, slots=True)
class Query:
    """One MetricDataQuery: either ``metric_stat`` or ``expression`` is set.

    ``label`` None lets a default be chosen. ``period`` is the Period in seconds that an expression may have of its own,
    ``account`` the one that its searches look in; None looks in all that there are.
    """

    id: str
    label: str | None
    return_data: bool
    metric_stat: MetricStat | None
    expression: str | None
    period: int | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One series of one query. An expression that gives an array has as many results, all with its id."""

    id: str
    label: str
    series: Series
    messages: tuple[str, ...] = ()


def checked_period(period: object, where: str) -> int:
    """The period in seconds: 1, 5, 10, 20, 30 or a multiple of 60. Raises QueryError."""
    seconds = period if isinstance(period, int) and not isinstance(period, bool) else 0
    if seconds in (1, 5, 10, 20, 30) or (seconds > 0 and seconds % 60 == 0):
        return seconds
    raise QueryError(f"{where}: Period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, not {period!r}")
