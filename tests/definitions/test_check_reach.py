"""No value that the evaluation can give lies outside what the check says is possible."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kit.definitions.checks.satisfiable import can_be
from kit.definitions.checks.watch import Watch, watch_of
from kit.definitions.model import AlarmFile
from kit.evaluation.rule import STATES, parse_rule

WHOLES = {"bad": "Fault", "slow": "Slow", "total": "Requests"}


def watch(expression: str, statistic: str = "Sum", **changed: Any) -> Watch:
    """An alarm on an expression of bad and slow (parts of total), and of ok, of which nothing is known."""
    names = {**WHOLES, "ok": "Successes"}
    stats = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "N", "MetricName": of}, "Period": 60, "Stat": statistic},
        }
        for name, of in names.items()
    ]
    request = {
        "AlarmName": "a",
        "Metrics": [{"Id": "e", "Expression": expression}, *stats],
        "EvaluationPeriods": 1,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        **changed,
    }
    found = watch_of(AlarmFile("a.json", request), None)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("bad/total", 0, 1),
        ("100*bad/total", 0, 100),
        ("100*(1-bad/total)", 0, 100),
        ("(total-bad)/total", 0, 1),
        ("(bad+slow)/total", 0, 2),
        ("FILL(bad,0)/total", 0, 1),
        ("IF(total > 21, bad/total, 0)", 0, 1),
        ("IF(bad/total > 2, ok, 7*(total > 5))", 0, 7),
        ("MAX([bad/total, slow/total])", 0, 1),
        ("SUM([bad/total, slow/total])", 0, 2),
        ("ABS(0 - bad/total)", 0, 1),
        ("HOUR(total)", 0, 23),
        ("ok/total", float("-inf"), float("inf")),
        ("bad/slow", float("-inf"), float("inf")),
        ("RATE(total)", float("-inf"), float("inf")),
        ("PERIOD(total)*(total > 0)", 0, 60),
        ("(bad/total)^2", 0, 1),
    ],
)
def test_what_an_expression_can_be(expression: str, low: float, high: float) -> None:
    reach = watch(expression).reach
    assert (reach.low, reach.high) == (low, high)


def test_a_percentage_by_statistic_stays_within_a_hundred() -> None:
    assert (watch("total", "PR(:300)").reach.low, watch("total", "PR(:300)").reach.high) == (0, 100)
    assert watch("total", "p99").reach.low == 0


def test_failures_among_failures_and_successes_are_a_share_when_neither_is_negative() -> None:
    reach = watch("bad/(bad+ok)", "SampleCount").reach
    assert (reach.low, reach.high) == (0, 1)


leaves = st.sampled_from(["bad", "slow", "total", "ok", "0", "1", "2.5", "100"])
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", ">", "<=", "^", "AND"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        inner.map(lambda part: f"(-{part})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"IF({parts[0]} > 0, {parts[1]}, {parts[2]})"),
        st.tuples(st.sampled_from(["ABS", "CEIL"]), inner).map(lambda parts: f"{parts[0]}({parts[1]} + 0*total)"),
        st.tuples(inner, inner).map(lambda parts: f"FILL({parts[0]} + 0*total, {parts[1].strip('()-') and 3})"),
        st.tuples(st.sampled_from(["MIN", "MAX", "SUM", "AVG"]), inner, inner).map(
            lambda parts: f"{parts[0]}([{parts[1]} + 0*total, {parts[2]} + 0*total])"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    expression=expressions,
    total=st.integers(0, 50),
    share=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    ok=st.integers(-20, 20),
    gone=st.sets(st.sampled_from(["bad", "slow", "ok"])),
)
def test_no_value_lies_outside(expression: str, total: int, share: tuple[int, int], ok: int, gone: set[str]) -> None:
    try:
        found = watch(f"{expression} + 0*total")
    except AssertionError:  # not an expression that AWS would take
        assume(False)
    values = {"bad": total * share[0] // 100, "slow": total * share[1] // 100, "total": total, "ok": ok}
    value = found.value({name: float(number) for name, number in values.items() if name not in gone})
    if value is not None:
        margin = 1e-9 * max(1.0, abs(value))
        assert found.reach.low - margin <= value <= found.reach.high + margin


states = st.sampled_from([f"{state}({name})" for state in STATES for name in "abc"] + ["TRUE", "FALSE"])
rules = st.recursive(
    states,
    lambda inner: st.one_of(
        inner.map(lambda part: f"NOT ({part})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.sampled_from(["AT_LEAST(2, ALARM, (a, b, c))", "AT_LEAST(50%, NOT OK, (a, b, c))"]),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(text=rules)
def test_a_rule_can_be_what_some_states_make_it(text: str) -> None:
    rule = parse_rule(text)
    seen = {rule.holds({"a": a, "b": b, "c": c}) for a in STATES for b in STATES for c in STATES}
    assert {wanted for wanted in (True, False) if can_be(rule, wanted)} == seen


def test_a_rule_too_large_to_search_is_left_open() -> None:
    hard = " AND ".join(f"(ALARM(a{n}) OR OK(a{n}) OR INSUFFICIENT_DATA(a{n}))" for n in range(60))
    assert can_be(parse_rule(hard), True) is True
    assert can_be(parse_rule(hard), False) in (None, False)
