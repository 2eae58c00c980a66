"""The table view: one line a series, with its latest value and its summary.

Source: "Dashboard Body Structure and Syntax", table. The columns for each point in time are not drawn here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.charts.lines import Line
from kit.charts.rows import Axis
from kit.charts.units import UNITS, Unit, text

_SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {
    "MIN": min,
    "MAX": max,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}


def summary_table(properties: Mapping[str, Any], lines: Sequence[Line], units: Mapping[Axis, Unit]) -> dict[str, Any]:
    """``columns`` and ``rows`` (key, label, color, cells as text)."""
    options = properties.get("table")
    wanted = options.get("summaryColumns") if isinstance(options, dict) else None
    names = [name for name in _SUMMARIES if name in wanted] if isinstance(wanted, list) else list(_SUMMARIES)
    rows = []
    for line in lines:
        unit = UNITS[line.unit] if line.unit in UNITS else units[line.axis]
        values = [value for value in line.values if value is not None]
        cells = [text(line.latest, unit), *(text(_SUMMARIES[n](values) if values else None, unit) for n in names)]
        rows.append({"key": line.key, "label": line.label, "color": line.color, "cells": cells})
    return {"columns": ["Latest", *(name.capitalize() for name in names)], "rows": rows}
