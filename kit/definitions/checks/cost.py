"""What a set of definitions costs a month once it is applied: an estimate from dated list prices.

Alarms are billed for each metric that they watch, so an alarm on an expression of two metrics costs twice what one on
a metric does. Not counted: what depends on use (GetMetricData by consoles, log queries, notifications), and alarms of
which the number of metrics shows only at run time (Metrics Insights, PromQL).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from kit.definitions.checks.uses import alarm_uses, metric_widgets, widget_uses
from kit.definitions.model import AlarmFile, DashboardFile, Definitions


@dataclass(frozen=True, slots=True)
class Line:
    """``count`` of something at ``price`` dollars each; ``free`` of them are in the account's free tier."""

    what: str
    count: int
    price: float
    free: int
    source: str

    @property
    def total(self) -> float:
        """Dollars a month without the free tier."""
        return self.count * self.price

    @property
    def saved(self) -> float:
        """Dollars a month that the free tier takes off, if nothing else in the account uses it."""
        return min(self.count, self.free) * self.price


@dataclass(frozen=True, slots=True)
class Cost:
    """``lines`` is what applying makes; ``read`` the custom metrics that it reads, which the services send anyway."""

    region: str
    dated: str
    lines: tuple[Line, ...]
    read: Line
    unknown: tuple[str, ...]

    @property
    def total(self) -> float:
        return sum(line.total for line in self.lines)

    @property
    def after_free_tier(self) -> float:
        return sum(line.total - line.saved for line in self.lines)


def cost(definitions: Definitions) -> Cost:
    """The estimate for everything in ``definitions``."""
    table = prices()
    free = table["free_tier"]
    standard = high = 0
    unknown = []
    for alarm in definitions.alarms:
        metrics, fine = _metrics(alarm, table)
        if not metrics:
            unknown.append(alarm.name)
        standard, high = (standard, high + metrics) if fine else (standard + metrics, high)
    free_boards = sum(_rows(board) <= free["dashboard_metrics"] for board in definitions.dashboards)
    lines = (
        _line("alarm metrics, standard resolution", standard, "standard_alarm_metric", free["standard_alarm_metrics"]),
        _line("alarm metrics, high resolution", high, "high_resolution_alarm_metric", 0),
        _line("composite alarms", len(definitions.composites), "composite_alarm", 0),
        _line("dashboards", len(definitions.dashboards), "dashboard", min(free["dashboards"], free_boards)),
    )
    dates = {str(price["dated"]) for price in table["prices"].values()}
    read = _line(
        "custom metrics that they read", len(set(_custom(definitions))), "custom_metric", free["custom_metrics"]
    )
    return Cost(table["region"], min(dates), lines, read, tuple(unknown))


@cache
def prices() -> Mapping[str, Any]:
    """prices.yaml."""
    found: Mapping[str, Any] = yaml.safe_load((files(__package__) / "prices.yaml").read_text(encoding="utf-8"))
    return found


def _line(what: str, count: int, key: str, free: int) -> Line:
    price = prices()["prices"][key]
    return Line(what, count, float(price["price"]), free, f"{price['source']}, {price['dated']}")


def _metrics(alarm: AlarmFile, table: Mapping[str, Any]) -> tuple[int, bool]:
    """How many metrics it is billed for, 0 if that shows only later, and whether at high resolution."""
    uses = list(alarm_uses(alarm))
    fine = any(use.period < 60 for use in uses)
    if "ThresholdMetricId" in alarm.request:
        return int(table["anomaly_alarm_metrics"]), fine
    return len(uses), fine


def _rows(dashboard: DashboardFile) -> int:
    return sum(1 for pointer, properties in metric_widgets(dashboard) for _ in widget_uses(properties, pointer))


def _custom(definitions: Definitions) -> Iterator[object]:
    uses = [use for alarm in definitions.alarms for use in alarm_uses(alarm)]
    for dashboard in definitions.dashboards:
        uses += [use for pointer, properties in metric_widgets(dashboard) for use in widget_uses(properties, pointer)]
    return (use.series for use in uses if not use.namespace.startswith("AWS/"))
