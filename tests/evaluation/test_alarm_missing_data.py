"""Which state datapoints call for: User Guide, "Configuring how CloudWatch alarms treat missing data"."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from kit.evaluation.alarm import AlarmDefinition, AlarmState, Window, evaluate
from kit.evaluation.series import Series
from kit.evaluation.state import StateValue

POLICIES = ("missing", "ignore", "breaching", "notBreaching")
STATES: tuple[StateValue, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
KEEP = "keep"


def alarm(m: int, n: int, policy: str, **more: Any) -> AlarmDefinition:
    given = {
        "AlarmName": "a",
        "Namespace": "Test",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": n,
        "DatapointsToAlarm": m,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10,
        "TreatMissingData": policy,
    }
    return AlarmDefinition.from_api(given | more)


def points(text: str) -> Window:
    """``0 - X``: within the threshold, missing, breaching; the newest on the right."""
    values = {"0": 1.0, "X": 99.0, "-": None}
    return Window(Series(0, 60, tuple(values[mark] for mark in text.split())))


@pytest.mark.parametrize(
    ("m", "marks", "expected"),
    [
        # the table for 3 out of 3
        (3, "0 - X - X", ("OK", "OK", "OK", "OK")),
        (3, "0 - - - -", ("OK", "OK", "OK", "OK")),
        (3, "- - - - -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        (3, "0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "- - X - -", ("ALARM", KEEP, "ALARM", "OK")),
        # the table for 2 out of 3
        (2, "0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - X -", ("ALARM", KEEP, "ALARM", "OK")),
    ],
)
@pytest.mark.parametrize("before", STATES)
def test_the_documented_rows(m: int, marks: str, expected: tuple[str, ...], before: StateValue) -> None:
    """All ten rows of the two tables, for N = 3 and an evaluation range of 5."""
    for policy, state in zip(POLICIES, expected, strict=True):
        verdict = evaluate(alarm(m, 3, policy), points(marks), AlarmState(before), 300)
        assert verdict.state == (before if state == KEEP else state), policy


@pytest.mark.parametrize("marks", ["- - - - X", "- - - X -"])
@pytest.mark.parametrize("before", ["OK", "INSUFFICIENT_DATA"])
def test_a_single_breaching_point_does_not_alarm_too_early(marks: str, before: StateValue) -> None:
    """User Guide, "Avoiding premature transitions to alarm state", with M = 3."""
    assert evaluate(alarm(3, 3, "missing"), points(marks), AlarmState(before), 300).state == before


def oracle(values: tuple[float | None, ...], n: int, m: int, policy: str, before: str) -> str:
    """The rules once more, word by word: marks of the N evaluated datapoints, the missing ones filled in by policy."""
    real = [("X" if value > 10 else "0") for value in values if value is not None]
    evaluated = real[-n:] + ["-"] * (n - len(real[-n:]))
    if set(evaluated) == {"-"}:
        return {"missing": "INSUFFICIENT_DATA", "ignore": before, "breaching": "ALARM", "notBreaching": "OK"}[policy]
    if policy in ("breaching", "notBreaching"):
        filler = "X" if policy == "breaching" else "0"
        filled = [filler if mark == "-" else mark for mark in evaluated]
        return "ALARM" if filled.count("X") >= m else "OK"
    if evaluated.count("X") >= m:
        return "ALARM"
    if "0" in evaluated or "-" not in evaluated:
        return "OK"
    oldest = min(index for index, value in enumerate(values) if value is not None)
    if policy == "missing" and len(values) - oldest >= m:
        return "ALARM"
    return before


def test_every_window_of_up_to_three_periods_equals_the_rules_read_literally() -> None:
    checked = 0
    for n in (1, 2, 3):
        windows = [Window(Series(0, 60, values)) for values in product((1.0, 99.0, None), repeat=n + 2)]
        for m, policy in product(range(1, n + 1), POLICIES):
            definition = alarm(m, n, policy)
            for window, before in product(windows, STATES):
                verdict = evaluate(definition, window, AlarmState(before), 300)
                assert verdict.state == oracle(window.series.values, n, m, policy, before), (n, m, policy, window)
                checked += 1
    assert checked > 10_000


@pytest.mark.parametrize(
    ("operator", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", (False, True, True)),
        ("GreaterThanThreshold", (False, False, True)),
        ("LessThanThreshold", (True, False, False)),
        ("LessThanOrEqualToThreshold", (True, True, False)),
    ],
)
def test_the_statistic_is_the_first_operand_of_the_comparison(operator: str, breaching: tuple[bool, ...]) -> None:
    for value, alarmed in zip((9.0, 10.0, 11.0), breaching, strict=True):
        window = Window(Series(0, 60, (None, None, value)))
        verdict = evaluate(alarm(1, 1, "missing", ComparisonOperator=operator), window, AlarmState("OK"), 180)
        assert (verdict.state == "ALARM") is alarmed


@pytest.mark.parametrize(
    ("statistic", "samples", "frozen"),
    [
        ("p99", 999, True),
        ("p99", 1000, False),
        ("p99.9", 9999, True),
        ("p99.9", 10000, False),
        ("p95", 199, True),
        ("p95", 200, False),
        ("p90", 99, True),
        ("p90", 100, False),
        ("p50", 19, True),
        ("p50", 20, False),
        ("p10", 99, True),
        ("p10", 100, False),
        ("p100", 1, False),
        ("p0", 1, False),
        ("PR(:300)", 1, False),
    ],
)
def test_too_few_samples_freeze_a_percentile_alarm(statistic: str, samples: int, frozen: bool) -> None:
    """User Guide, "Percentile-based CloudWatch alarms and low data samples"."""
    window = Window(Series(0, 60, (None, 99.0, 99.0)), (None, samples - samples // 2, samples // 2))
    more: dict[str, Any] = {
        "ExtendedStatistic": statistic,
        "Statistic": None,
        "EvaluateLowSampleCountPercentile": "ignore",
    }
    ignoring = alarm(2, 2, "missing", **more)
    assert evaluate(ignoring, window, AlarmState("OK"), 180).state == ("OK" if frozen else "ALARM")
    evaluating = alarm(2, 2, "missing", **more | {"EvaluateLowSampleCountPercentile": "evaluate"})
    assert evaluate(evaluating, window, AlarmState("OK"), 180).state == "ALARM"


def test_no_datapoint_at_all_is_missing_data_and_not_a_low_sample() -> None:
    definition = alarm(
        1, 1, "missing", Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore"
    )
    window = Window(Series(0, 60, (None, None, None)), (None, None, None))
    assert evaluate(definition, window, AlarmState("OK"), 180).state == "INSUFFICIENT_DATA"
