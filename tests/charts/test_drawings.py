"""Every drawing is compiled by the real Vega-Lite and looked at as SVG."""

from __future__ import annotations

import json
import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import vl_convert

from kit.charts.dashboard import Widget
from kit.charts.drawing import Drawing, draw_metric
from kit.charts.lines import Answer, lines_of
from kit.charts.queries import plan_widget
from kit.charts.theme import PRINT
from kit.charts.timerange import TimeRange

NOW = 1_800_000_000.0
SHOWN = TimeRange(NOW - 900, NOW, live=True)
HOSTILE = "<script>alert('x')</script> & \"quotes\""


def draw(*rows: list[Any], values: tuple[float, ...] = (3, 1, 4, 1, 5, 9), **properties: Any) -> Drawing:
    metrics = list(rows) or [["Shop", "Requests", {"label": HOSTILE}]]
    widget = Widget(0, "metric", 0, 0, 8, 6, {"metrics": metrics, "period": 60, **properties})
    plans = plan_widget(widget, SHOWN, adapt=True)
    answers = [
        Answer(
            str(query["Id"]),
            str(query.get("Label", "")),
            tuple(SHOWN.start + 60 * n for n in range(len(values))),
            tuple(value * (number + 1) for value in values),
        )
        for plan in plans
        for number, query in enumerate(plan.queries)
    ]
    lines = lines_of(plans, answers, PRINT, live_data=False)
    return draw_metric(widget, lines, SHOWN, PRINT)


def svg(drawing: Drawing) -> ET.Element:
    """The drawing with its data put in, as the page's script puts it in."""
    assert drawing.spec is not None
    rows = [
        {
            "t": t,
            "y": None if v is None else v + base,
            "base": base,
            "key": line.key,
            "color": line.color,
            "axis": line.axis,
        }
        for line in drawing.lines
        for t, v, base in zip(line.times, line.values, line.base or [0] * len(line.times), strict=True)
    ]
    parts = drawing.content if drawing.kind == "parts" else []
    spec = drawing.spec | {
        "datasets": {"lines": rows, "tails": [], "dots": [], "spans": [], "cursor": [], "parts": parts},
        "params": [{**p, "value": drawing.params.get(p["name"], p["value"])} for p in drawing.spec.get("params", ())],
    }
    return ET.fromstring(vl_convert.vegalite_to_svg(json.dumps(spec)))


def paths(root: ET.Element, kind: str) -> list[str]:
    """The path data of all marks of a kind (line, area, rect, arc ...)."""
    return [
        path.get("d", "")
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if f"mark-{kind} " in f"{group.get('class', '')} "
        for path in group.iter("{http://www.w3.org/2000/svg}path")
        if "background" not in (path.get("class") or "")
    ]


def texts(root: ET.Element) -> list[str]:
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_graph_has_a_line_for_each_series() -> None:
    root = svg(draw(["Shop", "A"], ["Shop", "B"]))
    assert len(paths(root, "line")) == 2
    assert all(path.count("L") == 5 for path in paths(root, "line"))


def test_a_gap_breaks_the_line() -> None:
    drawing = draw(values=(1, 2))
    later = Answer("w0_0", "", (SHOWN.start, SHOWN.start + 60, SHOWN.start + 240, SHOWN.start + 300), (1, 2, 3, 4))
    widget = Widget(0, "metric", 0, 0, 8, 6, {"metrics": [["A", "B"]], "period": 60})
    lines = lines_of(plan_widget(widget, SHOWN, adapt=True), [later], PRINT, live_data=False)
    drawing = draw_metric(widget, lines, SHOWN, PRINT)
    assert paths(svg(drawing), "line")[0].count("M") == 2


def test_a_stack_is_made_of_areas_and_reaches_their_sum() -> None:
    drawing = draw(["Shop", "A"], ["Shop", "B"], stacked=True)
    assert drawing.params["left_max"] >= 9 + 18
    assert len(paths(svg(drawing), "area")) == 2


def test_two_axes_have_scales_of_their_own() -> None:
    drawing = draw(["Shop", "A"], ["Shop", "B", {"yAxis": "right"}])
    assert drawing.params["right_max"] > drawing.params["left_max"]
    assert len(paths(svg(drawing), "line")) == 2


def test_thresholds_bands_and_moments_are_drawn_with_their_labels() -> None:
    annotations = {
        "horizontal": [
            {"value": 30, "label": HOSTILE, "fill": "above", "color": "#d62728"},
            [{"value": 2, "label": "low"}, {"value": 4, "label": "high"}],
        ],
        "vertical": [{"value": "2027-01-15T07:50:00Z", "label": "deploy", "fill": "after"}],
    }
    drawing = draw(annotations=annotations)
    root = svg(drawing)
    assert drawing.params["left_max"] >= 30, "the axis reaches to its annotations"
    assert {HOSTILE, "low – high", "deploy"} <= set(texts(root))
    assert len(paths(root, "rect")) >= 3


def test_an_axis_carries_the_unit_of_its_label() -> None:
    root = svg(draw(yAxis={"left": {"label": "ms"}}, values=(100, 200, 390)))
    assert {"0", "100 ms", "400 ms"} <= set(texts(root))


def test_an_empty_graph_still_compiles() -> None:
    drawing = draw(values=())
    assert drawing.points == 0
    assert texts(svg(drawing))


def test_a_gauge_shows_its_value_between_its_ends() -> None:
    drawing = draw(view="gauge", yAxis={"left": {"min": 0, "max": 20, "label": "%"}}, values=(1, 5))
    root = svg(drawing)
    assert {"5%", "0%", "20%"} <= set(texts(root))
    assert len(paths(root, "arc")) == 2


def test_a_gauge_without_ends_says_what_it_needs() -> None:
    drawing = draw(view="gauge")
    assert drawing.kind == "note"
    assert "yAxis.left.min" in drawing.content


def test_bars_name_their_series_and_values() -> None:
    root = svg(draw(["Shop", "A", {"label": "a"}], ["Shop", "B", {"label": HOSTILE}], view="bar"))
    assert {"a", HOSTILE, "9", "18"} <= set(texts(root))


def test_a_ring_has_a_part_for_each_series() -> None:
    assert len(paths(svg(draw(["Shop", "A"], ["Shop", "B"], view="pie")), "arc")) == 2


def test_numbers_show_the_latest_value() -> None:
    drawing = draw(["Shop", "A", {"label": "a"}], view="singleValue")
    assert drawing.kind == "numbers"
    assert [(entry["label"], entry["text"]) for entry in drawing.content] == [("a", "9")]


def test_a_table_sums_up_each_series() -> None:
    drawing = draw(["Shop", "A", {"label": "a"}], view="table", table={"summaryColumns": ["MIN", "AVG"]})
    assert drawing.content["columns"] == ["Latest", "Min", "Avg"]
    assert drawing.content["rows"][0]["cells"] == ["9", "1", "3.83"]


def test_an_unknown_view_says_so() -> None:
    assert draw(view="hologram").kind == "note"


def test_the_drawing_stays_the_same_while_its_data_moves() -> None:
    assert draw(values=(1, 2, 3)).spec_key == draw(values=(7, 8, 900)).spec_key
    assert draw().spec_key != draw(stacked=True).spec_key


@pytest.mark.parametrize("view", ["timeSeries", "gauge", "bar", "pie"])
def test_no_drawing_asks_for_anything_from_outside(view: str) -> None:
    drawing = draw(view=view, yAxis={"left": {"min": 0, "max": 10}})
    text = json.dumps(drawing.spec)
    assert '"url"' not in text
    assert text.count("http") == 1, "only the schema's name"


def test_parameters_are_finite_numbers() -> None:
    assert all(math.isfinite(value) for value in draw(values=(0, 0, 0)).params.values())
