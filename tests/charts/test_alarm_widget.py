"""Alarms as graphs, and their past as spans."""

from __future__ import annotations

from typing import Any

import pytest

from kit.charts.alarm import alarm_widget, condition, threshold
from kit.charts.queries import plan_widget
from kit.charts.states import Change, Span, spans
from kit.charts.timerange import TimeRange

SHOWN = TimeRange(0, 3600, live=True)
METRIC = {"Namespace": "Shop", "MetricName": "Fault", "Dimensions": [{"Name": "Service", "Value": "shop"}]}
MATH: dict[str, Any] = {
    "Metrics": [
        {"Id": "ratio", "Expression": "IF(total > 21, bad/total, 0)", "Label": "share", "ReturnData": True},
        {"Id": "bad", "MetricStat": {"Metric": METRIC, "Period": 120, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "total", "MetricStat": {"Metric": METRIC, "Period": 120, "Stat": "Sum"}, "ReturnData": False},
    ],
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 0.144,
    "EvaluationPeriods": 1,
}


def test_a_metric_alarm_charts_its_metric() -> None:
    definition = {**METRIC, "ExtendedStatistic": "p99", "Period": 10, "Threshold": 5, "EvaluationPeriods": 3}
    widget = alarm_widget(definition)
    assert widget is not None
    (plan,) = plan_widget(widget, SHOWN, adapt=False)
    assert plan.queries[0]["MetricStat"] == {"Metric": METRIC, "Period": 10, "Stat": "p99"}


def test_a_math_alarm_charts_what_it_watches_and_hides_its_inputs() -> None:
    widget = alarm_widget(MATH)
    assert widget is not None
    (plan,) = plan_widget(widget, SHOWN, adapt=False)
    assert [query["ReturnData"] for query in plan.queries] == [True, False, False]
    assert plan.queries[0]["Expression"] == "IF(w0_total > 21, w0_bad/w0_total, 0)"
    assert set(plan.periods.values()) == {120}


def test_a_composite_alarm_has_no_graph() -> None:
    assert alarm_widget({"AlarmRule": "ALARM(a)"}) is None


@pytest.mark.parametrize(
    ("operator", "fill"), [("GreaterThanThreshold", "above"), ("LessThanOrEqualToThreshold", "below")]
)
def test_the_threshold_is_shaded_where_it_is_breached(operator: str, fill: str) -> None:
    mark = threshold({"Threshold": 5, "ComparisonOperator": operator}, "#c00")
    assert mark is not None
    assert (mark.at, mark.fill) == (5, fill)


def test_a_condition_reads_as_words() -> None:
    assert condition(MATH) == "> 0.144 over 120 s"
    several = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 5, "Period": 60}
    assert condition(several) == "< 1 in 5 of 5 periods of 60 s"
    assert condition({**several, "DatapointsToAlarm": 3}) == "< 1 in 3 of 5 periods of 60 s"


def change(at: float, before: str, after: str) -> Change:
    return Change("a", at, before, after, "")


def test_the_past_is_told_from_the_changes() -> None:
    changes = [change(50, "OK", "ALARM"), change(80, "ALARM", "OK")]
    assert spans(changes, "OK", 0, 0, 100) == (Span(0, 50, "OK"), Span(50, 80, "ALARM"), Span(80, 100, "OK"))


def test_what_was_before_an_alarm_existed_is_blank() -> None:
    changes = [change(50, "INSUFFICIENT_DATA", "OK")]
    assert spans(changes, "OK", 40, 0, 100) == (Span(40, 50, "INSUFFICIENT_DATA"), Span(50, 100, "OK"))
    assert spans([], "OK", 40, 0, 100) == (Span(40, 100, "OK"),)


def test_an_alarm_configured_anew_keeps_its_known_past() -> None:
    assert spans([change(50, "OK", "ALARM")], "ALARM", 90, 0, 100) == (Span(50, 100, "ALARM"),)
