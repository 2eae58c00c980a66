"""What a metric alarm computes: its metrics, its expressions, and which values they can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import inf
from typing import Any

import yaml

from kit.definitions.checks.catalogue import Catalogue
from kit.definitions.checks.reach import Analysis, Metrics, Reach
from kit.definitions.checks.uses import Use, alarm_uses
from kit.definitions.model import AlarmFile
from kit.evaluation.alarm_definition import AlarmDefinition, AlarmError
from kit.evaluation.expression import Expression, parse
from kit.evaluation.request import MetricStat
from kit.evaluation.series import Series, slots
from kit.evaluation.statistics import parse_statistic

COUNTS = ("Sum", "SampleCount")


@dataclass(frozen=True, slots=True)
class Watch:
    """An alarm as its evaluation sees it. ``uses`` and ``expressions`` are by id; ``reach`` is what is compared."""

    definition: AlarmDefinition
    uses: Mapping[str, Use]
    expressions: Mapping[str, Expression]
    analysis: Analysis
    reach: Reach

    @property
    def upwards(self) -> bool:
        """Whether a high value is the bad one."""
        return self.definition.comparison_operator.startswith("Greater")

    def breaches(self, value: float) -> bool:
        """Whether this value crosses the threshold."""
        threshold = self.definition.threshold
        match self.definition.comparison_operator:
            case "GreaterThanThreshold":
                return value > threshold
            case "GreaterThanOrEqualToThreshold":
                return value >= threshold
            case "LessThanThreshold":
                return value < threshold
        return value <= threshold

    def value(self, values: Mapping[str, float]) -> float | None:
        """What is compared in one period: the metrics, by id, have these values; one left out has no datapoint."""
        plan, period = self.definition.plan, self.definition.period
        by_stat = {query.metric_stat: values.get(query.id) for query in plan.queries if query.metric_stat is not None}
        results = plan.run(_OnePeriod(by_stat), 0, period, only=self.definition.watched)
        points = [value for result in results for _, value in result.series.points()]
        return points[0] if points else None


@dataclass(frozen=True, slots=True)
class _OnePeriod:
    """A source of metrics in which each has one value, or none."""

    values: Mapping[MetricStat, float | None]

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        return Series(start, stat.period, (self.values.get(stat),) * slots(start, end, stat.period))


def watch_of(alarm: AlarmFile, catalogue: Catalogue | None) -> Watch | None:
    """What an alarm computes; None if it is an anomaly, PromQL or SQL alarm or asks another service."""
    try:
        definition = AlarmDefinition.from_api(alarm.request)
    except AlarmError:
        return None
    uses = {use.id: use for use in alarm_uses(alarm)}
    queries = definition.plan.queries
    expressions = {query.id: parse(query.expression) for query in queries if query.expression is not None}
    own = {name: _own(use, catalogue) for name, use in uses.items()}
    parts = _parts(list(uses.values()))
    for name in {name for pair in parts.items() for name in pair}:
        own[name] = Reach(max(0.0, own[name].low), own[name].high)
    analysis = Analysis(Metrics(own, parts, definition.period), expressions)
    return Watch(definition, uses, expressions, analysis, analysis.of(definition.watched))


def _own(use: Use, catalogue: Catalogue | None) -> Reach:
    """What a statistic of one metric can be; of a metric of nothing but a name only what the statistic says."""
    statistic = parse_statistic(use.stat)
    if statistic.kind == "PR":
        return Reach(0.0, 100.0)
    if statistic.kind == "SampleCount":
        return Reach(1.0)  # without a sample there is no datapoint
    # A metric with one negative value has none of these statistics.
    if statistic.needs_values:
        return Reach(0.0)
    sent = catalogue.metrics.get(use.name) if catalogue and use.namespace == catalogue.namespace else None
    return Reach(0.0, inf) if sent else Reach()


def _parts(uses: Sequence[Use]) -> dict[str, str]:
    """Which id counts a part of what which other id counts."""
    return {
        part.id: whole.id
        for whole in uses
        for part in uses
        if part.id != whole.id and part.stat == whole.stat and whole.stat in COUNTS
        if (part.namespace, part.dimensions, part.period) == (whole.namespace, whole.dimensions, whole.period)
        if part.name in _known_parts(whole.namespace, whole.name)
    }


@cache
def _known_parts(namespace: str, whole: str) -> frozenset[str]:
    return frozenset(
        part
        for line in _wholes()
        if line["namespace"] in ("*", namespace) and line["whole"] == whole
        for part in line["parts"]
    )


@cache
def _wholes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((files(__package__) / "wholes.yaml").read_text(encoding="utf-8"))
    return found
