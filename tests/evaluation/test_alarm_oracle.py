"""Whole evaluations against a slow second opinion, written from the documented rules alone.

User Guide, "Using Amazon CloudWatch alarms": "Evaluating an alarm", "Configuring how CloudWatch alarms treat missing
data", "Percentile-based CloudWatch alarms and low data samples"; "Using metric math" for the expressions. The oracle
reads raw samples, slot by slot, and shares no code with what it judges.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kit.evaluation.alarm import AlarmDefinition, AlarmState, evaluate, window
from kit.evaluation.state import StateValue

BATCHES, CASES_A_BATCH = 12, 1000
Slots = list[list[float]]
Point = float | None


def _two(function: Callable[[float, float], float]) -> Callable[[Point, Point], Point]:
    """A missing operand counts as 0; where both are missing there is nothing."""

    def at(m: Point, n: Point) -> Point:
        if m is None and n is None:
            return None
        try:
            return function(m or 0.0, n or 0.0)
        except ZeroDivisionError:
            return None

    return at


def _if_above_2(m: Point, n: Point) -> Point:
    if m is None:
        return None
    return (0.0 if n is None else n) if m > 2 else -1.0


EXPRESSIONS: dict[str, Callable[[Point, Point], Point]] = {
    "m": lambda m, _: m,
    "100 * m / n": _two(lambda m, n: 100 * m / n),
    "m + n": _two(lambda m, n: m + n),
    "m > n OR n == 3": _two(lambda m, n: float(m > n or n == 3)),
    "FILL(m, 4) - 1": lambda m, _: (4 if m is None else m) - 1,
    "IF(m > 2, n, -1)": _if_above_2,
    "-ABS(m) ^ 2": lambda m, _: None if m is None else -(abs(m) ** 2),
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "SampleCount": lambda values: float(len(values)),
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "p50": lambda values: sorted(values)[math.ceil(len(values) * 50 / 100) - 1],
    "p90": lambda values: sorted(values)[math.ceil(len(values) * 90 / 100) - 1],
    "p10": lambda values: sorted(values)[math.ceil(len(values) * 10 / 100) - 1],
}
SAMPLES_NEEDED = {"p50": 20, "p90": 100, "p10": 100}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True)
class Case:
    """An alarm, the samples of its metrics by slot of the evaluation range (oldest first), and the state it was in."""

    expression: str
    statistic: str
    n: int
    m: int
    extra: int
    period: int
    comparison: str
    threshold: float
    policy: str
    ignore_low_samples: bool
    samples: dict[str, Slots]
    before: StateValue


def a_case(dice: random.Random) -> Case:
    n = dice.randint(1, 6)
    extra = dice.choice((0, 1, 2, 2, 2, 5))
    statistic = dice.choice(list(STATISTICS))
    expression = "m" if dice.random() < 0.5 else dice.choice(list(EXPRESSIONS))
    emptiness, most = dice.choice((0.0, 0.2, 0.5, 0.8, 1.0)), dice.choice((1, 3, 60))

    def slot() -> list[float]:
        return [] if dice.random() < emptiness else [float(dice.randint(0, 4)) for _ in range(dice.randint(1, most))]

    return Case(
        expression=expression,
        statistic=statistic,
        n=n,
        m=dice.randint(1, n),
        extra=extra,
        period=dice.choice((10, 60, 300)),
        comparison=dice.choice(list(COMPARISONS)),
        threshold=float(dice.randint(-1, 5)),
        policy=dice.choice(("missing", "ignore", "breaching", "notBreaching")),
        ignore_low_samples=expression == "m" and statistic in SAMPLES_NEEDED and dice.random() < 0.5,
        samples={name: [slot() for _ in range(n + extra)] for name in ("m", "n")},
        before=dice.choice(("OK", "ALARM", "INSUFFICIENT_DATA")),
    )


def oracle(case: Case) -> StateValue:
    """The state after the evaluation."""
    points: list[Point] = []
    for slot in range(case.n + case.extra):
        at = {name: STATISTICS[case.statistic](s[slot]) if s[slot] else None for name, s in case.samples.items()}
        points.append(EXPRESSIONS[case.expression](at["m"], at["n"]))
    # the newest N real points are evaluated, reaching back into the range; what they lack of N is filled
    real = [slot for slot in reversed(range(len(points))) if points[slot] is not None][: case.n]
    breaching = [slot for slot in real if COMPARISONS[case.comparison](points[slot] or 0.0, case.threshold)]
    missing = case.n - len(real)
    if not real:
        return {"missing": "INSUFFICIENT_DATA", "breaching": "ALARM", "notBreaching": "OK"}.get(  # type: ignore[return-value]  # mypy widens the literals
            case.policy, case.before
        )
    if case.ignore_low_samples and sum(len(case.samples["m"][slot]) for slot in real) < SAMPLES_NEEDED[case.statistic]:
        return case.before
    if case.policy in ("breaching", "notBreaching"):
        bad = len(breaching) + (missing if case.policy == "breaching" else 0)
        return "ALARM" if bad >= case.m else "OK"
    if len(breaching) >= case.m:
        return "ALARM"
    if len(breaching) < len(real) or missing == 0:
        return "OK"
    # only breaching points, fewer than M: with "missing" they alarm once the oldest is M positions from the newest end
    position_of_the_oldest = len(points) - breaching[-1]
    return "ALARM" if case.policy == "missing" and position_of_the_oldest >= case.m else case.before


def _definition(case: Case) -> AlarmDefinition:
    def stat(name: str) -> dict[str, Any]:
        return {"Metric": {"Namespace": "T", "MetricName": name}, "Period": case.period, "Stat": case.statistic}

    alarm: dict[str, Any] = {
        "AlarmName": "a",
        "EvaluationPeriods": case.n,
        "DatapointsToAlarm": case.m,
        "ComparisonOperator": case.comparison,
        "Threshold": case.threshold,
        "TreatMissingData": case.policy,
    }
    if case.expression == "m":
        kind = "ExtendedStatistic" if case.statistic.startswith("p") else "Statistic"
        alarm |= {"Namespace": "T", "MetricName": "m", "Period": case.period, kind: case.statistic}
        alarm |= {"EvaluateLowSampleCountPercentile": "ignore"} if case.ignore_low_samples else {}
    else:
        metrics = [{"Id": name, "MetricStat": stat(name), "ReturnData": False} for name in ("m", "n")]
        alarm["Metrics"] = [*metrics, {"Id": "e", "Expression": case.expression}]
    return AlarmDefinition.from_api(alarm)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_an_evaluation_equals_a_slow_literal_reading_of_its_rules(samples: Any, batch: int) -> None:
    dice = random.Random(batch)
    for number in range(CASES_A_BATCH):
        case = a_case(dice)
        # any moment will do: a window slides, its grid ends wherever the evaluation looks from
        end = 1_795_341_600 + 10 * dice.randrange(360)
        start = end - (case.n + case.extra) * case.period
        held = {
            name: [
                (start + slot * case.period + dice.randrange(case.period), value)
                for slot, values in enumerate(slots)
                for value in values
            ]
            for name, slots in case.samples.items()
        }
        # what lies just outside of the range must not count
        for points in held.values():
            points += [(start - 1, 1000.0), (end, 1000.0)]
        definition = _definition(case)
        before = AlarmState(case.before, "as before", {"version": "1.0"}, 5.0)
        verdict = evaluate(definition, window(definition, samples(held), end, case.extra), before, end)
        assert verdict.state == oracle(case), (batch, number, case)
        assert (verdict.reason == "as before") == (verdict.state == case.before), (batch, number, case)
        assert verdict.next_due == (end // 10 + 1) * 10 if case.period == 10 else (end // 60 + 1) * 60


def test_the_cases_are_many_and_of_every_outcome() -> None:
    assert BATCHES * CASES_A_BATCH >= 10_000
    dice = random.Random(0)
    outcomes = {(case.before, oracle(case)) for case in (a_case(dice) for _ in range(2000))}
    assert len(outcomes) == 9
