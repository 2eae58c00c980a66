"""Dashboards: what is taken, what is refused and how, and that they come back unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.dashboard_body import examine
from kit.emulator.cloudwatch.dashboards import Dashboards
from kit.emulator.cloudwatch.engine import Engine

from .conftest import ACCOUNT, TEN, World

ALARM = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"
WHOLE = {
    "start": "-PT3H",
    "periodOverride": "inherit",
    "variables": [
        {"type": "property", "property": "Service", "id": "svc", "inputType": "select", "values": [{"value": "shop"}]}
    ],
    "widgets": [
        {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": "# Shop"}},
        {
            "type": "metric",
            "x": 0,
            "y": 2,
            "properties": {
                "region": "eu-west-1",
                "view": "timeSeries",
                "stat": "p99",
                "period": 60,
                "metrics": [
                    ["Shop", "Latency", "Service", "shop", {"stat": "p50", "label": "p50", "id": "m1"}],
                    ["...", {"stat": "tm99", "color": "#d62728", "yAxis": "right"}],
                    [".", ".", ".", "payments"],
                    [{"expression": "m1 * 2", "label": "double", "id": "e1", "visible": False}],
                ],
                "annotations": {
                    "horizontal": [{"value": 800, "fill": "above"}, [{"value": 1}, {"value": 2, "label": "band"}]],
                    "vertical": [{"value": "2026-11-22T10:00:00Z"}],
                },
                "yAxis": {"left": {"min": 0, "showUnits": False}},
            },
        },
        {"type": "metric", "properties": {"region": "eu-west-1", "annotations": {"alarms": [ALARM]}}},
        {"type": "alarm", "properties": {"alarms": [ALARM], "states": ["ALARM"]}},
        {"type": "log", "properties": {"region": "eu-west-1", "query": "SOURCE 'g' | fields @message"}},
        {"type": "custom", "properties": {"endpoint": "arn:aws:lambda:eu-west-1:123456789012:function:f"}},
    ],
}


def put(world: World, body: Any, name: str = "shop") -> dict[str, Any]:
    return world("PutDashboard", DashboardName=name, DashboardBody=json.dumps(body))


def found(body: Any) -> dict[str, str]:
    """Errors by path; the last one where a path has several."""
    return {finding.path: finding.message for finding in examine(json.dumps(body)) if finding.error}


def widget(kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"widgets": [{"type": kind, "properties": properties, **more}]}


def metric(**properties: Any) -> dict[str, Any]:
    given_ = {"region": "eu-west-1", "metrics": [["Shop", "Fault"]], **properties}
    return widget("metric", {key: value for key, value in given_.items() if value is not None})


def test_a_dashboard_comes_back_as_it_was_put(world: World) -> None:
    assert put(world, WHOLE) == {"DashboardValidationMessages": []}
    answer = world("GetDashboard", DashboardName="shop")
    assert answer["DashboardBody"] == json.dumps(WHOLE)
    assert answer["DashboardArn"] == f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/shop"
    (entry,) = world("ListDashboards")["DashboardEntries"]
    assert entry["Size"] == len(json.dumps(WHOLE))
    assert entry["LastModified"] == TEN


def test_a_bad_body_is_refused_in_the_services_form_and_the_old_one_stays(world: World) -> None:
    put(world, WHOLE)
    code, message = world.refusal("PutDashboard", DashboardName="shop", DashboardBody='{"widgets": [{"type": "text"}]}')
    assert code == "InvalidParameterInput"
    head, _, listed = message.partition("\n")
    assert head == "The dashboard body is invalid, there are 1 validation errors:"
    assert json.loads(listed) == [{"dataPath": "/widgets/0", "message": "Should have required property 'properties'"}]
    assert world("GetDashboard", DashboardName="shop")["DashboardBody"] == json.dumps(WHOLE)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"widgets": [NaN]}', "[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(text: str) -> None:
    (finding,) = examine(text)
    assert finding.message == "The field DashboardBody must be a valid JSON object"


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "", "Should have required property 'widgets'"),
        ({"widgets": {}}, "/widgets", "Should be array"),
        ({"widgets": [3]}, "/widgets/0", "Should be object"),
        ({"widgets": [], "start": "yesterday"}, "/start", "Should match pattern"),
        ({"widgets": [], "end": "2026-11-22T10:00:00Z"}, "", "Should have required property 'start'"),
        ({"widgets": [], "periodOverride": "never"}, "/periodOverride", "Should be equal to one of the allowed values"),
        (widget("graph", {}), "/widgets/0/type", "Should be equal to one of the allowed values"),
        (widget("text", {"markdown": "x"}, x=3), "/widgets/0", "Should have required property 'y'"),
        (widget("text", {"markdown": "x"}, width=25), "/widgets/0/width", "Should be <= 24"),
        (widget("text", {"markdown": "x"}, height=0), "/widgets/0/height", "Should be >= 1"),
        (widget("text", {"markdown": "x"}, x=True, y=0), "/widgets/0/x", "Should be integer"),
        (widget("text", {}), "/widgets/0/properties", "Should have required property 'markdown'"),
        (widget("log", {"region": "r"}), "/widgets/0/properties", "Should have required property 'query'"),
        (widget("alarm", {"alarms": []}), "/widgets/0/properties/alarms", "Should NOT have fewer than 1 items"),
        (widget("alarm", {"alarms": ["x"]}), "/widgets/0/properties/alarms/0", "Should be the ARN of an alarm"),
        (
            widget("metric", {"region": "r"}),
            "/widgets/0/properties",
            "The metric widget should have specified a region and a data source or an alarm annotation",
        ),
        (
            metric(region=None),
            "/widgets/0/properties",
            "The metric widget should have specified a region and a data source or an alarm annotation",
        ),
        (metric(view="gauge"), "/widgets/0/properties", "The gauge widget should have specified yAxis.left.min"),
        (metric(view="line"), "/widgets/0/properties/view", "Should be equal to one of the allowed values"),
        (metric(period=7), "/widgets/0/properties/period", "multiple of 60"),
        (metric(stat="p999"), "/widgets/0/properties/stat", "Invalid statistic: p999"),
        (metric(metrics=["Shop"]), "/widgets/0/properties/metrics/0", 'Field "metrics" has to be an array of array'),
        (metric(metrics=[["Shop"]]), "/widgets/0/properties/metrics/0", 'Field "metrics" has to be'),
        (metric(metrics=[["Shop", "Fault", "Service"]]), "/widgets/0/properties/metrics/0", 'Field "metrics"'),
        (
            metric(metrics=[["Shop", 3]]),
            "/widgets/0/properties/metrics/0/1",
            'Invalid metric field type, only "String" type is allowed',
        ),
        (
            metric(metrics=[["Shop", "Fault", {"color": "red"}]]),
            "/widgets/0/properties/metrics/0/2/color",
            "Should match pattern",
        ),
        (
            metric(metrics=[["S", "F", {"id": "a"}], ["S", "G", {"id": "a"}]]),
            "/widgets/0/properties/metrics/1/2/id",
            "used by more than one",
        ),
        (metric(metrics=[["S", "F"]] * 501), "/widgets/0/properties/metrics", "Should NOT have more than 500 items"),
        (
            metric(annotations={"horizontal": [{"label": "x"}]}),
            "/widgets/0/properties/annotations/horizontal/0",
            "Should have required property 'value'",
        ),
        (
            metric(annotations={"horizontal": [[{"value": "1"}]]}),
            "/widgets/0/properties/annotations/horizontal/0/0/value",
            "Should be number",
        ),
        (
            metric(annotations={"alarms": [ALARM]}),
            "/widgets/0/properties/annotations/alarms",
            "Alarm annotations should not be specified together with metrics",
        ),
        (
            {"widgets": [], "variables": [{"type": "property", "id": "a", "inputType": "select"}]},
            "/variables/0",
            "Should have required property 'values'",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(body: Any, path: str, message: str) -> None:
    errors = found(body)
    assert message in errors.get(path, f"nothing at {path!r} but {errors}")


def test_too_many_metrics_on_a_dashboard_are_refused() -> None:
    full = metric(metrics=[["S", "F"]] * 500)["widgets"]
    assert found({"widgets": full * 5}) == {}
    assert "/widgets" in found({"widgets": full * 6})


def test_a_widget_beyond_the_grid_is_taken_with_a_warning(world: World) -> None:
    body = widget("text", {"markdown": "x"}, x=20, y=0, width=6)
    (message,) = put(world, body)["DashboardValidationMessages"]
    assert message["DataPath"] == "/widgets/0"
    assert world("GetDashboard", DashboardName="shop")["DashboardBody"] == json.dumps(body)


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 256, "a/b"])
def test_a_bad_name_is_refused(world: World, name: str) -> None:
    assert (
        world.refusal("PutDashboard", DashboardName=name, DashboardBody='{"widgets":[]}')[0] == "InvalidParameterInput"
    )


def test_dashboards_are_listed_by_prefix_and_deleted_all_or_none(world: World) -> None:
    for name in ("shop-b", "shop-a", "other"):
        put(world, {"widgets": []}, name)
    entries = world("ListDashboards", DashboardNamePrefix="shop")["DashboardEntries"]
    assert [entry["DashboardName"] for entry in entries] == ["shop-a", "shop-b"]
    assert world.refusal("DeleteDashboards", DashboardNames=["other", "nobody"])[0] == "ResourceNotFound"
    world("DeleteDashboards", DashboardNames=["other", "shop-a"])
    assert [e["DashboardName"] for e in world("ListDashboards")["DashboardEntries"]] == ["shop-b"]
    assert world.refusal("GetDashboard", DashboardName="other")[0] == "ResourceNotFound"


def test_tags_of_a_dashboard_are_kept_through_an_update(world: World) -> None:
    arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/shop"
    tagged = {"DashboardName": "shop", "DashboardBody": '{"widgets":[]}', "Tags": [{"Key": "a", "Value": "b"}]}
    world("PutDashboard", **tagged)
    put(world, WHOLE)
    assert world("ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    world("UntagResource", ResourceARN=arn, TagKeys=["a"])
    assert world("ListTagsForResource", ResourceARN=arn)["Tags"] == []


def test_dashboards_are_the_same_in_every_region() -> None:
    shared, clock = Dashboards(), ManualClock(TEN)
    engines = [
        Engine(region, ACCOUNT, clock, lambda *_: None, dashboards=shared) for region in ("eu-west-1", "us-east-1")
    ]
    engines[0].dashboards.put("shop", ACCOUNT, "{}", TEN, {})
    assert engines[1].dashboards.get("shop") is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    "region",
    "metrics",
    "annotations",
    "yAxis",
    "period",
    "stat",
    "alarms",
    "labels",
    "legend",
    "markdown",
    "states",
)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["metric", "text", "log", "alarm", "explorer", "custom"]),
    properties=st.dictionaries(st.sampled_from(KEYS), JSON),
    top=st.dictionaries(st.sampled_from(["start", "end", "variables", "widgets", "periodOverride"]), JSON),
)
def test_any_json_is_examined_without_failing(kind: str, properties: dict[str, Any], top: dict[str, Any]) -> None:
    for finding in examine(json.dumps({**widget(kind, properties), **top})):
        assert finding.message
    examine(json.dumps(widget(kind, properties)))
