"""The wording: User Guide, "Alarm events and EventBridge", and what published notifications look like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.evaluation.alarm import AlarmDefinition, AlarmState, Window, evaluate
from kit.evaluation.reason import long_date, number
from kit.evaluation.series import Series
from kit.evaluation.state import StateValue

START = 1_795_341_600  # 2026-11-22T10:00:00Z


def alarm(n: int, m: int | None = None, **more: Any) -> AlarmDefinition:
    given: dict[str, Any] = {
        "AlarmName": "a",
        "Namespace": "Test",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": n,
        "DatapointsToAlarm": m,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10,
    }
    return AlarmDefinition.from_api(given | more)


def reason(definition: AlarmDefinition, *values: float | None, before: StateValue = "OK") -> str:
    window = Window(Series(START, 60, values))
    return evaluate(definition, window, AlarmState(before), START + 60 * len(values)).reason


def test_m_out_of_n_to_alarm_lists_the_breaching_points_newest_first() -> None:
    assert reason(alarm(5, 3), None, None, 12, 1, 13.5, 2, 14) == (
        "Threshold Crossed: 3 out of the last 5 datapoints "
        "[14.0 (22/11/26 10:06:00), 13.5 (22/11/26 10:04:00), 12.0 (22/11/26 10:02:00)] "
        "were greater than the threshold (10.0) (minimum 3 datapoints for OK -> ALARM transition)."
    )


def test_m_out_of_n_to_ok_lists_the_points_within_and_how_many_it_takes() -> None:
    assert reason(alarm(5, 3), None, None, 12, 1, 13, 2, 0, before="ALARM") == (
        "Threshold Crossed: 3 out of the last 5 datapoints "
        "[0.0 (22/11/26 10:06:00), 2.0 (22/11/26 10:05:00), 1.0 (22/11/26 10:03:00)] "
        "were not greater than the threshold (10.0) (minimum 3 datapoints for ALARM -> OK transition)."
    )


def test_one_point_was_and_without_datapoints_to_alarm_no_minimum_is_told() -> None:
    assert reason(alarm(1), None, None, 12) == (
        "Threshold Crossed: 1 datapoint [12.0 (22/11/26 10:02:00)] was greater than the threshold (10.0)."
    )
    assert reason(alarm(1, 1), None, None, 12) == (
        "Threshold Crossed: 1 out of the last 1 datapoints [12.0 (22/11/26 10:02:00)] "
        "was greater than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_from_five_points_on_only_the_newest_are_listed_in_a_sentence_of_their_own() -> None:
    listed = ", ".join(
        f"{value}.0 (22/11/26 10:0{minute}:00)"
        for value, minute in zip((27, 26, 25, 24, 23), (7, 6, 5, 4, 3), strict=True)
    )
    values = (None, None, 22, 23, 24, 25, 26, 27)
    assert reason(alarm(6), *values) == (
        "Threshold Crossed: 6 datapoints were greater than the threshold (10.0). "
        f"The most recent datapoints which crossed the threshold: [{listed}]."
    )
    assert reason(alarm(6, 6), *values) == (
        "Threshold Crossed: 6 out of the last 6 datapoints were greater than the threshold (10.0). "
        f"The most recent datapoints which crossed the threshold: [{listed}] "
        "(minimum 6 datapoints for OK -> ALARM transition)."
    )


def test_filled_points_are_told_with_their_policy() -> None:
    quiet: dict[str, Any] = {"TreatMissingData": "notBreaching"}
    loud: dict[str, Any] = {"TreatMissingData": "breaching"}
    assert reason(alarm(1, 1, **quiet), None, None, None, before="ALARM") == (
        "Threshold Crossed: no datapoints were received for 1 period "
        "and 1 missing datapoint was treated as [NonBreaching]."
    )
    assert reason(alarm(3, **loud), *[None] * 5) == (
        "Threshold Crossed: no datapoints were received for 3 periods "
        "and 3 missing datapoints were treated as [Breaching]."
    )
    assert reason(alarm(3, 2, **loud), None, None, None, None, 1) == (
        "Threshold Crossed: 1 datapoint was received for 3 periods "
        "and 2 missing datapoints were treated as [Breaching]."
    )
    assert reason(alarm(3, 1, **quiet), None, None, None, None, 99) == (
        "Threshold Crossed: 1 out of the last 3 datapoints [99.0 (22/11/26 10:04:00)] was greater than the threshold "
        "(10.0) and 2 missing datapoints were treated as [NonBreaching] "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_insufficient_data_counts_the_periods() -> None:
    assert reason(alarm(1), None, None, None) == "Insufficient Data: 1 datapoint was unknown."
    assert reason(alarm(3), *[None] * 5) == "Insufficient Data: 3 datapoints were unknown."


def test_the_data_tells_what_was_evaluated() -> None:
    window = Window(Series(START, 60, (None, 1.0, None, 12.0, 13.0)), (None, 4.0, None, 5.0, 6.0))
    verdict = evaluate(alarm(3, 2, Unit="Count"), window, AlarmState("OK"), START + 300.25)
    assert verdict.data == {
        "version": "1.0",
        "queryDate": "2026-11-22T10:05:00.250+0000",
        "startDate": "2026-11-22T10:01:00.000+0000",
        "unit": "Count",
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [1.0, 12.0, 13.0],
        "threshold": 10.0,
        "evaluatedDatapoints": [
            {"timestamp": "2026-11-22T10:04:00.000+0000", "sampleCount": 6.0, "value": 13.0},
            {"timestamp": "2026-11-22T10:03:00.000+0000", "sampleCount": 5.0, "value": 12.0},
            {"timestamp": "2026-11-22T10:01:00.000+0000", "sampleCount": 4.0, "value": 1.0},
        ],
    }
    assert verdict.next_due == START + 360


def test_missing_slots_are_evaluated_datapoints_without_a_value() -> None:
    window = Window(Series(START, 60, (None, None, None, 12.0, None)))
    verdict = evaluate(alarm(3, 1), window, AlarmState("OK"), START + 300)
    assert verdict.data["evaluatedDatapoints"] == [
        {"timestamp": "2026-11-22T10:04:00.000+0000"},
        {"timestamp": "2026-11-22T10:03:00.000+0000", "value": 12.0},
        {"timestamp": "2026-11-22T10:02:00.000+0000"},
    ]
    nothing = evaluate(alarm(1), Window(Series(START, 60, (None,) * 3)), AlarmState("OK"), START + 180)
    assert "startDate" not in nothing.data
    assert nothing.data["recentDatapoints"] == []


def test_reason_and_data_fit_into_the_api_however_many_points_there_are() -> None:
    values = tuple(1234.567890123 + index for index in range(1442))
    window = Window(Series(START, 60, values), values)
    verdict = evaluate(alarm(1440, 1440), window, AlarmState("OK"), START + 60 * 1442)
    assert verdict.state == "ALARM"
    assert len(verdict.reason) <= 1023
    assert len(json.dumps(verdict.data)) <= 4000


def test_while_the_state_stands_its_reason_and_data_stand() -> None:
    first = evaluate(alarm(1), Window(Series(START, 60, (None, None, 12.0))), AlarmState("OK"), START + 180)
    stands = AlarmState(first.state, first.reason, first.data, START + 180)
    second = evaluate(alarm(1), Window(Series(START + 60, 60, (None, 12.0, 99.0))), stands, START + 240)
    assert (second.state, second.reason, second.data) == (first.state, first.reason, first.data)
    assert second.next_due == START + 300


def test_a_new_alarm_without_data_gets_the_reason_of_its_first_evaluation() -> None:
    created = AlarmState("INSUFFICIENT_DATA")
    assert created.reason == "Unchecked: Initial alarm creation"
    verdict = evaluate(alarm(1), Window(Series(START, 60, (None,) * 3)), created, START + 180)
    assert (verdict.state, verdict.reason) == ("INSUFFICIENT_DATA", "Insufficient Data: 1 datapoint was unknown.")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (10, "10.0"),
        (-2.5, "-2.5"),
        (0.001, "0.001"),
        (0.00012, "1.2E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-12345678.9, "-1.23456789E7"),
        (1e300, "1.0E300"),
        (5e-324, "5.0E-324"),
    ],
)
def test_numbers_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert number(value) == text


def test_dates_in_sentences_are_english_and_utc() -> None:
    assert long_date(1658505465.394) == "Friday 22 July, 2022 15:57:45 UTC"
