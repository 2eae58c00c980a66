"""A query's commands, parsed.

Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs Insights query syntax". Here are ``fields``, ``display``,
``filter``, ``sort``, ``limit`` and one ``stats`` with ``by`` fields and ``bin``; not parse, dedup, pattern and the
others, nor arithmetic and functions in expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kit.emulator.logs.insights.aggregates import AGGREGATES, Aggregate, percentile
from kit.emulator.logs.insights.conditions import Test, parse_condition
from kit.emulator.logs.insights.reader import Reader
from kit.emulator.logs.insights.records import TIMES, Record

MOST_RESULTS = 10_000
_BINS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PERIOD = re.compile(r"([1-9][0-9]{0,5})(ms|s|m|h|d|w)(?:in|inutes?|ec|econds?|r|our|ours|ay|ays)?")


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row; ``is_time`` says that its number is epoch ms."""

    name: str
    value: Callable[[Record], Any]
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Statistic:
    """One column of ``stats``: what is taken of each event, and what makes the aggregate."""

    name: str
    value: Callable[[Record], Any]
    make: Callable[[], Aggregate]


@dataclass(slots=True)
class Query:
    """What is to be done, whatever the order it was written in; ``sort`` holds (field, descending)."""

    filters: list[Test] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    statistics: list[Statistic] = field(default_factory=list)
    by: list[Column] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    limit: int = MOST_RESULTS


def parse_query(text: str) -> Query:
    """Read a query. Raises MalformedQueryException, which says where."""
    reader = Reader(text)
    query = Query()
    while True:
        command = reader.token.text.lower() if reader.token.kind == "word" else ""
        if command not in _COMMANDS:
            raise reader.wrong(f"expected one of {', '.join(_COMMANDS)}, which are the commands that are here")
        if query.statistics and command in ("filter", "fields", "stats"):
            raise reader.wrong(f"{command} after stats is not here")
        reader.advance()
        _COMMANDS[command](reader, query)
        if reader.token.kind == "end":
            return query
        reader.expect("|")


def _fields(reader: Reader, query: Query) -> None:
    query.columns.append(_column(reader))
    while reader.take(","):
        query.columns.append(_column(reader))


def _display(reader: Reader, query: Query) -> None:
    if query.statistics:
        raise reader.wrong("display after stats is not here")
    aliases = {column.name: column for column in query.columns}
    query.columns = []
    _fields(reader, query)
    query.columns = [aliases.get(column.name, column) for column in query.columns]


def _filter(reader: Reader, query: Query) -> None:
    query.filters.append(parse_condition(reader))


def _sort(reader: Reader, query: Query) -> None:
    query.sort = []
    while True:
        name = _spelled(reader)
        descending = reader.at_word("desc")
        reader.take_word("asc", "desc")
        query.sort.append((name, descending))
        if not reader.take(","):
            return


def _limit(reader: Reader, query: Query) -> None:
    token = reader.pop("number")
    if not token.text.isdigit() or not 1 <= int(token.text) <= MOST_RESULTS:
        raise reader.wrong(f"limit takes a number from 1 to {MOST_RESULTS}, not {token.text}")
    query.limit = int(token.text)


def _stats(reader: Reader, query: Query) -> None:
    query.statistics.append(_statistic(reader))
    while reader.take(","):
        query.statistics.append(_statistic(reader))
    if reader.take_word("by"):
        query.by.append(_column(reader))
        while reader.take(","):
            query.by.append(_column(reader))


_COMMANDS: dict[str, Callable[[Reader, Query], None]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "sort": _sort,
    "limit": _limit,
    "stats": _stats,
}


def _column(reader: Reader) -> Column:
    """A field or ``bin(…)``, with its alias."""
    start = reader.token
    name = reader.pop("word", "name").text
    if start.kind == "word" and name.lower() == "bin" and reader.at("("):
        width, written = _bin(reader)
        return Column(_alias(reader) or written, lambda record: record.event.timestamp // width * width, is_time=True)
    if reader.at("("):
        raise reader.wrong(f"the function {name} is not computed here")
    return Column(_alias(reader) or name, lambda record: record.get(name), is_time=name in TIMES)


def _bin(reader: Reader) -> tuple[int, str]:
    reader.expect("(")
    token = reader.pop("word")
    match = _PERIOD.fullmatch(token.text)
    if match is None:
        raise reader.wrong(f"bin takes a period such as 5m, not {token.text}")
    reader.expect(")")
    return int(match[1]) * _BINS[match[2]], f"bin({token.text})"


def _statistic(reader: Reader) -> Statistic:
    function = reader.pop("word").text.lower()
    if function not in AGGREGATES and function != "pct":
        raise reader.wrong(f"{function} is not one of {', '.join(AGGREGATES)}, pct")
    reader.expect("(")
    name = "*" if function == "count" and (reader.take("*") or reader.at(")")) else reader.pop("word", "name").text
    make, written = AGGREGATES.get(function), f"{function}({name})"
    if make is None:
        reader.expect(",")
        percent = reader.pop("number").text
        if not 0 <= float(percent) <= 100:
            raise reader.wrong(f"pct takes a percentage, not {percent}")
        make, written = percentile(float(percent)), f"pct({name}, {percent})"
    reader.expect(")")
    taken: Callable[[Record], Any] = (lambda _: 1) if name == "*" else (lambda record: record.get(name))
    return Statistic(_alias(reader) or written, taken, make)


def _alias(reader: Reader) -> str | None:
    return reader.pop("word", "name").text if reader.take_word("as") else None


def _spelled(reader: Reader) -> str:
    """A field to sort by; a call such as ``count(*)`` or ``bin(5m)`` names the column of that spelling."""
    name = reader.pop("word", "name").text
    if not reader.take("("):
        return name
    inside = [] if reader.at(")") else [_argument(reader)]
    while reader.take(","):
        inside.append(_argument(reader))
    reader.expect(")")
    return f"{name.lower()}({', '.join(inside)})"


def _argument(reader: Reader) -> str:
    return "*" if reader.take("*") else reader.pop("word", "name", "number").text
