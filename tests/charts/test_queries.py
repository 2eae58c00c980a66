"""From a widget to GetMetricData."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from kit.charts.dashboard import Widget
from kit.charts.queries import MAX_QUERIES, Plan, calls, plan_widget
from kit.charts.rows import RowError
from kit.charts.timerange import TimeRange

NOW = 1_800_000_000.0
HOUR = TimeRange(NOW - 3600, NOW, live=True)
REQUESTS = ["Shop", "Requests", "Service", "shop"]


def widget(*rows: list[Any], index: int = 0, **properties: Any) -> Widget:
    return Widget(index, "metric", 0, 0, 6, 6, {"metrics": list(rows), "region": "us-east-1", **properties})


def plan(*rows: list[Any], shown: TimeRange = HOUR, adapt: bool = False, **properties: Any) -> Plan:
    (only,) = plan_widget(widget(*rows, **properties), shown, adapt=adapt)
    return only


def test_a_metric_row_becomes_a_metric_stat() -> None:
    assert plan([*REQUESTS, {"stat": "p99", "period": 10, "label": "slow"}]).queries == (
        {
            "Id": "w0_0",
            "ReturnData": True,
            "Label": "slow",
            "MetricStat": {
                "Metric": {
                    "Namespace": "Shop",
                    "MetricName": "Requests",
                    "Dimensions": [{"Name": "Service", "Value": "shop"}],
                },
                "Period": 10,
                "Stat": "p99",
            },
        },
    )


@pytest.mark.parametrize(
    ("properties", "stat", "period"),
    [({}, "Average", 300), ({"stat": "Sum", "period": 60}, "Sum", 60), ({"stat": 5}, "Average", 300)],
)
def test_stat_and_period_come_from_the_widget_else_from_the_defaults(
    properties: dict[str, Any], stat: str, period: int
) -> None:
    asked = plan(REQUESTS, **properties).queries[0]["MetricStat"]
    assert (asked["Stat"], asked["Period"]) == (stat, period)


def test_hidden_rows_feed_expressions_and_are_not_returned() -> None:
    made = plan(
        [{"expression": "100*m1/m2 + SUM(METRICS('m'))", "id": "e1"}],
        [*REQUESTS, {"id": "m1", "visible": False}],
        ["...", {"id": "m2", "visible": False, "period": 60}],
    )
    expression, first, _ = made.queries
    assert expression["Expression"] == "100*w0_m1/w0_m2 + SUM(METRICS('m'))", "text in quotes is left alone"
    assert [query["ReturnData"] for query in made.queries] == [True, False, False]
    assert first["Id"] == "w0_m1"
    assert made.periods == {"w0_m1": 300, "w0_m2": 60, "w0_e1": 300}


def test_functions_and_numbers_are_not_taken_for_ids() -> None:
    made = plan([{"expression": "IF(sum > 1e3, SUM(sum), m)"}], [*REQUESTS, {"id": "sum"}], ["...", {"id": "m"}])
    assert made.queries[0]["Expression"] == "IF(w0_sum > 1e3, SUM(w0_sum), w0_m)"


def test_widgets_of_one_region_share_a_call() -> None:
    widgets = [widget([*REQUESTS, {"id": "m1"}], index=n) for n in range(3)]
    (call,) = calls([made for each in widgets for made in plan_widget(each, HOUR, adapt=False)])
    assert [query["Id"] for query in call.queries] == ["w0_m1", "w1_m1", "w2_m1"]


def test_a_call_holds_at_most_500_queries() -> None:
    rows = [["Shop", f"M{n}"] for n in range(200)]
    made = [p for n in range(3) for p in plan_widget(widget(*rows, index=n), HOUR, adapt=False)]
    assert [len(call.queries) for call in calls(made)] == [400, 200]
    assert all(len(call.queries) <= MAX_QUERIES for call in calls(made))


@pytest.mark.parametrize("expression", ["SUM(METRICS())", "SELECT AVG(Latency) FROM Shop"])
def test_an_expression_over_all_metrics_of_a_call_has_a_call_of_its_own(expression: str) -> None:
    made = [
        *plan_widget(widget(REQUESTS, index=0), HOUR, adapt=False),
        *plan_widget(widget([{"expression": expression}], index=1), HOUR, adapt=False),
        *plan_widget(widget(REQUESTS, index=2), HOUR, adapt=False),
    ]
    assert sorted(len(call.queries) for call in calls(made)) == [1, 2]


def test_rows_of_other_regions_are_asked_there() -> None:
    made = plan_widget(widget(REQUESTS, ["...", {"region": "eu-west-1"}]), HOUR, adapt=False)
    assert {each.region for each in made} == {"us-east-1", "eu-west-1"}
    assert {call.region for call in calls(made)} == {"us-east-1", "eu-west-1"}


def test_one_value_for_the_whole_range_is_one_period_as_long_as_it() -> None:
    made = plan([*REQUESTS, {"period": 10}], view="singleValue", setPeriodToTimeRange=True)
    (call,) = calls([made])
    assert made.queries[0]["MetricStat"]["Period"] == 3600
    assert (call.start, call.end) == (NOW - 3600, NOW)


def test_a_period_for_the_whole_range_spans_it_from_a_whole_minute() -> None:
    shown = TimeRange(NOW - 3600 + 17, NOW + 17, live=True)
    made = plan(REQUESTS, view="singleValue", setPeriodToTimeRange=True, shown=shown)
    (call,) = calls([made])
    assert call.start == NOW - 3600
    assert call.start + made.queries[0]["MetricStat"]["Period"] >= call.end


def test_a_graph_ignores_the_wish_for_one_value() -> None:
    assert plan(REQUESTS, setPeriodToTimeRange=True, period=60).whole_range is None


def test_a_widget_keeps_to_its_own_start() -> None:
    made = plan(REQUESTS, start="-P1D", view="singleValue", setPeriodToTimeRange=True)
    assert made.shown == TimeRange(NOW - 86_400, NOW, live=True)
    assert made.queries[0]["MetricStat"]["Period"] == 86_400


def test_a_call_starts_on_a_multiple_of_its_coarsest_period() -> None:
    (call,) = calls(
        [plan([*REQUESTS, {"period": 10}], ["...", {"period": 300}], shown=TimeRange(1001, 2002, live=True))]
    )
    assert call.start == 900


@pytest.mark.parametrize(("span", "period"), [(3600, 10), (10_800, 60), (86_400, 300)])
def test_periods_coarsen_with_the_range_when_the_dashboard_lets_them(span: int, period: int) -> None:
    made = plan(REQUESTS, period=10, shown=TimeRange(NOW - span, NOW, live=True), adapt=True)
    assert made.queries[0]["MetricStat"]["Period"] == period


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"region": "evil.example/"}, "not the name of a Region"),
        ({"metrics": "x"}, "must be a list"),
        ({"period": 0}, "period"),
        ({"metrics": [["A", "B"]] * 501}, "501 rows"),
    ],
)
def test_a_widget_that_cannot_be_asked_for_is_refused(properties: dict[str, Any], words: str) -> None:
    with pytest.raises(RowError, match=words):
        plan_widget(widget(REQUESTS, **properties), HOUR, adapt=False)


def test_what_is_asked_fits_the_service_model() -> None:
    made = plan([*REQUESTS, {"id": "m"}], [{"expression": "SELECT AVG(Latency) FROM Shop", "label": "x"}])
    shape = get_session().get_service_model("cloudwatch").operation_model("GetMetricData").input_shape
    assert shape is not None
    asked = {"MetricDataQueries": list(made.queries), "StartTime": 0, "EndTime": 1}
    assert not ParamValidator().validate(asked, shape).has_errors()
