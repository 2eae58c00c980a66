"""Sources of datapoints that hold what a test puts into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricStat, queries_from_api, run_queries
from kit.evaluation.series import Series, slots

Values = Sequence[float | None]


class Samples:
    """A MetricSource of raw samples, (epoch second, value) by metric name."""

    def __init__(self, samples: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        self.samples = samples
        self.asked: list[tuple[MetricStat, int, int]] = []

    def distributions(self, stat: MetricStat, start: int, end: int) -> Sequence[Distribution | None]:
        found: list[Distribution | None] = [None] * slots(start, end, stat.period)
        for timestamp, value in self.samples.get(stat.metric.name, ()):
            index = (timestamp - start) // stat.period
            if 0 <= index < len(found):
                slot = found[index] = found[index] or Distribution()
                slot.add(value)
        return found

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        self.asked.append((stat, start, end))
        values = [None if slot is None else stat.statistic.of(slot) for slot in self.distributions(stat, start, end)]
        return Series(start, stat.period, tuple(values))


def minutes(values: Values) -> list[tuple[int, float]]:
    return [(60 * index, value) for index, value in enumerate(values) if value is not None]


@pytest.fixture
def samples() -> type[Samples]:
    return Samples


@pytest.fixture
def metric_query() -> Callable[..., dict[str, Any]]:
    def query(name: str, period: int = 60, stat: str = "Sum", **more: Any) -> dict[str, Any]:
        metric = {"Namespace": "Test", "MetricName": name}
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}

    return query


@pytest.fixture
def calculate(metric_query: Callable[..., dict[str, Any]]) -> Callable[..., list[list[float | None]]]:
    """The series that an expression gives, from one value a minute of each metric."""

    def run(expression: str, **metrics: Values) -> list[list[float | None]]:
        length = max((len(values) for values in metrics.values()), default=3)
        source = Samples({name: minutes(values) for name, values in metrics.items()})
        items = [metric_query(name) for name in metrics]
        queries = queries_from_api([*items, {"Id": "result", "Expression": expression}])
        results = run_queries(queries, source, 0, 60 * length)
        return [list(result.series.values) for result in results if result.id == "result"]

    return run
