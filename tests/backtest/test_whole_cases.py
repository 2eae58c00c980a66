"""Cases from beginning to end: what arrives, and what the alarms make of it at which moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from kit.backtest.outcome import Outcome, run_case

Run = Callable[..., Outcome]
TOPIC = "arn:aws:sns:eu-west-3:999988887777:oncall"


def values(text: str, metric: str = "App/Errors", **more: Any) -> dict[str, Any]:
    return {"metric": metric, "values": text, **more}


def line(states: str, alarm: str = "errors", **more: Any) -> dict[str, Any]:
    return {"alarm": alarm, "states": states, **more}


def told(outcome: Outcome) -> list[str]:
    return [f"{failed.failure.expected.text}: {failed.failure.got}" for failed in outcome.failed]


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        ("missing", "Ix3 ALARM OKx5 Ix2"),
        ("ignore", "Ix3 ALARM OKx7"),
        ("breaching", "I ALARMx3 OKx5 ALARMx2"),
        ("notBreaching", "I OKx2 ALARM OKx7"),
    ],
)
def test_each_missing_data_policy_gives_its_own_line(
    outcome: Run, errors: dict[str, Any], policy: str, states: str
) -> None:
    alarm = errors | {"EvaluationPeriods": 3, "TreatMissingData": policy}
    assert told(outcome([alarm], [values("9x3 0 _x6")], [line(states)])) == []


def test_an_alarm_fires_at_exactly_the_tick_after_the_value_that_crosses(outcome: Run, errors: dict[str, Any]) -> None:
    alarm = errors | {"Threshold": 10, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}

    def between(first: str, last: str) -> list[str]:
        expect = [{"alarm": "errors", "becomes": "ALARM", "between": [first, last]}]
        return told(outcome([alarm], [values("0+2x10")], expect))

    assert between("6m", "6m") == between("5m", "6m") == between("6m", "7m") == []
    assert between("5m", "5m") == ["becomes ALARM between 5m and 5m: it became ALARM at 6m"]
    assert between("7m", "9m") == ["becomes ALARM between 7m and 9m: it became ALARM at 6m"]


def test_a_window_of_five_minutes_slides_by_one(outcome: Run, errors: dict[str, Any]) -> None:
    alarm = errors | {"Period": 300, "Threshold": 100}
    result = outcome([alarm], [values("0x10 30x5 0x5")], [line("I OKx13 ALARMx3 OKx4")])
    assert told(result) == []


def test_a_period_below_a_minute_is_evaluated_every_ten_seconds(outcome: Run, errors: dict[str, Any]) -> None:
    alarm = errors | {"Period": 20}
    result = outcome([alarm], [values("0x3 3x3 0x3")], [line("I OKx4 ALARMx2 OKx3")], interval="10s")
    assert told(result) == []


def test_a_composite_follows_its_children_in_the_same_tick(outcome: Run, errors: dict[str, Any]) -> None:
    quick = errors | {"AlarmName": "quick", "MetricName": "Quick", "Period": 10}
    both = {"AlarmName": "both", "AlarmRule": 'ALARM("errors") AND ALARM(quick)', "AlarmActions": [TOPIC]}
    above = {"AlarmName": "above", "AlarmRule": "NOT ALARM(both)", "AlarmActions": [TOPIC]}
    series = [values("0x12 2x6", "App/Errors"), values("0x7 9x8 0x3", "App/Quick")]
    expect = [
        line("I OKx2 ALARM", every="1m"),
        line("I OKx7 ALARMx8 OKx3", "quick"),
        line("Ix6 OKx13", "both"),
        line("Ix6 ALARMx13", "above"),
        {"alarm": "above", "becomes": "ALARM", "actions": 1},
    ]
    assert told(outcome([errors, quick, both, above], series, expect, interval="10s")) == []
    series = [values("0x12 2x6", "App/Errors"), values("0x15 9x8", "App/Quick")]
    expect = [
        {"alarm": "both", "becomes": "ALARM", "between": ["3m", "3m"], "actions": 1},
        {"alarm": "above", "becomes": "OK", "between": ["3m", "3m"]},
    ]
    assert told(outcome([errors, quick, both, above], series, expect, interval="10s")) == []


def test_a_percentile_alarm_takes_samples(outcome: Run, errors: dict[str, Any]) -> None:
    slow = {key: value for key, value in errors.items() if key != "Statistic"}
    slow |= {"AlarmName": "slow", "MetricName": "Latency", "ExtendedStatistic": "p90", "Threshold": 250}
    one, two = [100] * 9 + [300], [100] * 8 + [300] * 2
    series = [{"metric": "App/Latency", "samples": [one, two, one, []]}]
    assert told(outcome([slow], series, [line("I OK ALARM OKx2", "slow")])) == []
    # 10 / (1 - 0.9) samples are needed, and 10 are there: the state is kept.
    few = slow | {"EvaluateLowSampleCountPercentile": "ignore"}
    assert told(outcome([few], series, [line("Ix5", "slow")])) == []


def test_samples_answer_every_statistic(outcome: Run, errors: dict[str, Any]) -> None:
    alarms = [
        errors | {"AlarmName": stat, "Statistic": stat, "Threshold": threshold}
        for stat, threshold in [("SampleCount", 2), ("Sum", 29), ("Average", 9), ("Minimum", 4), ("Maximum", 14)]
    ]
    series = [{"metric": "App/Errors", "samples": [[1, 1], [15, 10, 5], []]}]
    expect = [line("I OK ALARMx2", alarm["AlarmName"]) for alarm in alarms]
    assert told(outcome(alarms, series, expect)) == []


@pytest.mark.parametrize(("stat", "three"), [("Average", 6), ("Minimum", 3), ("Maximum", 9), ("SampleCount", 18)])
def test_values_may_be_another_statistic_than_the_sum(
    outcome: Run, errors: dict[str, Any], stat: str, three: float
) -> None:
    alarm = errors | {"Statistic": stat, "Period": 180, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    for threshold, state in [(three, "ALARM"), (three + 0.5, "OK")]:
        expect = [{"alarm": "errors", "is": state, "at": "3m"}]
        assert told(outcome([alarm | {"Threshold": threshold}], [values("3 9 6", stat=stat)], expect)) == []


def test_metric_math_is_evaluated_as_cloudwatch_does(outcome: Run, errors: dict[str, Any]) -> None:
    def metric(name: str) -> dict[str, Any]:
        return {"Metric": {"Namespace": "App", "MetricName": name}, "Period": 60, "Stat": "Sum"}

    shared = {key: errors[key] for key in ("AlarmName", "EvaluationPeriods", "ComparisonOperator")}
    queries = [
        {"Id": "rate", "Expression": "IF(hits > 10, 100 * bad / hits, 0)"},
        {"Id": "bad", "MetricStat": metric("Errors"), "ReturnData": False},
        {"Id": "hits", "MetricStat": metric("Hits"), "ReturnData": False},
    ]
    series = [values("1 1 5 _"), values("10 20 20 20", "App/Hits")]
    # A missing number of errors is 0 in arithmetic, so the last minute is fine.
    assert told(outcome([shared | {"Threshold": 5, "Metrics": queries}], series, [line("I OKx2 ALARM OK")])) == []


def test_actions_count_changes_that_ran_some(outcome: Run, errors: dict[str, Any]) -> None:
    series = [values("0 9 9 0 9 0")]
    assert told(outcome([errors], series, [{"alarm": "errors", "becomes": "ALARM", "actions": 2}])) == []
    assert told(outcome([errors], series, [{"alarm": "errors", "actions": 2}])) == []
    wrong = outcome([errors], series, [{"alarm": "errors", "actions": 1}])
    assert told(wrong) == ["actions 1: its actions ran 2 times, at 2m, 5m"]
    both = errors | {"OKActions": [TOPIC]}
    assert told(outcome([both], series, [{"alarm": "errors", "actions": 5}])) == []
    off = both | {"ActionsEnabled": False}
    assert told(outcome([off], series, [{"alarm": "errors", "becomes": "ALARM", "actions": 0}])) == []


@pytest.mark.parametrize(
    ("deploying", "actions"),
    [
        ("0x9", ["4m"]),  # the WaitPeriod ends a minute after the change
        ("0 1x8", []),
        ("0 1x3 0x5", ["6m"]),  # the ExtensionPeriod ends a minute after the suppressor's recovery
        ("0x3 1x6", []),  # the suppressor alarms in the last moment of the WaitPeriod
    ],
)
def test_a_suppressor_holds_actions_back(
    outcome: Run, errors: dict[str, Any], deploying: str, actions: list[str]
) -> None:
    deploy = errors | {"AlarmName": "deploy", "MetricName": "Deploying", "Threshold": 0, "AlarmActions": []}
    page = {
        "AlarmName": "page",
        "AlarmRule": "ALARM(errors)",
        "AlarmActions": [TOPIC],
        "ActionsSuppressor": "deploy",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 60,
    }
    series = [values("0x2 9x7"), values(deploying, "App/Deploying")]
    expect = [{"alarm": "page", "becomes": "ALARM", "between": ["3m", "3m"], "actions": 9}]
    times = f"{len(actions)} times" if len(actions) != 1 else "once"
    when = f", at {', '.join(actions)}" if actions else ""
    found = told(outcome([errors, deploy, page], series, expect))
    assert found == [f"becomes ALARM between 3m and 3m, actions 9: its actions ran {times}{when}"]


def test_stays_begins_with_the_first_evaluation_and_never_with_the_start(outcome: Run, errors: dict[str, Any]) -> None:
    series = [values("0x3 9 0x3")]
    for expect in (
        {"alarm": "errors", "stays": "OK", "between": ["0", "3m"]},
        {"alarm": "errors", "stays": "OK", "between": ["5m", "7m"]},
        {"alarm": "errors", "stays": "ALARM", "between": ["4m", "4m"]},
        {"alarm": "errors", "never": "INSUFFICIENT_DATA"},
        {"alarm": "errors", "never": "ALARM", "between": ["5m", "7m"]},
    ):
        assert told(outcome([errors], series, [expect])) == []
    assert told(outcome([errors], series, [{"alarm": "errors", "stays": "OK"}])) == ["stays OK: it is ALARM at 4m"]
    assert told(outcome([errors], series, [{"alarm": "errors", "never": "ALARM"}])) == [
        "never ALARM: it is ALARM at 4m"
    ]
    late = errors | {"Period": 3600, "EvaluationPeriods": 48}
    found = outcome([late], [values("0x90")], [{"alarm": "errors", "stays": "OK", "between": ["0", "5m"]}])
    assert told(found) == ["stays OK between 0 and 5m: it was not evaluated until 5m"]


def test_a_line_that_went_otherwise_is_told_whole(outcome: Run, errors: dict[str, Any]) -> None:
    found = told(outcome([errors], [values("0 9 0")], [line("I OKx3")]))
    assert found == ["states I OKx3 every 1m: it went I OK ALARM OK; at 2m it is ALARM, not OK"]


def test_a_case_can_say_when_it_begins(outcome: Run, errors: dict[str, Any]) -> None:
    night = {
        "AlarmName": "night",
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "Metrics": [
            {"Id": "quiet", "Expression": "IF(HOUR(m) >= 8, m, 0)"},
            {
                "Id": "m",
                "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"},
                "ReturnData": False,
            },
        ],
    }
    expect = [line("I OKx2 ALARMx2", "night")]
    assert told(outcome([night], [values("9x4")], expect, starts="2026-03-02T07:58:00Z")) == []


def test_a_failure_shows_what_arrived_the_window_the_filled_points_and_the_verdict(
    outcome: Run, errors: dict[str, Any]
) -> None:
    alarm = errors | {"EvaluationPeriods": 3, "DatapointsToAlarm": 2, "TreatMissingData": "breaching"}
    found = outcome([alarm], [values("9 0 _x3")], [{"alarm": "errors", "is": "OK", "at": "5m"}])
    ((failed,),) = [found.failed]
    (picture,) = failed.pictures
    assert picture.columns == ("App/Errors",)
    (row,) = [row for row in picture.rows if row.here]
    assert (row.time, row.cells, row.verdict) == ("5m", ("_",), "ALARM")
    assert (row.window, row.filled, row.breaching) == ("9! 0 (_) (_) _→breaching", "1", "1 of 2")
    assert "1 missing and counted as breaching; 2 needed: ALARM" in picture.why


def test_the_picture_of_a_composite_has_its_children_and_their_windows(outcome: Run, errors: dict[str, Any]) -> None:
    page = {"AlarmName": "page", "AlarmRule": "ALARM(errors) OR TRUE"}
    found = outcome([errors, page], [values("0x3")], [{"alarm": "page", "is": "OK", "at": "2m"}])
    top, below = found.failed[0].pictures
    assert (top.alarm, top.columns, top.rows[1].cells, top.rows[1].verdict) == ("page", ("errors",), ("OK",), "ALARM")
    assert (below.alarm, below.condition) == (
        "errors",
        "Sum of App/Errors > 5 in 1 of 1 periods of 60 s, missing data: missing",
    )


def test_three_hundred_cases_of_two_hours_take_seconds(read: Any, errors: dict[str, Any]) -> None:
    alarm = errors | {"Period": 300, "EvaluationPeriods": 12}
    cases = [
        {"name": f"case {n}", "series": [values(f"{n % 7}x120")], "expect": [{"alarm": "errors", "never": "ALARM"}]}
        for n in range(300)
    ]
    began = time.process_time()
    file = read([alarm | {"Threshold": 100}], cases)
    assert all(run_case(file, case).passed for case in file.cases)
    assert time.process_time() - began < 15
