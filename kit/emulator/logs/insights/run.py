"""A parsed query over the events of some groups."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit.emulator.logs.insights.query import Column, Query
from kit.emulator.logs.insights.records import Record, number, text, time_text

if TYPE_CHECKING:
    from kit.emulator.logs.engine import Engine, Group

MOST_GROUPS = 10_000
_PLAIN = (
    Column("@timestamp", lambda record: record.get("@timestamp"), is_time=True),
    Column("@message", lambda record: record.get("@message")),
)

Row = tuple[str | None, ...]
"""One value for each column, None where there is none: a dictionary a cell would take four times the memory."""


@dataclass(slots=True)
class Answer:
    """The rows under their ``columns``, and what was read for them."""

    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    matched: int = 0
    scanned: int = 0
    bytes: int = 0


def run(query: Query, engine: Engine, groups: Iterable[Group], start_ms: int, end_ms: int) -> Answer:
    """Carry a query out over ``start_ms <= timestamp < end_ms``."""
    answer = Answer()
    records = _matching(query, engine, groups, start_ms, end_ms, answer)
    answer.columns, answer.rows = (_grouped if query.statistics else _listed)(query, records)
    return answer


def _matching(
    query: Query, engine: Engine, groups: Iterable[Group], start: int, end: int, answer: Answer
) -> Iterator[Record]:
    for group in groups:
        log = f"{engine.account}:{group.name}"
        for stream, event in engine.read(group, None, start, end):
            record = Record(event, stream.name, log)
            answer.scanned += 1
            answer.bytes += len(event.message)
            if all(test(record) for test in query.filters):
                answer.matched += 1
                yield record


def _listed(query: Query, records: Iterator[Record]) -> tuple[tuple[str, ...], list[Row]]:
    columns = query.columns or list(_PLAIN)
    by_name = {column.name: column for column in columns}
    order = query.sort or [("@timestamp", True)]

    def key(record: Record) -> _Order:
        values = (by_name[name].value(record) if name in by_name else record.get(name) for name, _ in order)
        return _Order([*values, record.event.sequence], [*(down for _, down in order), order[0][1]])

    chosen = heapq.nsmallest(query.limit, records, key=key)
    rows = [(*(_shown(column, column.value(record)) for column in columns), record.event.id) for record in chosen]
    return (*(column.name for column in columns), "@ptr"), rows


def _grouped(query: Query, records: Iterator[Record]) -> tuple[tuple[str, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for record in records:
        name = tuple(column.value(record) for column in query.by)
        made = groups.get(name)
        if made is None:
            if len(groups) >= MOST_GROUPS:
                continue
            made = groups[name] = [statistic.make() for statistic in query.statistics]
        for statistic, aggregate in zip(query.statistics, made, strict=True):
            aggregate.take(statistic.value(record))
    if not query.by and not groups:
        groups[()] = [statistic.make() for statistic in query.statistics]
    names = [*(column.name for column in query.by), *(statistic.name for statistic in query.statistics)]
    order = query.sort or [(column.name, False) for column in query.by]
    places = [(names.index(name), down) for name, down in order if name in names]

    def key(values: list[Any]) -> _Order:
        return _Order([values[place] for place, _ in places], [down for _, down in places])

    rows = ([*name, *(aggregate.result() for aggregate in made)] for name, made in groups.items())
    chosen = heapq.nsmallest(query.limit, rows, key=key)
    kinds = [*query.by, *([None] * len(query.statistics))]
    return tuple(names), [
        tuple(_shown(kind, value) for kind, value in zip(kinds, values, strict=True)) for values in chosen
    ]


def _shown(column: Column | None, value: Any) -> str | None:
    if value is None:
        return None
    return time_text(value) if column is not None and column.is_time else text(value)


class _Order:
    """Sorts rows: numbers before texts, what is missing last, each place in its own direction."""

    __slots__ = ("_descending", "_values")

    def __init__(self, values: list[Any], descending: list[bool]) -> None:
        self._values = [_rank(value) for value in values]
        self._descending = descending

    def __lt__(self, other: _Order) -> bool:
        for mine, yours, down in zip(self._values, other._values, self._descending, strict=True):
            if mine == yours:
                continue
            if mine[0] == 2 or yours[0] == 2:
                return mine[0] < yours[0]
            return mine > yours if down else mine < yours
        return False


def _rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return (2, 0)
    size = number(value)
    return (1, text(value)) if size is None else (0, size)
