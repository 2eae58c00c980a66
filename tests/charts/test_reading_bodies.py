"""Reading dashboard bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.annotations import horizontal, vertical
from kit.charts.dashboard import GRID_COLUMNS, DashboardError, read_dashboard
from kit.charts.drawing import draw_still


def text_widget(**place: Any) -> dict[str, Any]:
    return {"type": "text", "properties": {"markdown": "x"}, **place}


def test_widgets_without_a_place_flow_into_rows() -> None:
    body = json.dumps({"widgets": [text_widget(width=12), text_widget(width=12, height=8), text_widget(width=6)]})
    assert [(w.x, w.y) for w in read_dashboard(body).widgets] == [(0, 0), (12, 0), (0, 8)]


def test_a_widget_keeps_its_place_within_the_grid() -> None:
    (widget,) = read_dashboard(json.dumps({"widgets": [text_widget(x=20, y=3, width=9, height=2)]})).widgets
    assert (widget.x, widget.y, widget.width, widget.height) == (20, 3, 4, 2)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"widgets": {}}', "{}", "[" * 100_000])
def test_a_body_that_cannot_be_read_is_refused(body: str) -> None:
    with pytest.raises(DashboardError):
        read_dashboard(body)


def test_a_bad_widget_tells_its_problem_and_spares_its_neighbours() -> None:
    bad, untyped, bare, good = read_dashboard(json.dumps({"widgets": [7, {}, {"type": "text"}, text_widget()]})).widgets
    assert [each.problem is None for each in (bad, untyped, bare, good)] == [False, False, False, True]
    drawing = draw_still(bad)
    assert drawing is not None
    assert drawing.kind == "note"


@pytest.mark.parametrize(("override", "adapt"), [(None, True), ("auto", True), ("inherit", False)])
def test_period_override_says_whether_periods_adapt(override: str | None, adapt: bool) -> None:
    assert read_dashboard(json.dumps({"widgets": [], "periodOverride": override})).adapt_periods is adapt


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
KEYS = st.sampled_from(["type", "x", "y", "width", "properties", "metrics"])


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_any_widget_has_a_place_on_the_grid(raw: Any) -> None:
    (widget,) = read_dashboard(json.dumps({"widgets": [raw]})).widgets
    assert 0 <= widget.x < GRID_COLUMNS
    assert 1 <= widget.width <= GRID_COLUMNS - widget.x


@pytest.mark.parametrize("kind", ["log", "explorer", "custom", "chart", "brand-new"])
def test_a_type_that_is_not_drawn_says_so(kind: str) -> None:
    (widget,) = read_dashboard(json.dumps({"widgets": [{"type": kind, "properties": {}}]})).widgets
    drawing = draw_still(widget)
    assert drawing is not None
    assert drawing.kind == "note"
    assert drawing.content


def test_annotations_are_lines_or_bands() -> None:
    marks = horizontal(
        {
            "annotations": {
                "horizontal": [
                    {"value": 300, "label": "SLO", "fill": "above", "color": "#d62728"},
                    [{"value": 1, "label": "a"}, {"value": 2, "label": "b"}],
                    {"value": 5, "visible": False},
                    {"value": "ten"},
                    {"label": "no value"},
                    [],
                    "x",
                ]
            }
        }
    )
    assert [(m.at, m.to, m.label, m.fill) for m in marks] == [(300, None, "SLO", "above"), (1, 2, "a – b", "none")]


def test_a_vertical_annotation_stands_at_a_moment() -> None:
    (mark,) = vertical(
        {"annotations": {"vertical": [{"value": "2026-11-22T10:00:00Z", "label": "deploy"}, {"value": 5}]}}
    )
    assert (mark.at, mark.label) == (1_795_341_600_000, "deploy")
