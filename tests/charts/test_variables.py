"""Variables put their value where they say, and nowhere else."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.dashboard import read_dashboard
from kit.charts.variables import Option, Variable, VariableError, applied, read_variables, value_of

ROOT = Path(__file__).parents[2]


def variable(kind: Any = "property", target: str = "Service", **more: Any) -> Variable:
    return Variable("v", "V", kind, target, "select", **more)


def with_rows(*rows: Any) -> list[Any]:
    return [{"type": "metric", "properties": {"region": "us-east-1", "metrics": list(rows)}}]


def rows_of(widgets: list[Any]) -> list[Any]:
    return list(widgets[0]["properties"]["metrics"])


def test_a_property_sets_a_dimension_also_where_a_row_is_written_short() -> None:
    changed = applied(
        with_rows(
            ["Shop", "Fault", "Service", "shop", "Environment", "local", {"id": "a"}],
            ["...", "other"],
            [{"expression": "SEARCH('Service=\"shop\"', 'Sum', 60)"}],
            [".", "Requests", ".", ".", ".", "."],
            ["Shop", "Fault", "Service"],
            ["Shop", "Service"],
            7,
        ),
        variable(),
        "payments",
    )
    assert rows_of(changed) == [
        ["Shop", "Fault", "Service", "payments", "Environment", "local", {"id": "a"}],
        ["Shop", "Fault", "Service", "payments", "Environment", "other"],
        [{"expression": "SEARCH('Service=\"shop\"', 'Sum', 60)"}],
        ["Shop", "Requests", "Service", "payments", "Environment", "other"],
        ["Shop", "Fault", "Service"],
        ["Shop", "Service"],
        7,
    ]


def test_a_property_sets_a_key_of_every_widget_and_row() -> None:
    widgets = [
        *with_rows(["Shop", "Fault", {"region": "eu-west-1"}]),
        {"type": "text", "properties": {"markdown": "x"}},
    ]
    changed = applied(widgets, variable(target="region"), "ap-south-1")
    assert changed[0]["properties"] == {
        "region": "ap-south-1",
        "metrics": [["Shop", "Fault", {"region": "ap-south-1"}]],
    }
    assert changed[1] == widgets[1]


def test_a_pattern_replaces_its_matches_anywhere_and_takes_the_value_literally() -> None:
    widgets = with_rows(["Shop", "Fault", "Service", "shop"], [{"expression": "SEARCH('Service=\"shop\"')"}])
    changed = applied(widgets, variable("pattern", r'\bshop\b(?=\\?"|$)'), r"a\1")
    assert rows_of(changed) == [["Shop", "Fault", "Service", r"a\1"], [{"expression": "SEARCH('Service=\"a\\1\"')"}]]


@pytest.mark.parametrize("pattern", ["(a+)+$", "a*a*a*b", "(", "(x{2}){3}", "(a|a)*"])
def test_a_pattern_that_is_none_or_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(VariableError):
        applied(with_rows(["Shop", "a" * 200]), variable("pattern", pattern), "x")


def test_the_value_is_what_was_asked_for_else_the_default() -> None:
    found = [Option("a", "A"), Option("b", "B")]
    assert value_of(variable(default="b"), "c", found) == "c"
    assert value_of(variable(default="b"), None, found) == "b"
    assert value_of(variable(default="__FIRST"), None, found) == "a"
    assert value_of(variable(default="__FIRST"), None, []) is None
    assert value_of(variable(), None, found) is None


def test_variables_are_read_and_what_cannot_be_is_left_out() -> None:
    good = {"type": "property", "property": "Service", "id": "s", "inputType": "radio", "values": [{"value": "a"}, 3]}
    (read,) = read_variables([good, {**good, "id": "a b"}, {**good, "property": 3}, {**good, "type": "x"}, 7, None])
    assert (read.label, read.input, read.options, read.visible) == ("s", "radio", (Option("a", "a"),), True)
    assert read_variables("no") == ()


@pytest.mark.parametrize("path", sorted((ROOT / "dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_the_shipped_dashboards_follow_service_and_environment_everywhere(path: Path) -> None:
    dashboard = read_dashboard(path.read_text())
    if not dashboard.variables:
        pytest.skip("it has none")
    assert [each.id for each in dashboard.variables] == ["service", "environment"]
    same = dashboard.with_choices({each.id: str(each.default) for each in dashboard.variables})
    assert [each.properties for each in same.widgets if each.type != "metric"] == [
        each.properties for each in dashboard.widgets if each.type != "metric"
    ]
    text = json.dumps(
        [
            each.properties
            for each in dashboard.with_choices({"service": "payments", "environment": "blue"}).widgets
            if each.type != "alarm"
        ]
    )
    assert "production" not in text
    assert not re.search(r"\"shop\"|\\\"shop\\\"", text)
    assert "/shop/blue/" in text or "/shop/" not in text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Service", "shop", ".", "...", "x"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["metrics", "Service", "properties", "id", "type", "property", "values"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.lists(json_values, max_size=4), json_values, st.sampled_from(["property", "pattern"]))
def test_no_body_breaks_a_variable(widgets: list[Any], raw: Any, kind: str) -> None:
    read_variables(raw)
    before = json.dumps(widgets)
    applied(widgets, variable(kind), "new")
    assert json.dumps(widgets) == before, "the body itself stays"


@given(st.text(alphabet="ab*+?{}()[]|.\\", max_size=12))
def test_no_pattern_takes_long(pattern: str) -> None:
    started = time.monotonic()
    try:
        applied(with_rows(["Shop", "ab" * 400]), variable("pattern", pattern or "a"), "x")
    except VariableError:
        return
    assert time.monotonic() - started < 1
