from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.evaluation.alarm import AlarmDefinition, AlarmError, AlarmState, evaluate, window
from kit.evaluation.statistics import parse_statistic

MakeQuery = Callable[..., dict[str, Any]]
SINGLE: dict[str, Any] = {
    "AlarmName": "a",
    "Namespace": "Test",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 10,
}


@pytest.fixture
def math_alarm(metric_query: MakeQuery) -> Callable[..., dict[str, Any]]:
    def build(expression: str, *metrics: dict[str, Any], **more: Any) -> dict[str, Any]:
        items = metrics or (metric_query("bad", ReturnData=False), metric_query("all", ReturnData=False))
        keep = {key: SINGLE[key] for key in ("AlarmName", "EvaluationPeriods", "ComparisonOperator", "Threshold")}
        return keep | {"Metrics": [*items, {"Id": "ratio", "Expression": expression, **more}]}

    return build


def test_the_window_slides_back_from_now_and_is_not_tied_to_the_clocks_marks(samples: Any) -> None:
    """User Guide: with a period of 5 minutes, minute 6 evaluates minutes 2 to 6."""
    definition = AlarmDefinition.from_api(SINGLE)
    source = samples({"m": [(minute * 60, 1.0) for minute in range(-20, 6)]})
    seen = window(definition, source, 360)
    assert (seen.series.start, seen.series.period, seen.series.end) == (360 - 900, 300, 360)
    assert seen.series.values == (5.0, 5.0, 5.0)
    assert seen.samples == (5.0, 5.0, 5.0)


def test_the_range_is_two_periods_longer_than_n_unless_told_otherwise(samples: Any) -> None:
    definition = AlarmDefinition.from_api(SINGLE | {"EvaluationPeriods": 3, "Period": 10})
    assert len(window(definition, samples({}), 600).series.values) == 5
    assert len(window(definition, samples({}), 600, extra=0).series.values) == 3


def test_a_burn_rate_expression_is_evaluated_over_the_same_window(samples: Any, math_alarm: Any) -> None:
    definition = AlarmDefinition.from_api(math_alarm("IF(all > 20, bad / all, 0)") | {"Threshold": 0.1})
    source = samples(
        {"all": [(t, 1.0) for t in range(120, 150)] + [(70, 1.0)], "bad": [(t, 1.0) for t in range(120, 126)]}
    )
    seen = window(definition, source, 180)
    assert seen.series.values == (None, 0.0, 0.2)
    assert seen.samples is None
    verdict = evaluate(definition, seen, AlarmState("OK"), 180)
    assert verdict.state == "ALARM"
    assert "statistic" not in verdict.data
    assert {stat.period for stat, _, _ in source.asked} == {60}


@pytest.mark.parametrize(
    ("period", "periods", "cadence"), [(10, 3, 10), (30, 1, 10), (60, 1, 60), (3600, 6, 60), (86_400, 3, 3600)]
)
def test_the_cadence_follows_the_period(period: int, periods: int, cadence: int) -> None:
    definition = AlarmDefinition.from_api(SINGLE | {"Period": period, "EvaluationPeriods": periods})
    assert definition.cadence_s == cadence


def test_absent_and_empty_members_are_the_same() -> None:
    empty: dict[str, Any] = {
        "Metrics": [],
        "Dimensions": [],
        "ExtendedStatistic": "",
        "Unit": None,
        "TreatMissingData": "",
    }
    definition = AlarmDefinition.from_api(SINGLE | empty)
    assert definition == AlarmDefinition.from_api(SINGLE)
    assert (definition.datapoints_to_alarm, definition.m_out_of_n) == (1, False)
    assert definition.treat_missing_data == "missing"


def test_a_single_metric_in_metrics_is_watched_as_a_metric(math_alarm: Any, metric_query: MakeQuery) -> None:
    given = math_alarm("m1", metric_query("lone", stat="p90"))
    given["Metrics"].pop()
    definition = AlarmDefinition.from_api(given)
    assert definition.metric is not None
    assert definition.metric.statistic == parse_statistic("p90")


def test_alarms_on_dynamodb_always_ignore_missing_data() -> None:
    """API Reference, "PutMetricAlarm"."""
    definition = AlarmDefinition.from_api(SINGLE | {"Namespace": "AWS/DynamoDB", "TreatMissingData": "breaching"})
    assert definition.treat_missing_data == "ignore"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AlarmName": ""}, "AlarmName is required"),
        ({"MetricName": None}, "exactly one of MetricName and Metrics"),
        ({"Namespace": None}, "Namespace is required"),
        ({"Period": None}, "Period is required"),
        ({"Period": 7}, "not 7"),
        ({"Period": 5}, "must be 10, 20, 30 or a multiple of 60"),
        ({"Statistic": None}, "exactly one of Statistic and ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": "p99"}, "Statistic must be one of"),
        ({"Statistic": None, "ExtendedStatistic": "p999"}, "beyond 100 percent"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods must be a whole number"),
        ({"EvaluationPeriods": 1.5}, "EvaluationPeriods must be a whole number"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods must be a whole number"),
        ({"DatapointsToAlarm": 2}, "less than or equal to EvaluationPeriods, but it is 2 of 1"),
        ({"EvaluationPeriods": 289}, "the limit is 86400 s"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "the limit is 604800 s"),
        ({"Threshold": None}, "Threshold must be a number"),
        ({"Threshold": "10"}, "Threshold must be a number"),
        ({"Threshold": float("inf")}, "Threshold must be a number"),
        ({"Threshold": 10**400}, "Threshold must be a number"),
        ({"Metrics": 5, "MetricName": None, "Namespace": None, "Statistic": None, "Period": None}, "must be a list"),
        ({"Dimensions": "d"}, "Dimensions must be a list"),
        ({"Threshold": float("nan")}, "Threshold must be a number"),
        ({"ComparisonOperator": "Above"}, "ComparisonOperator must be one of"),
        ({"ComparisonOperator": None}, "ComparisonOperator must be one of"),
        ({"TreatMissingData": "zero"}, "TreatMissingData must be one of"),
        ({"EvaluateLowSampleCountPercentile": "maybe"}, "EvaluateLowSampleCountPercentile must be one of"),
        ({"EvaluationCriteria": {"PromQLCriteria": {}}}, "PromQL alarms are not available"),
        ({"ThresholdMetricId": "ad1"}, "anomaly detection alarms are not available"),
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}}, "warm-up"),
        ({"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}}, "wall-clock"),
        ({"Dimensions": [{"Name": "d"}]}, "a Name and a Value"),
    ],
)
def test_an_alarm_that_the_service_would_refuse_says_why(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AlarmError, match=message):
        AlarmDefinition.from_api(SINGLE | change)


def test_a_sliding_window_may_be_asked_for_by_name() -> None:
    given = SINGLE | {"EvaluationWindow": {"SlidingWindow": {}}}
    assert AlarmDefinition.from_api(given) == AlarmDefinition.from_api(SINGLE)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SEARCH('{Test} m', 'Sum')", "SEARCH is not supported on Metric Alarms"),
        ("AVG(bad)", "single number"),
        ("[bad, all]", "a single time series, not an array"),
        ("bad / none", "the id 'none'"),
        ("bad /", "Error in expression 'ratio'"),
    ],
)
def test_what_an_alarm_watches_must_be_one_time_series(math_alarm: Any, expression: str, message: str) -> None:
    with pytest.raises(AlarmError, match=message):
        AlarmDefinition.from_api(math_alarm(expression))


def test_the_queries_of_an_alarm_have_rules_of_their_own(math_alarm: Any, metric_query: MakeQuery) -> None:
    """API Reference, "MetricDataQuery" and "PutMetricAlarm"."""
    hidden = [metric_query(f"m{i}", ReturnData=False) for i in range(11)]
    cases: list[tuple[dict[str, Any], str]] = [
        (math_alarm("m0", *hidden), "up to 10 metrics and up to 10 expressions, not 11 metrics"),
        (
            math_alarm("bad + all", ReturnData=False),
            "Exactly one element of the metrics list should return data; found none",
        ),
        (math_alarm("a", metric_query("a")), "found a, ratio"),
        (
            math_alarm("a + b", metric_query("a", ReturnData=False), metric_query("b", 300, ReturnData=False)),
            "one and the same Period; found 60, 300",
        ),
        (math_alarm("TIME_SERIES(1)", {"Id": "x", "Expression": "1", "ReturnData": False}), "found none"),
        (math_alarm("bad") | {"Period": 60}, "Period can't be used together with Metrics"),
        (math_alarm("bad") | {"MetricName": "m"}, "exactly one of MetricName and Metrics"),
    ]
    for given, message in cases:
        with pytest.raises(AlarmError, match=message):
            AlarmDefinition.from_api(given)
