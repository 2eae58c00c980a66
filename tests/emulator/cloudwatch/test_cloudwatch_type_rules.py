"""What an alarm or an expression must not be: one clear line from the evaluation itself and the same over the wire."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from kit.evaluation.alarm import AlarmDefinition, AlarmError
from kit.evaluation.query import QueryError, queries_from_api, run_queries

from .conftest import TEN, World

MATH: dict[str, Any] = {
    "AlarmName": "a",
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def metric(name: str, period: int = 60, *, shown: bool = False) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": period, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": shown}


def on(expression: str, *metrics: dict[str, Any]) -> dict[str, Any]:
    return MATH | {"Metrics": [*metrics, {"Id": "e", "Expression": expression}]}


PLAIN = MATH | {"Namespace": "Shop", "MetricName": "m", "Statistic": "Sum", "Period": 60}
RULES: dict[str, tuple[dict[str, Any], str]] = {
    "a scalar result": (on("AVG(m)", metric("m")), "expression 'e': the result is a single number.* TIME_SERIES"),
    "an array": (on("[m, m]", metric("m")), "'e' must give a single time series, not an array"),
    "a SEARCH": (
        on("m + SUM(SEARCH('{Shop} Fault', 'Sum', 60))", metric("m")),
        r"expression 'e': SEARCH is not supported on Metric Alarms; name each metric \(at character 9\)",
    ),
    "a SEARCH that is not watched": (
        MATH | {"Metrics": [metric("m", shown=True), on("SEARCH('x', 'Sum')")["Metrics"][0] | {"ReturnData": False}]},
        "expression 'e': SEARCH is not supported",
    ),
    "mixed periods": (on("m + n", metric("m"), metric("n", 300)), "one and the same Period; found 60, 300"),
    "11 metrics": (
        on("SUM(METRICS())", *(metric(f"m{i}") for i in range(11))),
        "up to 10 metrics .* not 11 metrics and 1 expressions",
    ),
    "nothing that returns data": (MATH | {"Metrics": [metric("m")]}, "Exactly one element .* found none"),
    "two that return data": (on("m * 2", metric("m", shown=True)), "Exactly one element .* found m, e"),
    "an unknown function": (on("MEAN(m)", metric("m")), r"there is no function MEAN \(at character 1\)"),
    "a bracket that is not closed": (on("(m + 1", metric("m")), r"expected an operator or '\)'.*\(at character 7\)"),
    "a bracket too many": (on("m + 1)", metric("m")), r"but found '\)' \(at character 6\)"),
    "an unknown id": (on("m + n", metric("m")), "no metric or expression with the id 'n'"),
    "a cycle": (
        MATH | {"Metrics": [metric("m"), {"Id": "e", "Expression": "f + m"},
                            {"Id": "f", "Expression": "e", "ReturnData": False}]},
        "the expressions need each other: ",
    ),
    "NaN in an expression": (on("m + NaN", metric("m")), r"the word NaN has no meaning .*\(at character 5\)"),
    "a wrong argument": (on("RATE(m, 5)", metric("m")), r"RATE expects .* but got \(TS, S\) \(at character 1\)"),
    "a period of 7": (PLAIN | {"Period": 7}, "Period must be 1, 5, 10, .* not 7"),
    "a period of 5": (PLAIN | {"Period": 5}, "Period of an alarm must be 10, 20, 30 or a multiple of 60"),
    "M above N": (PLAIN | {"DatapointsToAlarm": 4}, "less than or equal to EvaluationPeriods, but it is 4 of 3"),
    "a window of more than a day": (PLAIN | {"EvaluationPeriods": 1441}, "the limit is 86400 s"),
    "no metric": (MATH, "exactly one of MetricName and Metrics"),
    "an unknown statistic": (PLAIN | {"Statistic": "Mean"}, "(?i)statistic"),
}  # fmt: skip


@pytest.mark.parametrize("alarm, text", RULES.values(), ids=RULES)  # noqa: PT006 - a table of pairs by their names
def test_an_alarm_against_the_rules_is_refused_in_one_line(world: World, alarm: dict[str, Any], text: str) -> None:
    with pytest.raises(AlarmError) as caught:
        AlarmDefinition.from_api(alarm)
    assert re.search(text, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    code, message = world.refusal("PutMetricAlarm", **alarm)
    assert code in ("ValidationError", "InvalidParameterCombination")
    assert re.search(text, message), message
    assert world("DescribeAlarms")["MetricAlarms"] == []


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_threshold_that_is_no_number_is_refused(world: World, number: float) -> None:
    with pytest.raises(AlarmError, match="Threshold must be a number"):
        AlarmDefinition.from_api(PLAIN | {"Threshold": number})
    assert world.status("PutMetricAlarm", **PLAIN | {"Threshold": number}) == 400


@pytest.mark.parametrize("number", [math.nan, math.inf, 2.0**361])
def test_a_value_that_is_no_number_is_refused(world: World, number: float) -> None:
    datum = {"MetricName": "m", "Value": number}
    assert world.status("PutMetricData", Namespace="Shop", MetricData=[datum]) == 400


QUERIES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a scalar result": ([metric("m"), {"Id": "e", "Expression": "MAX(m)"}], "the result is a single number"),
    "a cycle": ([{"Id": "e", "Expression": "e + 1"}], "need each other: e -> e"),
    "an unbalanced bracket": ([{"Id": "e", "Expression": "[1"}], r"\(at character 3\)"),
    "an unknown function": ([{"Id": "e", "Expression": "NOSUCH(1)"}], r"no function NOSUCH \(at character 1\)"),
    "a period of 7": ([metric("m", 7, shown=True)], "not 7"),
    "the same id twice": ([metric("m", shown=True), metric("m")], "'m' is used by more than one query"),
    "what is not available": ([{"Id": "e", "Expression": "LAMBDA('f')"}], "LAMBDA is not available here"),
}


@pytest.mark.parametrize("queries, text", QUERIES.values(), ids=QUERIES)  # noqa: PT006 - a table of pairs
def test_queries_against_the_rules_are_refused_in_one_line(
    world: World, queries: list[dict[str, Any]], text: str
) -> None:
    with pytest.raises(QueryError, match=text) as caught:
        run_queries(queries_from_api(queries), world.engine.metrics, TEN, TEN + 60)
    assert "\n" not in str(caught.value)
    window = {"StartTime": TEN, "EndTime": TEN + 60}
    code, message = world.refusal("GetMetricData", MetricDataQueries=queries, **window)
    assert code == "ValidationError"
    assert re.search(text, message), message
