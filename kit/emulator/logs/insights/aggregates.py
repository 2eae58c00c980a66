"""What ``stats`` computes of a group of events: each name makes something that takes values and gives a result."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from kit.emulator.logs.insights.records import number, text


class Aggregate(Protocol):
    """Takes the field's value of each event of a group; ``result`` is None where there was none to take."""

    def take(self, value: Any) -> None: ...

    def result(self) -> float | None: ...


class _Count:
    def __init__(self) -> None:
        self._n = 0

    def take(self, value: Any) -> None:
        self._n += value is not None

    def result(self) -> float | None:
        return self._n


class _Distinct:
    def __init__(self) -> None:
        self._seen: set[int] = set()  # of hashes: texts may be long and many

    def take(self, value: Any) -> None:
        if value is not None:
            self._seen.add(hash(text(value)))

    def result(self) -> float | None:
        return len(self._seen)


class _Numbers:
    """Keeps every number, eight bytes each, for what the simple sums cannot tell."""

    def __init__(self, summary: Callable[[list[float]], float]) -> None:
        self._summary = summary
        self._numbers: list[float] = []

    def take(self, value: Any) -> None:
        if (taken := number(value)) is not None and math.isfinite(taken):
            self._numbers.append(taken)

    def result(self) -> float | None:
        return self._summary(self._numbers) if self._numbers else None


def _mean(numbers: list[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    middle = _mean(numbers)
    return math.sqrt(math.fsum((each - middle) ** 2 for each in numbers) / len(numbers))


def percentile(percent: float) -> Callable[[], Aggregate]:
    """The value that so many percent of the numbers don't exceed (nearest rank)."""

    def of(numbers: list[float]) -> float:
        return sorted(numbers)[max(0, math.ceil(percent / 100 * len(numbers)) - 1)]

    return lambda: _Numbers(of)


AGGREGATES: dict[str, Callable[[], Aggregate]] = {
    "count": _Count,
    "count_distinct": _Distinct,
    "sum": lambda: _Numbers(math.fsum),
    "avg": lambda: _Numbers(_mean),
    "min": lambda: _Numbers(min),
    "max": lambda: _Numbers(max),
    "stddev": lambda: _Numbers(_deviation),
}
