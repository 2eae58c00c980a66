"""Where definitions name metrics: each use with its place in the file, from alarms and from widgets alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.definitions.model import AlarmFile, DashboardFile
from kit.definitions.structure import step

Series = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, metric, dimensions sorted by name."""

DEFAULT_STAT, DEFAULT_PERIOD_S = "Average", 300
"""Of a metric widget that gives none (Dashboard Body Structure and Syntax)."""


@dataclass(frozen=True, slots=True)
class Use:
    """One metric that a definition reads. ``period`` is in seconds; ``unit`` None takes the data whatever its unit."""

    pointer: str
    id: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: int
    unit: str | None = None

    @property
    def series(self) -> Series:
        return (self.namespace, self.name, self.dimensions)

    @property
    def dimension_names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.dimensions)


def alarm_uses(alarm: AlarmFile) -> Iterator[Use]:
    """The metrics of a metric alarm, with the id that its expressions know them by."""
    request = alarm.request
    if "MetricName" in request:
        stat = request.get("Statistic") or request.get("ExtendedStatistic", "")
        yield _use("", "m1", request, stat, request["Period"], request.get("Unit"))
    for index, query in enumerate(request.get("Metrics", ())):
        if "MetricStat" in query:
            stat = query["MetricStat"]
            pointer = f"/Metrics/{index}/MetricStat"
            yield _use(f"{pointer}/Metric", query["Id"], stat["Metric"], stat["Stat"], stat["Period"], stat.get("Unit"))


def _use(pointer: str, name: str, metric: Mapping[str, Any], stat: str, period: int, unit: str | None) -> Use:
    dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions", ())))
    return Use(pointer, name, metric["Namespace"], metric["MetricName"], dimensions, stat, int(period), unit)


def metric_widgets(dashboard: DashboardFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each metric widget's properties, with the pointer to them."""
    for index, widget in enumerate(dashboard.body["widgets"]):
        if widget["type"] == "metric":
            yield f"/widgets/{index}/properties", widget["properties"]


def widget_uses(properties: Mapping[str, Any], pointer: str) -> Iterator[Use]:
    """The metrics of one metric widget; shorthand cells are written out.

    A row whose cells don't make a metric is no use; the widget's own rules complain of it.
    """
    before: list[str] = []
    for index, row in enumerate(properties.get("metrics", ())):
        render = row[-1] if isinstance(row[-1], dict) else {}
        cells = written_out([cell for cell in row if isinstance(cell, str)], before)
        if "expression" in render or len(cells) < 2 or len(cells) % 2:
            continue
        before = cells
        stat, period = (render.get(key, properties.get(key)) for key in ("stat", "period"))
        yield Use(
            step(f"{pointer}/metrics", index),
            render["id"] if isinstance(render.get("id"), str) else "",
            cells[0],
            cells[1],
            tuple(sorted(zip(cells[2::2], cells[3::2], strict=True))),
            stat if isinstance(stat, str) else DEFAULT_STAT,
            period if isinstance(period, int) else DEFAULT_PERIOD_S,
        )


def written_out(cells: list[str], before: list[str]) -> list[str]:
    """A row's cells without shorthand: "." is the cell above, "..." all leading cells of the row above."""
    if cells and cells[0] == "...":
        given = cells[1:]
        return [*before[: max(0, len(before) - len(given))], *given]
    return [before[i] if cell == "." and i < len(before) else cell for i, cell in enumerate(cells)]
