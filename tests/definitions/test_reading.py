"""Every complaint about alarms/ and dashboards/, at once, with its place and its remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import DefinitionsError, read
from kit.errors import KitError

Complaints = Callable[..., list[str]]

MATH: dict[str, Any] = {
    "AlarmName": "ratio",
    "EvaluationPeriods": 1,
    "Threshold": 0.1,
    "ComparisonOperator": "GreaterThanThreshold",
}
STAT = {"Metric": {"Namespace": "Shop", "MetricName": "Fault"}, "Period": 60, "Stat": "Sum"}
WIDE = {"type": "text", "x": 12, "y": 0, "width": 13, "height": 2, "properties": {"markdown": ""}}


def composite(name: str, rule: str, **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "AlarmRule": rule, **more}


def metric_widget(**properties: Any) -> dict[str, Any]:
    return {"widgets": [{"type": "metric", "properties": {"region": "us-east-1", **properties}}]}


def test_a_good_set_has_no_complaints(complaints: Complaints, alarm: Any, dashboard: Any) -> None:
    files = {
        "alarms/heartbeat.json": alarm,
        "alarms/any.json": composite("any", 'ALARM("heartbeat")'),
        "dashboards/home.json": dashboard,
    }
    assert complaints(files) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"AlarmName": "a",\n  "Period" 60}', "line 2, column 12: Expecting ':' delimiter"),
        ("[]", "must hold one JSON object, not a list"),
        ("7", "must hold one JSON object, not a number"),
        ("", "line 1, column 1: Expecting value"),
        ('{"AlarmName": "a", "AlarmName": "b"}', "'AlarmName' is written twice"),
        ('{"Threshold": NaN}', "NaN is not a JSON number"),
        ('{"AlarmName": "a", "Threshold": 1e400}', "is too large for a number"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_unreadable_json_is_told_by_its_place(complaints: Complaints, text: str, problem: str) -> None:
    (found,) = complaints({"alarms/broken.json": text})
    assert found.startswith("alarms/broken.json")
    assert problem in found


def test_a_file_that_is_not_utf8_is_told(project: Path) -> None:
    (project / "alarms" / "latin.json").write_bytes(b'{"AlarmName": "caf\xe9"}')
    with pytest.raises(DefinitionsError, match="byte 18 is not UTF-8"):
        read(project)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Treshold": 1}, "#/Treshold: Treshold is not a key that AWS knows here. Did you mean Threshold?"),
        ({"StateValue": "OK"}, "#/StateValue: StateValue is what AWS answers"),
        ({"AlarmArn": "arn:x"}, "#/AlarmArn: AlarmArn is what AWS answers"),
        ({"Period": 45}, "#/Period: 45 is not 10, 20, 30 or a multiple of 60"),
        ({"Period": "60"}, '#/Period: must be a number, not "60". Write it without quotes.'),
        ({"Period": True}, "#/Period: must be a number, not true"),
        ({"Period": 60.5}, "#/Period: must be a whole number"),
        ({"EvaluationPeriods": 0}, "#/EvaluationPeriods: 0 is below 1"),
        ({"DatapointsToAlarm": 6}, "#/DatapointsToAlarm: is above EvaluationPeriods, which is 5"),
        ({"Period": 1800, "EvaluationPeriods": 49}, "AWS looks back 86400 s at most"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "AWS looks back 604800 s at most"),
        ({"ComparisonOperator": "GreaterThan"}, "#/ComparisonOperator: "),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "does not fit an alarm with a Threshold"),
        ({"TreatMissingData": "notbreaching"}, "Did you mean notBreaching?"),
        ({"Unit": "ms"}, '#/Unit: "ms" is not known'),
        ({"Statistic": None}, "#/Statistic: must be text, not null"),
        ({"ExtendedStatistic": "p99"}, "needs exactly one of Statistic and ExtendedStatistic"),
        ({"AlarmActions": ["page"]}, '#/AlarmActions/0: "page" is not an ARN'),
        ({"AlarmActions": ["arn:a"] * 6}, "#/AlarmActions: holds 6, AWS takes 5 at most"),
        ({"AlarmDescription": "x" * 1025}, "#/AlarmDescription: is 1025 characters long"),
        ({"AlarmName": "a\nb"}, "is not a name without control characters"),
        ({"Namespace": ":Shop"}, "cannot begin with a colon"),
        ({"Dimensions": [{"Name": "Service"}]}, "#/Dimensions/0: Value is missing. Add Value."),
        ({"Tags": {"a": "b"}}, "#/Tags: must be a list"),
        ({"AlarmName": "practice-heartbeat"}, "the prefix practice- belongs to practice scale"),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:999999999999:page"]}, "names the account 999999999999"),
        ({"AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:page"]}, "names the Region eu-west-1"),
        ({"Metrics": []}, "watches exactly one of MetricName, Metrics, EvaluationCriteria"),
    ],
)
def test_a_wrong_field_of_an_alarm_is_told(
    complaints: Complaints, alarm: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    found = complaints({"alarms/a.json": alarm | change})
    assert any(line.startswith("alarms/a.json") and expected in line for line in found), found


@pytest.mark.parametrize("key", ["EvaluationPeriods", "ComparisonOperator", "Threshold", "Period", "Namespace"])
def test_a_missing_field_of_an_alarm_is_told(complaints: Complaints, alarm: dict[str, Any], key: str) -> None:
    del alarm[key]
    found = complaints({"alarms/a.json": alarm})
    assert any(key in line for line in found), found


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([{"Id": "a", "MetricStat": STAT}, {"Id": "a", "Expression": "a", "ReturnData": False}], "used twice"),
        ([{"Id": "a", "MetricStat": STAT}, {"Id": "b", "Expression": "a/2"}], "returns 2 series (a, b), not one"),
        ([{"Id": "a", "MetricStat": STAT, "ReturnData": False}], "returns 0 series"),
        ([{"Id": "A", "MetricStat": STAT}], "is not an id"),
        ([{"Id": "a"}], "needs exactly one of MetricStat and Expression"),
        ([{"Id": "a", "Expression": "1 +"}], "#/Metrics/0/Expression"),
        ([{"Id": "a", "Expression": "b * 2"}], "refers to b, which no query here has"),
        ([{"Id": "a", "Expression": "SEARCH('{Shop} Fault', 'Sum')"}], "an alarm cannot watch a SEARCH"),
        ([{"Id": "a", "MetricStat": STAT | {"Stat": "Summe"}}], '"Summe" is not a statistic'),
        (
            [{"Id": "a", "MetricStat": STAT}, {"Id": "b", "MetricStat": STAT | {"Period": 300}, "ReturnData": False}],
            "mixes the periods 60, 300",
        ),
        ([{"Id": f"m{i}", "MetricStat": STAT, "ReturnData": i == 0} for i in range(11)], "names 11 metrics"),
    ],
)
def test_wrong_metric_math_is_told(complaints: Complaints, metrics: list[Any], expected: str) -> None:
    found = complaints({"alarms/ratio.json": MATH | {"Metrics": metrics}})
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('ALARM("nobody")', "names nobody, which no file in alarms/ defines"),
        ("ALARM(heartbeat", "#/AlarmRule: "),
        ('ALARM("any")', "waits for itself: any -> any"),
        ("", "#/AlarmRule: is empty"),
    ],
)
def test_a_wrong_rule_is_told(complaints: Complaints, alarm: Any, rule: str, expected: str) -> None:
    found = complaints({"alarms/heartbeat.json": alarm, "alarms/any.json": composite("any", rule)})
    assert any(expected in line for line in found), found


def test_composites_that_wait_for_each_other_are_told(complaints: Complaints) -> None:
    (found,) = complaints({"alarms/a.json": composite("a", "ALARM(b)"), "alarms/b.json": composite("b", "ALARM(a)")})
    assert "waits for itself" in found


def test_a_suppressor_needs_both_of_its_waits(complaints: Complaints, alarm: Any) -> None:
    suppressed = composite("any", "ALARM(heartbeat)", ActionsSuppressor="heartbeat", ActionsSuppressorWaitPeriod=60)
    (found,) = complaints({"alarms/heartbeat.json": alarm, "alarms/any.json": suppressed})
    assert "ActionsSuppressor and ActionsSuppressorExtensionPeriod go together" in found


def test_a_name_defined_twice_is_told_with_both_files(complaints: Complaints, alarm: Any) -> None:
    (found,) = complaints({"alarms/a.json": alarm, "alarms/b.json": alarm})
    assert found == "alarms/b.json#/AlarmName: heartbeat is defined in alarms/a.json too. Rename one of them."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "#/widgets: must be a list"),
        ({"widgets": [], "title": "x"}, "#/title: title is not a key of a dashboard body"),
        ({"widgets": [7]}, "#/widgets/0: must be an object"),
        ({"widgets": [{"type": "graph", "properties": {}}]}, '"graph" is not a widget type'),
        ({"widgets": [{"type": "text", "properties": {}}]}, "a text widget needs markdown"),
        ({"widgets": [{"type": "text", "x": 0, "properties": {"markdown": ""}}]}, "x and y come together"),
        ({"widgets": [WIDE]}, "reaches beyond the grid's 24 columns"),
        ({"widgets": [WIDE | {"x": 24}]}, "#/widgets/0/x: must be a whole number from 0 to 23"),
        ({"widgets": [WIDE | {"colour": "red"}]}, "colour is not a key of a widget"),
        (metric_widget(), "draws either metrics or annotations.alarms"),
        (metric_widget(metrics=[["Shop", "Fault"]], view="gauge"), "a gauge needs min and max"),
        (metric_widget(metrics=[["Shop", "Fault"]], view="line"), '"line" is not a view'),
        (metric_widget(metrics=[["Shop", "Fault"]], yAxis=[]), "yAxis: must be an object, not []"),
        (metric_widget(metrics=[["Shop", "Fault", {"color": "red"}]]), '"red" is not a colour'),
        (metric_widget(metrics=[["Shop", "Fault", {"stat": "p101"}]]), '"p101" is not a statistic'),
        (metric_widget(metrics=[[{"expression": "m1/m2"}], ["Shop", "Fault", {"id": "m1"}]]), "refers to m2"),
        (metric_widget(metrics=[["a", "b", {"id": "m"}], ["a", "c", {"id": "m"}]]), "the id m is used twice"),
        (metric_widget(metrics=[["a", 7]]), "must be namespace, metric, dimensions"),
        (metric_widget(metrics=[[]]), "must be a list of rows"),
        ({"widgets": [{"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:1:alarm:a"]}}]}, None),
        (
            {"widgets": [{"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:999999999999:a"]}}]},
            "#/widgets/0/properties/alarms/0: names the account 999999999999",
        ),
    ],
)
def test_a_wrong_dashboard_is_told(complaints: Complaints, body: Any, expected: str | None) -> None:
    found = complaints({"dashboards/home.json": body})
    if expected is None:
        assert found == []
    else:
        assert any(line.startswith("dashboards/home.json") and expected in line for line in found), found


def test_a_dashboard_file_must_have_a_name_that_a_dashboard_can_have(complaints: Complaints, dashboard: Any) -> None:
    (found,) = complaints({"dashboards/my home.json": dashboard})
    assert "letters, digits, - and _ only" in found


def test_all_complaints_come_at_once_a_line_each(project: Path, complaints: Complaints, alarm: Any) -> None:
    complaints({"alarms/a.json": "{", "alarms/b.json": alarm | {"Period": 7, "Tresh": 1}, "dashboards/d.json": "[]"})
    with pytest.raises(DefinitionsError) as raised:
        read(project)
    lines = str(raised.value).splitlines()
    assert lines[0] == "3 complaints about the definitions:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "alarms/a.json",
        "alarms/b.json#/Tresh",
        "dashboards/d.json",
    ]


def test_a_project_without_the_folders_is_told(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="alarms/: no such folder"):
        read(tmp_path)


def math(expression: str, *more: dict[str, Any]) -> dict[str, Any]:
    watched = {"Id": "ratio", "Expression": expression, "ReturnData": True}
    return {**MATH, "Metrics": [watched, {"Id": "total", "MetricStat": STAT, "ReturnData": False}, *more]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUMM(total)", "there is no function SUMM (at character 1)"),
        ("SUM(total)", "the result is a single number, but it must be a time series"),
        ("[total, total]", "must give a single time series, not an array of them"),
        ("twice / 2", "the expressions need each other: ratio -> twice -> ratio"),
        ("total + 'a'", "alarms/ratio.json#/Metrics/0/Expression"),
    ],
)
def test_what_an_expression_means_is_judged_too(complaints: Complaints, expression: str, expected: str) -> None:
    more = [{"Id": "twice", "Expression": "2 * ratio", "ReturnData": False}] if "twice" in expression else []
    (found,) = complaints({"alarms/ratio.json": math(expression, *more)})
    assert found.startswith("alarms/ratio.json#/Metrics/0/Expression")
    assert expected in found


@pytest.mark.parametrize("expression", ["SERVICE_QUOTA(total)", "LAMBDA('f')", 'SELECT AVG(Latency) FROM "Shop"'])
def test_what_aws_knows_and_the_evaluation_here_does_not_is_let_through(
    complaints: Complaints, expression: str
) -> None:
    assert complaints({"alarms/ratio.json": math(expression)}) == []
