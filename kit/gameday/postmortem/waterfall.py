"""One trace as a waterfall: its segments and subsegments as bars over time. Pure; the picture is SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

MOST_ROWS = 40
_WIDTH, _ROW, _LEFT, _RIGHT = 860, 22, 290, 92
_SHORTEST = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    """A segment or subsegment; ``start`` in seconds after the trace began. ``fault``: it answered 5xx or raised."""

    name: str
    depth: int
    start: float
    length: float
    fault: bool
    error: bool
    note: str


def bars(documents: Iterable[Mapping[str, Any]]) -> list[Bar]:
    """Documents as BatchGetTraces gives them, a parent before its children, these by their start.

    A subsegment may stand inside its parent or be a document of its own; what is still in progress has no bar.
    """
    known: dict[str, Mapping[str, Any]] = {}
    parents: dict[str, str | None] = {}
    for document in documents:
        for each, parent in _flat(document, document.get("parent_id")):
            if isinstance(each.get("id"), str) and isinstance(each.get("end_time"), int | float):
                known[each["id"]], parents[each["id"]] = each, parent
    if not known:
        return []
    began = min(float(each["start_time"]) for each in known.values())
    children: dict[str | None, list[str]] = {}
    for id_, parent in parents.items():
        children.setdefault(parent if parent in known else None, []).append(id_)
    found: list[Bar] = []
    waiting = [(id_, 0) for id_ in _by_start(children.get(None, []), known)[::-1]]
    seen: set[str] = set()
    while waiting:
        id_, depth = waiting.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        found.append(_bar(known[id_], depth, began))
        waiting += [(child, depth + 1) for child in _by_start(children.get(id_, []), known)[::-1]]
    return found


def picture(rows: list[Bar]) -> str:
    """The bars as SVG, light and dark by the classes of the page that holds it; it stands alone too."""
    shown = rows[:MOST_ROWS]
    span = max((bar.start + bar.length for bar in rows), default=0.0) or 1e-6
    height = (len(shown) + (len(rows) > MOST_ROWS)) * _ROW + 8
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "width": str(_WIDTH),
            "height": str(height),
            "role": "img",
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
        },
    )
    ET.SubElement(root, "title").text = "The trace as a waterfall"
    scale = (_WIDTH - _LEFT - _RIGHT) / span
    for number, bar in enumerate(shown):
        y = number * _ROW + 4
        _row(root, bar, y, scale)
    if len(rows) > MOST_ROWS:
        _text(root, 8, len(shown) * _ROW + 19, f"… and {len(rows) - MOST_ROWS} more", "#5d6978")
    return ET.tostring(root, encoding="unicode")


def _row(root: ET.Element, bar: Bar, y: float, scale: float) -> None:
    color = "#c8202f" if bar.fault else "#d98200" if bar.error else "#2563c9"
    indent = 8 + min(bar.depth, 8) * 14
    room = int((_LEFT - indent) / 6.6)
    label = f"{bar.name}  {bar.note}" if bar.note else bar.name
    _text(root, indent, y + 14, label if len(label) <= room else label[: room - 1] + "…", "#1b2430")
    x, width = _LEFT + bar.start * scale, max(_SHORTEST, bar.length * scale)
    ET.SubElement(
        root,
        "rect",
        {
            "x": f"{x:.1f}",
            "y": f"{y + 3:.1f}",
            "width": f"{width:.1f}",
            "height": str(_ROW - 8),
            "rx": "2",
            "fill": color,
        },
    )
    _text(root, x + width + 5, y + 14, f"{bar.length * 1000:,.1f} ms", "#5d6978")


def _text(root: ET.Element, x: float, y: float, text: str, color: str) -> None:
    ET.SubElement(root, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": color}).text = text


def _flat(document: Mapping[str, Any], parent: str | None) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    waiting: list[tuple[Mapping[str, Any], str | None]] = [(document, parent)]
    while waiting:
        each, above = waiting.pop()
        yield each, above
        inside = each.get("subsegments")
        waiting += [(child, each.get("id")) for child in (inside if isinstance(inside, list) else ())]


def _by_start(ids: list[str], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(ids, key=lambda id_: (float(known[id_]["start_time"]), id_))


def _bar(each: Mapping[str, Any], depth: int, began: float) -> Bar:
    start, end = float(each["start_time"]), float(each["end_time"])
    response = (each.get("http") or {}).get("response") or {}
    status = response.get("status")
    operation = (each.get("annotations") or {}).get("operation")
    note = " ".join(str(part) for part in (operation, status) if part is not None)
    return Bar(
        str(each.get("name", "?")),
        depth,
        start - began,
        max(0.0, end - start),
        bool(each.get("fault")),
        bool(each.get("error") or each.get("throttle")),
        note,
    )
