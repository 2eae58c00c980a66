"""A replay gives the verdicts that ``window`` and ``evaluate`` give, one evaluation after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.evaluation.alarm import AlarmDefinition, AlarmState, Verdict, evaluate, window
from kit.evaluation.distribution import Distribution
from kit.evaluation.reason import COMPARISONS
from kit.evaluation.replay import Replay, replay, states
from kit.evaluation.request import MetricRef, MetricSource, MetricStat
from kit.evaluation.sliding import History, Intervals
from kit.evaluation.sliding_expressions import by_point
from kit.evaluation.statistics import parse_statistic

START = 1_790_000_000 // 3600 * 3600
Part = tuple[str, str]  # an expression's text and its kind

leaves = st.sampled_from([("a", "TS"), ("a", "TS"), ("b", "TS"), ("0", "S"), ("1", "S"), ("2.5", "S")])
OPERATORS = ("+", "-", "*", "/", "^", "==", "!=", "<", ">=", "AND", "OR")
OF_SERIES = (
    *("ABS({})", "CEIL({})", "LOG({})", "-{}", "FILL({}, 0)", "SUM(FILL([{}, a], b))", "FILL({}, 1 + 1)", "MINUTE({})"),
    *("HOUR({})", "EPOCH({})", "DAY({})", "SUM([{}, b])", "AVG([a, {}])", "MAX([a, [b, {}]])", "FIRST([{}, a])"),
    *(
        "LAST(SLICE([a, {}, b], 1, 2))",
        "DATAPOINT_COUNT(METRICS()) + {}",
        "{} * PERIOD(a)",
        "{} + METRIC_COUNT([a, b])",
    ),
    *("TIME_SERIES(4) - {}", "STDDEV(METRICS('a')) + {}", "SUM(FILL([a, {}], 1))"),
    *("RATE({})", "DIFF({})", "DIFF_TIME({})", "RUNNING_SUM({})", "FILL({}, REPEAT)", "FILL({}, LINEAR)"),
    *("{} - AVG({})", "FILL({}, MAX(a))", "FIRST(SORT([{}, a], SUM, DESC))", "SUM(REMOVE_EMPTY([{}, b]))"),
    "IF(DATAPOINT_COUNT({}) > 2, a, b)",
)


def _grow(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    series = inner.filter(lambda part: part[1] == "TS")
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", "TS" if "TS" in (t[0][1], t[2][1]) else "S")
        ),
        st.tuples(series, inner, inner).map(lambda t: (f"IF({t[0][0]}, {t[1][0]}, {t[2][0]})", "TS")),
        st.tuples(st.sampled_from(OF_SERIES), series).map(lambda t: (f"({t[0].replace('{}', t[1][0])})", "TS")),
    )


expressions = st.recursive(leaves, _grow, max_leaves=5).filter(lambda part: part[1] == "TS").map(lambda part: part[0])
statistics = st.sampled_from(["Sum", "Sum", "SampleCount", "Average", "Minimum", "Maximum", "p50", "p90", "p0"])
extended = st.sampled_from(["p50", "p10", "p99", "TM(10%:90%)", "WM(1:3)", "TS(:2)", "TC(:2)", "PR(1:)", "IQM"])


def metric(name: str, statistic: str, period: int) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": period, "Stat": statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}


@st.composite
def alarms(draw: st.DrawFn) -> AlarmDefinition:
    period = draw(st.sampled_from([10, 20, 30, 60, 60, 120, 300]))
    n = draw(st.integers(1, 4))
    given: dict[str, Any] = {
        "AlarmName": "replayed",
        "EvaluationPeriods": n,
        "ComparisonOperator": draw(st.sampled_from(sorted(COMPARISONS))),
        "Threshold": draw(st.sampled_from([0, 1, 2, 2.5, -1])),
        "TreatMissingData": draw(st.sampled_from(["missing", "ignore", "breaching", "notBreaching"])),
    }
    if draw(st.booleans()):
        given["DatapointsToAlarm"] = draw(st.integers(1, n))
    shape = draw(st.sampled_from(["metric", "percentile", "math", "math", "math"]))
    if shape == "math":
        metrics = [metric("a", draw(statistics), period), metric("b", draw(statistics), period)]
        given["Metrics"] = [{"Id": "watched", "Expression": draw(expressions)}, *metrics]
        if draw(st.booleans()):
            given["Metrics"][0]["Expression"] = "2 * inner"
            given["Metrics"].append({"Id": "inner", "Expression": draw(expressions), "ReturnData": False})
    else:
        given |= {"Namespace": "Test", "MetricName": "a", "Period": period}
        if shape == "metric":
            given["Statistic"] = draw(st.sampled_from(["Sum", "SampleCount", "Average", "Minimum", "Maximum"]))
        else:
            given["ExtendedStatistic"] = draw(extended)
            given["EvaluateLowSampleCountPercentile"] = draw(st.sampled_from(["evaluate", "ignore"]))
    return AlarmDefinition.from_api(given)


values = st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.5, 2.25, -1.0]), max_size=5)
runs = st.lists(st.tuples(st.integers(1, 9), values), min_size=1, max_size=10)
previous = st.builds(
    AlarmState,
    st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]),
    st.just("before"),
    st.sampled_from([{}, {"version": "1.0"}]),
)


def spread(pieces: Sequence[tuple[int, Sequence[float]]], step: int, start: int) -> list[tuple[int, float]]:
    """Samples on odd seconds: each piece says for how many steps which values were received."""
    slots = [received for length, received in pieces for _ in range(length)]
    return [(start + index * step + 3, value) for index, received in enumerate(slots) for value in received]


def literally(
    definition: AlarmDefinition, source: MetricSource, ticks: Sequence[int], state: AlarmState
) -> list[Verdict]:
    verdicts = []
    for tick in ticks:
        verdict = evaluate(definition, window(definition, source, tick), state, tick)
        state = AlarmState(verdict.state, verdict.reason, verdict.data)
        verdicts.append(verdict)
    return verdicts


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(alarms(), runs, runs, previous, st.integers(0, 40), st.booleans())
def test_every_verdict_equals_an_evaluation_of_its_own(
    samples: Callable[[Mapping[str, Any]], MetricSource],
    definition: AlarmDefinition,
    a: list[tuple[int, list[float]]],
    b: list[tuple[int, list[float]]],
    before: AlarmState,
    late: int,
    incremental: bool,
) -> None:
    step = definition.cadence_s
    source = samples({"a": spread(a, step, START), "b": spread(b, step, START)})
    history = History()
    for name in ("a", "b"):
        ref = MetricRef("Test", name)
        slots = source.distributions(MetricStat(ref, step, parse_statistic("p50")), START, START + 100 * step)
        history.add(ref, Intervals.of_distributions(START, step, slots))
    begin = START + (late - 20) * step
    replayed = Replay(definition, history if incremental else source, begin, begin + 30 * step, before)
    expected = literally(definition, source, replayed.ticks, before)
    assert len(expected) == 30
    assert [replayed.verdict(tick) for tick in replayed.ticks] == expected
    assert replayed.states() == [verdict.state for verdict in expected]
    shown = [before.value, *(verdict.state for verdict in expected)]
    changes = [tick for tick, old, new in zip(replayed.ticks, shown, shown[1:], strict=False) if old != new]
    transitions = list(replayed.transitions())
    assert [transition.at for transition in transitions] == changes
    for transition in transitions:
        verdict = expected[replayed.ticks.index(transition.at)]
        assert transition.state == AlarmState(verdict.state, verdict.reason, verdict.data, transition.at)


def counted(values: Sequence[float | None], step: int = 60) -> History:
    history = History()
    history.add(MetricRef("Test", "a"), Intervals.of_values(START, step, values))
    return history


def alarm(period: int, n: int, **more: Any) -> AlarmDefinition:
    given = {
        "AlarmName": "sum",
        "Namespace": "Test",
        "MetricName": "a",
        "Statistic": "Sum",
        "Period": period,
        "EvaluationPeriods": n,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10,
    }
    return AlarmDefinition.from_api(given | more)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-20, 20)), max_size=60),
    st.sampled_from([10, 30, 60, 300]),
    st.integers(1, 3),
    st.sampled_from([7, 10, 60, 90]),
)
def test_a_history_of_any_step_serves_both_ways_of_evaluating(
    values: list[float | None], period: int, n: int, step: int
) -> None:
    definition = alarm(period, n)
    history = counted(values, step)
    replayed = Replay(definition, history, START - 60, START + 3000)
    expected = literally(definition, history, replayed.ticks, AlarmState("INSUFFICIENT_DATA"))
    assert [replayed.verdict(tick) for tick in replayed.ticks] == expected


def test_a_window_of_more_than_a_day_is_evaluated_once_an_hour() -> None:
    definition = alarm(5400, 17, DatapointsToAlarm=2)
    history = counted([None if minute % 977 < 120 else float(minute % 1000 == 0) * 11 for minute in range(6000)])
    replayed = Replay(definition, history, START, START + 6000 * 60)
    assert replayed.ticks.step == 3600
    expected = literally(definition, history, replayed.ticks, AlarmState("INSUFFICIENT_DATA"))
    assert [replayed.verdict(tick) for tick in replayed.ticks] == expected
    assert len(set(replayed.states())) > 1


def test_too_few_samples_behind_a_percentile_keep_the_state() -> None:
    """20 samples make a p50 significant; the points by themselves look alike."""
    given = {"Statistic": None, "ExtendedStatistic": "p50", "EvaluateLowSampleCountPercentile": "ignore"}
    received = [(1.0, 20), (99.0, 5), (99.0, 20), (1.0, 5), (1.0, 40)]
    slots = [Distribution() for _ in received]
    for slot, (value, count) in zip(slots, received, strict=True):
        slot.add(value, count)
    history = History()
    history.add(MetricRef("Test", "a"), Intervals.of_distributions(START, 60, slots))
    found = states(alarm(60, 1, **given), history, START, START + 300)
    assert found == ["OK", "OK", "ALARM", "ALARM", "OK"]


def test_another_cadence_can_be_asked_for() -> None:
    replayed = Replay(alarm(60, 1), counted([11.0]), START, START + 120, every=30)
    assert list(replayed.ticks) == [START + 30, START + 60, START + 90, START + 120]
    assert replayed.states() == ["ALARM"] * 4
    assert replayed.verdict(START + 30).next_due == START + 60


def test_the_first_evaluation_follows_the_start_and_the_last_one_may_be_the_end() -> None:
    assert list(Replay(alarm(60, 1), counted([]), START, START + 120).ticks) == [START + 60, START + 120]
    assert list(Replay(alarm(60, 1), counted([]), START + 1, START + 119).ticks) == [START + 60]
    assert not states(alarm(60, 1), counted([]), START, START + 59)
    assert not list(replay(alarm(60, 1), counted([]), START, START))


def test_before_the_first_evaluation_the_previous_state_stands() -> None:
    before = AlarmState("ALARM", "because", {"version": "1.0"})
    replayed = Replay(alarm(60, 1), counted([1.0]), START, START + 120, before)
    assert replayed.verdict(START) == Verdict("ALARM", "because", {"version": "1.0"}, START + 60)
    assert replayed.verdict(START + 60).state == "OK"


def test_transitions_of_a_week_are_found_where_the_sum_passes_the_threshold() -> None:
    minutes = [float(5000 <= minute < 5010) for minute in range(10_080)]
    found = [
        (change.at, change.before, change.after)
        for change in replay(alarm(3600, 1, Threshold=4), counted(minutes), START, START + 604_800)
    ]
    assert found == [
        (START + 60, "INSUFFICIENT_DATA", "OK"),
        (START + 5005 * 60, "OK", "ALARM"),
        (START + 5066 * 60, "ALARM", "OK"),
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(a > 20, b / a, 0)", True),
        ("FILL(a, 0) + HOUR(b)", True),
        ("AVG([a, b])", True),
        ("SUM(METRICS()) / METRIC_COUNT(METRICS())", True),
        ("SUM(FILL(METRICS('a'), b) * 2)", True),
        ("SUM(SLICE([a, b], 0, 1) * 2)", True),
        ("a - AVG(a)", False),
        ("FILL(a, REPEAT)", False),
        ("FILL(a, LINEAR)", False),
        ("RATE(a)", False),
        ("IF(RUNNING_SUM(a) > 3, 1, 0)", False),
        ("FIRST(SORT([a, b], AVG, ASC))", False),
        ("FIRST(REMOVE_EMPTY([a, b]))", False),
    ],
)
def test_an_expression_that_looks_along_time_is_told_from_one_that_does_not(expression: str, expected: bool) -> None:
    given = {
        "AlarmName": "math",
        "Metrics": [{"Id": "e", "Expression": expression}, metric("a", "Sum", 60), metric("b", "Sum", 60)],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1,
    }
    definition = AlarmDefinition.from_api(given)
    assert by_point(definition.plan, "e") is expected


def test_an_inner_expression_that_looks_along_time_counts_too() -> None:
    given = {
        "AlarmName": "math",
        "Metrics": [
            {"Id": "e", "Expression": "2 * inner"},
            {"Id": "inner", "Expression": "DIFF(a)", "ReturnData": False},
            {"Id": "unused", "Expression": "RATE(a)", "ReturnData": False},
            metric("a", "Sum", 60),
        ],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1,
    }
    plan = AlarmDefinition.from_api(given).plan
    assert not by_point(plan, "e")
    assert by_point(plan, "a")


def test_a_metric_of_another_period_that_is_not_watched_does_not_matter() -> None:
    given = {
        "AlarmName": "math",
        "Metrics": [{"Id": "e", "Expression": "RUNNING_SUM(TIME_SERIES(1))"}, metric("a", "Sum", 30)],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 2,
    }
    definition = AlarmDefinition.from_api(given)
    assert definition.period == 60
    assert states(definition, counted([1.0]), START, START + 120) == ["ALARM", "ALARM"]
