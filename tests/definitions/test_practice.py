"""Practice scale changes windows, names and the words for them, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions, at_practice_scale
from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.composite_rules import composite_flaws
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.practice import PREFIX, SENTENCE, renamed_rule
from kit.definitions.structure import flaws
from kit.evaluation.rule import parse_rule

WINDOWS = {
    *("Period", "period", "EvaluationInterval", "start"),
    *("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"),
}
WORDS = {"AlarmDescription", "Label", "label", "title", "markdown"}
NAMES = {"AlarmName", "AlarmRule", "ActionsSuppressor", "alarms"}

names = st.text(st.sampled_from('abc-XY 1()"\\'), min_size=1, max_size=8).filter(lambda name: name.strip() == name)
periods = st.sampled_from([10, 20, 30, 60, 120, 300, 600, 1200, 3600, 21_600])
words = st.sampled_from(["", "Over 1 h.", "Over 5 min and 30 d; 300 ms."])


@st.composite
def alarm_requests(draw: st.DrawFn, name: str) -> dict[str, Any]:
    period, statistic = draw(periods), draw(st.sampled_from(["Sum", "p99", "Average"]))
    metric = {"Namespace": "Shop", "MetricName": draw(st.sampled_from(["Fault", "1 h"]))}
    request: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": draw(words),
        "EvaluationPeriods": draw(st.integers(1, 4)),
        "Threshold": draw(st.floats(-10, 10)),
        "ComparisonOperator": "GreaterThanThreshold",
    }
    if draw(st.booleans()):
        stat = {"Metric": metric, "Period": period, "Stat": statistic}
        watched = {"Id": "e", "Expression": "IF(m > 21, m, 0)", "Label": draw(words)}
        return request | {"Metrics": [{"Id": "m", "MetricStat": stat, "ReturnData": False}, watched]}
    kind = "Statistic" if statistic != "p99" else "ExtendedStatistic"
    return request | metric | {"Period": period, kind: statistic}


@st.composite
def definitions(draw: st.DrawFn) -> Definitions:
    chosen = draw(st.lists(names, min_size=2, max_size=4, unique=True))
    alarms = tuple(AlarmFile(f"alarms/{i}.json", draw(alarm_requests(name))) for i, name in enumerate(chosen[1:]))
    children = draw(st.lists(st.sampled_from(chosen[1:]), min_size=1, max_size=3))
    rule = " OR ".join(f"ALARM({json.dumps(child)})" for child in children)
    composite: dict[str, Any] = {"AlarmName": chosen[0], "AlarmRule": rule}
    if draw(st.booleans()):
        wait = draw(st.integers(0, 900))
        composite |= {"ActionsSuppressor": chosen[1]}
        composite |= {"ActionsSuppressorWaitPeriod": wait, "ActionsSuppressorExtensionPeriod": 60}
    body = {
        "start": draw(st.sampled_from(["-PT3H", "-P7D"])),
        "widgets": [
            {"type": "text", "properties": {"markdown": draw(words)}},
            {
                "type": "metric",
                "properties": {
                    "title": draw(words),
                    "period": draw(periods),
                    "metrics": [["Shop", "1 h", "Service", "1 h", {"period": draw(periods), "label": draw(words)}]],
                },
            },
        ],
    }
    return Definitions(
        alarms, (CompositeFile("alarms/c.json", composite),), (DashboardFile("dashboards/d.json", "d", body),)
    )


def without_windows_and_names(value: Any) -> Any:
    if isinstance(value, dict):
        left = {k: without_windows_and_names(v) for k, v in value.items()}
        return {k: v for k, v in left.items() if k not in WINDOWS | WORDS | NAMES}
    return [without_windows_and_names(item) for item in value] if isinstance(value, list) else value


@given(definitions())
def test_only_windows_names_and_their_words_differ(production: Definitions) -> None:
    practice = at_practice_scale(production)
    before = [one.request for one in (*production.alarms, *production.composites)]
    after = [one.request for one in (*practice.alarms, *practice.composites)]
    assert without_windows_and_names(after) == without_windows_and_names(before)
    assert without_windows_and_names(practice.dashboards[0].body) == without_windows_and_names(
        production.dashboards[0].body
    )


@given(definitions())
def test_practice_scale_of_practice_scale_is_itself(production: Definitions) -> None:
    practice = at_practice_scale(production)
    assert at_practice_scale(practice) == practice


@given(definitions())
def test_every_name_and_description_says_practice(production: Definitions) -> None:
    practice = at_practice_scale(production)
    for before, after in zip(
        (*production.alarms, *production.composites), (*practice.alarms, *practice.composites), strict=True
    ):
        assert after.name == PREFIX + before.name
        assert after.request["AlarmDescription"].startswith(SENTENCE)
    assert practice.dashboards[0].name == "practice-d"
    assert practice.dashboards[0].body["widgets"][0]["properties"]["markdown"].endswith(f"*{SENTENCE}*")


@given(definitions())
def test_composites_name_their_children_at_practice_scale(production: Definitions) -> None:
    practice = at_practice_scale(production)
    assert practice.composites[0].children == {PREFIX + child for child in production.composites[0].children}
    assert practice.composites[0].needs <= practice.alarm_names


@given(definitions())
def test_aws_would_still_take_it(production: Definitions) -> None:
    practice = at_practice_scale(production)
    for alarm in practice.alarms:
        assert list(flaws(METRIC_ALARM, alarm.request)) == []
        assert list(alarm_flaws(alarm.request)) == []
    for composite in practice.composites:
        assert list(flaws(COMPOSITE_ALARM, composite.request)) == []
        assert list(composite_flaws(composite.request)) == []


@given(definitions())
def test_the_production_set_is_left_alone(production: Definitions) -> None:
    before = json.dumps([one.request for one in production.alarms] + [production.dashboards[0].body])
    at_practice_scale(production)
    assert json.dumps([one.request for one in production.alarms] + [production.dashboards[0].body]) == before


@pytest.mark.parametrize(
    ("rule", "practice"),
    [
        ('ALARM("a") AND NOT OK("b")', 'ALARM("practice-a") AND NOT OK("practice-b")'),
        ("ALARM(a) OR TRUE", 'ALARM("practice-a") OR TRUE'),
        ("ALARM( a )", 'ALARM( "practice-a" )'),
        ("ALARM(other)", "ALARM(other)"),
        ("AT_LEAST(2, ALARM, (a, b, other))", 'AT_LEAST(2, ALARM, ("practice-a", "practice-b", other))'),
        ("AT_LEAST(50%, NOT OK, (a, b))", 'AT_LEAST(50%, NOT OK, ("practice-a", "practice-b"))'),
        ("ALARM(OK) AND OK(a)", 'ALARM("practice-OK") AND OK("practice-a")'),
        ("ALARM(ab) AND ALARM(a)", 'ALARM(ab) AND ALARM("practice-a")'),
    ],
)
def test_a_rule_is_renamed_where_it_names_alarms_and_nowhere_else(rule: str, practice: str) -> None:
    known = {"a", "b", "OK"}
    new = renamed_rule(rule, lambda name: PREFIX + name if name in known else name)
    assert new == practice
    parse_rule(new)


def test_alarm_arns_of_the_set_are_renamed_and_others_are_not() -> None:
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
    body = {
        "widgets": [
            {"type": "alarm", "properties": {"alarms": [f"{arn}mine", f"{arn}other"]}},
            {"type": "metric", "properties": {"annotations": {"alarms": [f"{arn}mine"]}}},
        ]
    }
    production = Definitions(
        alarms=(AlarmFile("alarms/mine.json", {"AlarmName": "mine"}),),
        dashboards=(DashboardFile("dashboards/d.json", "d", body),),
    )
    alarms, metric = at_practice_scale(production).dashboards[0].body["widgets"]
    assert alarms["properties"]["alarms"] == [f"{arn}practice-mine", f"{arn}other"]
    assert metric["properties"]["annotations"]["alarms"] == [f"{arn}practice-mine"]


@pytest.mark.parametrize(("production", "practice"), [(0, 0), (10, 10), (60, 60), (90, 61), (1800, 118), (21_600, 778)])
def test_of_a_wait_the_minute_between_two_evaluations_stays(production: int, practice: int) -> None:
    waits = {"ActionsSuppressorWaitPeriod": production, "ActionsSuppressorExtensionPeriod": production}
    request = {"AlarmName": "c", "AlarmRule": "ALARM(a)", "ActionsSuppressor": "a", **waits}
    alarms = (AlarmFile("alarms/a.json", {"AlarmName": "a"}),)
    (composite,) = at_practice_scale(Definitions(alarms, (CompositeFile("alarms/c.json", request),))).composites
    assert {composite.request[key] for key in waits} == {practice}


def test_one_number_for_a_whole_range_is_of_the_divided_range() -> None:
    single = {"start": "-PT1H", "setPeriodToTimeRange": True, "period": 300, "title": "Burn over 1 h"}
    body = {"start": "-PT1H", "widgets": [{"type": "metric", "properties": single}]}
    (board,) = at_practice_scale(Definitions(dashboards=(DashboardFile("dashboards/d.json", "d", body),))).dashboards
    properties = board.body["widgets"][0]["properties"]
    assert (properties["start"], properties["title"]) == ("-PT2M", "Burn over 2 min")
    assert board.body["start"] == "-PT15M"
