"""Marks on a graph: thresholds across it, moments and spans along it.

Source: "Dashboard Body Structure and Syntax", annotations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.charts.rows import Axis, hex_color
from kit.charts.scale import finite
from kit.charts.timerange import parse_time

Fill = Literal["above", "below", "before", "after", "none"]


@dataclass(frozen=True, slots=True)
class Mark:
    """``at`` and, for a band, ``to``: a value for a horizontal mark, epoch milliseconds for a vertical one."""

    at: float
    to: float | None
    label: str
    color: str | None
    fill: Fill
    axis: Axis = "left"


def horizontal(properties: Mapping[str, Any]) -> tuple[Mark, ...]:
    """The visible horizontal annotations; one that cannot be read is left out."""
    return tuple(_marks(properties, "horizontal", ("above", "below")))


def vertical(properties: Mapping[str, Any]) -> tuple[Mark, ...]:
    """The visible vertical annotations; one that cannot be read is left out."""
    return tuple(_marks(properties, "vertical", ("before", "after")))


def _marks(properties: Mapping[str, Any], kind: str, fills: tuple[Fill, Fill]) -> Iterator[Mark]:
    annotations = properties.get("annotations")
    entries = annotations.get(kind) if isinstance(annotations, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        band: Sequence[Any] = entry if isinstance(entry, list) else [entry]
        if not 1 <= len(band) <= 2 or not all(isinstance(end, dict) for end in band):
            continue
        first, last = band[0], band[-1]
        read = finite if kind == "horizontal" else _moment
        at, to = read(first.get("value")), read(last.get("value")) if len(band) == 2 else None
        if at is None or first.get("visible") is False or (len(band) == 2 and to is None):
            continue
        fill = first.get("fill")
        yield Mark(
            at=at,
            to=to,
            label=" – ".join(end["label"] for end in band if isinstance(end.get("label"), str) and end["label"]),
            color=hex_color(first.get("color")),
            fill=fill if fill in fills else "none",
            axis="right" if first.get("yAxis") == "right" else "left",
        )


def _moment(value: Any) -> float | None:
    seconds = parse_time(value) if isinstance(value, str) else None
    return None if seconds is None else seconds * 1000
