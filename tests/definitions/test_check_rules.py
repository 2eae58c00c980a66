"""Each rule of `kit check` has a bad example that it catches, and a near miss that it lets pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kit.definitions.checks import all_rules, check

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "service/telemetry/catalogue.json"
ARN = "arn:aws:sns:us-east-1:123456789012:page"
TICKET = "arn:aws:sns:us-east-1:123456789012:ticket"
SHOP = [{"Name": "Service", "Value": "shop"}, {"Name": "Environment", "Value": "production"}]
CHECKOUT = [*SHOP, {"Name": "Operation", "Value": "POST /checkout"}]
TAGS = {"kit:set": "shop", "kit:owner": "us", "kit:severity": "page"}

Files = Mapping[str, Any]


def metric(name: str = "InFlight", **changed: Any) -> dict[str, Any]:
    """A sound alarm on one metric of the shop."""
    request = {
        "AlarmName": "a",
        "Namespace": "Shop",
        "MetricName": name,
        "Dimensions": SHOP,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [ARN],
        **changed,
    }
    return {key: value for key, value in request.items() if value is not None}


def gameday(**changed: Any) -> str:
    """A sound scenario, as text."""
    scenario = {
        "name": "g",
        **dict.fromkeys(("summary", "hypothesis", "lesson"), "x"),
        "load": {"users": 40},
        "schedule": [{"at": 60, "fault": "noop"}, {"at": 500, "end": True}],
        "expect": [{"alarm": "a", "never": True}],
        "first_signal": {"metric": "Fault"},
        "hints": [],
        "answers": {"where": "shop", "what": "x"},
        **changed,
    }
    return json.dumps({key: value for key, value in scenario.items() if value is not None})


def math(expression: str, metrics: Mapping[str, str] | None = None, **changed: Any) -> dict[str, Any]:
    """A sound alarm on an expression of checkout's counters; ``metrics`` is id: name."""
    metrics = metrics or {"bad": "Fault", "total": "Requests"}
    stats = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "Shop", "MetricName": of, "Dimensions": CHECKOUT},
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for name, of in metrics.items()
    ]
    request = metric(
        Metrics=[{"Id": "e", "Expression": expression, "ReturnData": True}, *stats],
        EvaluationPeriods=1,
        Threshold=0.144,
    )
    for key in ("Namespace", "MetricName", "Dimensions", "Statistic", "Period"):
        del request[key]
    return {**request, **changed}


def composite(rule: str, name: str = "c", **changed: Any) -> dict[str, Any]:
    return {"AlarmName": name, "AlarmRule": rule, "AlarmActions": [ARN], **changed}


def tagged(request: dict[str, Any], **tags: str | None) -> dict[str, Any]:
    """With this kit's tags, and a runbook."""
    given = {**TAGS, **{key.replace("_", ":"): value for key, value in tags.items()}}
    return {
        "AlarmDescription": "Too many. Runbook: https://example.org/run",
        **request,
        "Tags": [{"Key": key, "Value": value} for key, value in given.items() if value is not None],
    }


def board(*widgets: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"widgets": list(widgets), **top}


def graph(*rows: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"region": "us-east-1", "metrics": list(rows), **properties}}


def placed(x: int, y: int, **more: Any) -> dict[str, Any]:
    return {"type": "text", "x": x, "y": y, "width": 6, "height": 3, "properties": {"markdown": "Hello"}, **more}


FLIGHT = ["Shop", "InFlight", "Service", "shop", "Environment", "production"]
GUARDED = "IF(total > 21, bad/total, 0)"
WAITS = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 60}
A, B = "alarms/a.json", "alarms/b.json"
ALARM_TILE = {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:b"]}}


def logs(query: str) -> dict[str, Any]:
    return {"type": "log", "properties": {"region": "us-east-1", "query": query}}


def search(text: str) -> dict[str, Any]:
    return {"expression": f"SEARCH('{text}', 'Sum')"}


def allowing(rule: str) -> str:
    return f"allow:\n- {{rule: {rule}, files: '*', why: so be it}}\n"


def two(first: dict[str, Any], second: dict[str, Any]) -> Files:
    return {A: first, B: {**second, "AlarmName": "b"}}


# rule: (bad files, near miss), each by file name
CASES: dict[str, tuple[Files, Files]] = {
    "file/unreadable": ({A: '{"AlarmName": "a",}'}, {A: metric()}),
    "file/unknown": ({"package.json": {"name": "x"}}, {"package.json": metric()}),
    "alarm/refused": ({A: metric(Period=7)}, {A: metric(Period=20, Namespace="Other")}),
    "composite/refused": ({A: metric(), B: composite("ALARM(a")}, {A: metric(), B: composite("ALARM(a)")}),
    "dashboard/refused": ({"d.json": board({"type": "graph"})}, {"d.json": board(graph(FLIGHT))}),
    "alarm/never-fires": ({A: math(GUARDED, Threshold=1)}, {A: math(GUARDED, Threshold=0.99)}),
    "alarm/always-fires": (
        {A: metric(Threshold=0, ComparisonOperator="GreaterThanOrEqualToThreshold")},
        {A: metric(Threshold=0, ComparisonOperator="GreaterThanOrEqualToThreshold", Statistic="SampleCount")},
    ),
    "alarm/silence-is-fine": (
        {A: metric("Heartbeat", Statistic="Sum", ComparisonOperator="LessThanThreshold", TreatMissingData="missing")},
        {A: metric("Heartbeat", Statistic="Sum", ComparisonOperator="LessThanThreshold", TreatMissingData="breaching")},
    ),
    "alarm/dynamodb-missing": (
        {A: metric(Namespace="AWS/DynamoDB", TreatMissingData="breaching")},
        {A: metric(Namespace="AWS/DynamoDB", TreatMissingData="ignore")},
    ),
    "metric/unknown": ({A: metric("InFlights")}, {A: metric("InFlights", Namespace="AWS/EC2")}),
    "metric/dimensions": ({A: metric(Dimensions=CHECKOUT)}, {A: metric("Requests", Dimensions=CHECKOUT)}),
    "metric/unit": ({A: metric(Unit="Bytes")}, {A: metric(Unit="Count")}),
    "metric/unit-pinned": (
        {A: metric(Namespace="Mine", Unit="Bytes")},
        {A: metric(Namespace="AWS/EC2", Unit="Bytes")},
    ),
    "alarm/resolution": (
        {A: metric(Period=10)},
        {A: metric("Requests", Dimensions=CHECKOUT, Period=10)},
    ),
    "widget/resolution": (
        {"d.json": board(graph(FLIGHT, period=30))},
        {"d.json": board(graph(FLIGHT, period=60))},
    ),
    "alarm/thin-traffic": ({A: math("IF(total > 5, bad/total, 0)")}, {A: math("IF(total > 6, bad/total, 0)")}),
    "alarm/thin-percentile": (
        {A: metric("Latency", Statistic=None, ExtendedStatistic="p99", EvaluationPeriods=1)},
        {A: metric("Latency", Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore")},
    ),
    "alarm/one-failure": (
        {A: metric("Fault", Statistic="Sum", Threshold=0, EvaluationPeriods=1)},
        {A: metric("Fault", Statistic="Sum", Threshold=1, EvaluationPeriods=1)},
    ),
    "alarm/whole-range": (
        {A: math("IF(total > MAX(total)/2, bad, 0)")},
        {A: math("MAX([total, bad])", Threshold=5)},
    ),
    "alarm/fill-pins": (
        {A: math("FILL(bad, 0)", {"bad": "Fault"}, EvaluationPeriods=3)},
        {A: math("FILL(bad, 0)", {"bad": "Fault"}, EvaluationPeriods=3, DatapointsToAlarm=2)},
    ),
    "alarm/unused-id": (
        {A: math("bad", {"bad": "Fault", "total": "Requests"})},
        {A: math("METRICS()", Threshold=5) | {"Metrics": math("SUM(METRICS())")["Metrics"]}},
    ),
    "widget/unused-id": (
        {"d.json": board(graph(FLIGHT, [*FLIGHT, {"id": "m", "visible": False}]))},
        {"d.json": board(graph([{"expression": "m*2"}], [*FLIGHT, {"id": "m", "visible": False}]))},
    ),
    "composite/unknown-alarm": (
        {A: metric(), B: composite("ALARM(a) OR ALARM(z)")},
        {A: metric(), B: composite("ALARM(a) OR ALARM(arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a)")},
    ),
    "composite/ring": (
        {A: composite("ALARM(d)"), B: composite("ALARM(c)", "d")},
        {A: composite("ALARM(d)"), B: composite("FALSE", "d")},
    ),
    "composite/never-true": (
        {A: metric(), B: composite("ALARM(a) AND OK(a)")},
        {A: metric(), B: composite("ALARM(a) OR OK(a)")},
    ),
    "composite/always-true": (
        {A: metric(), B: composite("ALARM(a) OR NOT ALARM(a)")},
        {A: metric(), B: composite("ALARM(a) OR OK(a)")},
    ),
    "composite/too-many-parents": (
        {A: metric(), **{f"{n}.json": composite("ALARM(a)", f"c{n}") for n in range(151)}},
        {A: metric(), **{f"{n}.json": composite("ALARM(a)", f"c{n}") for n in range(150)}},
    ),
    "alarm/nobody-told": (
        {A: metric(ActionsEnabled=False)},
        {A: metric(AlarmActions=None), B: composite("ALARM(a)")},
    ),
    "composite/child-acts": (
        {A: metric(), B: composite("ALARM(a)")},
        {A: metric(), B: composite("NOT ALARM(a)")},
    ),
    "set/two-pages": (
        two(math(GUARDED), math("IF(total > 9, bad, 0)", Threshold=9)),
        two(math(GUARDED), math("IF(total > 21, slow/total, 0)", {"slow": "Slow", "total": "Requests"})),
    ),
    "alarm/owner": ({A: tagged(metric(), kit_owner=None)}, {A: tagged(metric())}),
    "alarm/severity": ({A: tagged(metric(), kit_severity="ticket")}, {A: tagged(metric(), kit_severity="page")}),
    "alarm/runbook": (
        {A: tagged(metric(AlarmDescription="Too many."))},
        {A: metric(AlarmDescription="Too many.")},
    ),
    "alarm/runbook-not-there": (
        {A: metric(AlarmDescription="Runbook: docs/lost.md")},
        {A: metric(AlarmDescription="Runbook: docs/run.md#first."), "docs/run.md": "# Run"},
    ),
    "set/reserved-prefix": ({A: tagged(metric(AlarmName="practice-a"))}, {A: tagged(metric(AlarmName="a-practice-"))}),
    "set/stand-in": (
        {A: tagged(metric(AlarmActions=[ARN.replace("123456789012", "999999999999")]))},
        {A: tagged(metric())},
    ),
    "set/name-twice": ({A: metric(), B: metric()}, {A: metric(), "a.json": board(placed(0, 0))}),
    "dashboard/name": ({"a b.json": board(placed(0, 0))}, {"a_b.json": board(placed(0, 0))}),
    "widget/shows-nothing": (
        {"d.json": board(graph([*FLIGHT, {"visible": False}]))},
        {"d.json": board(graph([*FLIGHT, {"visible": True}]))},
    ),
    "widget/unknown-property": (
        {"d.json": board(graph(FLIGHT, tittle="x"))},
        {"d.json": board(graph(FLIGHT, title="x"))},
    ),
    "widget/overlap": (
        {"d.json": board(placed(0, 0), placed(5, 2))},
        {"d.json": board(placed(0, 0), placed(6, 0), placed(0, 3))},
    ),
    "widget/unknown-alarm": (
        {A: metric(), "d.json": board(ALARM_TILE)},
        {A: metric(AlarmName="b"), "d.json": board(ALARM_TILE)},
    ),
    "widget/unknown-logs": (
        {A: tagged(metric()), "d.json": board(logs("SOURCE '/shop/logs' | fields @message"))},
        {A: tagged(metric()), "d.json": board(logs("SOURCE '/shop/production/shop/logs' | fields @message"))},
    ),
    "widget/period-range": (
        {"d.json": board(graph(FLIGHT, period=60), start="-P30D", periodOverride="inherit")},
        {"d.json": board(graph(FLIGHT, period=60), start="-P30D")},
    ),
    "widget/search-finds-nothing": (
        {"d.json": board(graph([search('{Shop,Service} MetricName="InFlight"')]))},
        {"d.json": board(graph([search('{Shop,Service,Environment} MetricName="InFlight"')]))},
    ),
    "config/unused-allowance": (
        {A: metric(), ".kit-check.yaml": allowing("alarm/one-failure")},
        {A: metric(ActionsEnabled=False), ".kit-check.yaml": allowing("alarm/nobody-told")},
    ),
    "gameday/unreadable": (
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday(lesson=None)},
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday()},
    ),
    "gameday/unknown": (
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday(expect=[{"alarm": "b", "never": True}])},
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday(expect=[{"alarm": "a", "never": True}])},
    ),
    # three datapoints of a minute, one that may not count, the tick and the flush
    "gameday/bound": (
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday(expect=[{"alarm": "a", "fires_within": 359}])},
        {"alarms/a.json": metric(), "gamedays/g.yaml": gameday(expect=[{"alarm": "a", "fires_within": 360}])},
    ),
}

Found = Callable[[Files], dict[str, list[str]]]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Write the files, check them, and give what was found by rule."""

    def look(files: Files) -> dict[str, list[str]]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        by_rule: dict[str, list[str]] = {}
        for one in check([tmp_path], tmp_path, catalogue=CATALOGUE).findings:
            by_rule.setdefault(one.rule, []).append(str(one))
        return by_rule

    return look


def test_every_rule_has_a_bad_example_and_a_near_miss() -> None:
    assert CASES.keys() == all_rules().keys()


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_catches_its_bad_example(found: Found, rule: str) -> None:
    told = found(CASES[rule][0])
    assert rule in told
    assert all(line.startswith(f"{all_rules()[rule].severity}: ") for line in told[rule])


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_lets_its_near_miss_pass(found: Found, rule: str) -> None:
    assert rule not in found(CASES[rule][1])
