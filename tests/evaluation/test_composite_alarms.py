from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.evaluation.composite import Child, RuleError, evaluate_composite, parse_rule
from kit.evaluation.state import AlarmState, StateValue

ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"
STATES: tuple[StateValue, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")


@pytest.mark.parametrize(
    ("rule", "true_when"),
    [
        ("ALARM(a) AND ALARM(b)", lambda a, b: a == "ALARM" and b == "ALARM"),
        ("ALARM(a) AND NOT ALARM(b)", lambda a, b: a == "ALARM" and b != "ALARM"),
        ("(ALARM(a) OR ALARM(b)) AND OK(b)", lambda a, b: a == "ALARM" and b == "OK"),
        ("ALARM(a) OR ALARM(b) AND OK(b)", lambda a, b: a == "ALARM"),
        ("NOT ALARM(a) AND OK(b)", lambda a, b: a != "ALARM" and b == "OK"),
        ("NOT (ALARM(a) AND OK(b))", lambda a, b: not (a == "ALARM" and b == "OK")),
        ("NOT NOT INSUFFICIENT_DATA(a)", lambda a, b: a == "INSUFFICIENT_DATA"),
        ("TRUE", lambda a, b: True),
        ("FALSE OR OK( a )", lambda a, b: a == "OK"),
        ("AT_LEAST(1, ALARM, (a, b))", lambda a, b: "ALARM" in (a, b)),
        ("AT_LEAST(2, NOT OK, (a, b))", lambda a, b: "OK" not in (a, b)),
        ("AT_LEAST(50%, ALARM, (a, b))", lambda a, b: "ALARM" in (a, b)),
        ("AT_LEAST(51%, ALARM, (a, b))", lambda a, b: a == b == "ALARM"),
        ("NOT AT_LEAST(100%,OK,(a,b)) AND OK(a)", lambda a, b: a == "OK" and b != "OK"),
    ],
)
def test_a_rule_holds_in_just_the_states_that_it_describes(rule: str, true_when: object) -> None:
    """API Reference, "PutCompositeAlarm"; its three examples come first."""
    parsed = parse_rule(rule)
    for a, b in product(STATES, repeat=2):
        assert parsed.holds({"a": a, "b": b}) is true_when(a, b), (a, b)  # type: ignore[operator]


def test_children_are_named_plain_in_quotes_or_by_arn() -> None:
    rule = parse_rule(f'ALARM("a b (c)") OR OK({ARN}x/y) OR ALARM("{ARN}z") OR AT_LEAST(1, OK, (p, "q, \\"r\\""))')
    assert rule.children == {"a b (c)", f"{ARN}x/y", f"{ARN}z", "p", 'q, "r"'}


def test_a_child_that_is_gone_is_in_no_state() -> None:
    assert not parse_rule("OK(a) OR ALARM(a) OR INSUFFICIENT_DATA(a)").holds({})


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "but found the end of the rule"),
        ("   ", 3, "but found the end of the rule"),
        ("ALARM a", 6, r"expected '\('"),
        ("ALARM()", 6, "the name or ARN of an alarm"),
        ("ALARM(a", 7, r"expected '\)'"),
        ("ALARM(a b)", 8, r"expected '\)'"),
        ("ALARM(a) ALARM(b)", 9, "expected AND, OR or the end"),
        ("ALARM(a) AND", 12, "expected ALARM, OK"),
        ("ALARM(a))", 8, "expected AND, OR or the end"),
        ("(ALARM(a)", 0, r"expected '\)' for the bracket"),
        ("NOT", 3, "expected ALARM"),
        ("Alarm(a)", 0, "expected ALARM"),
        ('ALARM("a)', 6, 'between "quotes"'),
        ('"ALARM"(a)', 0, "expected ALARM"),
        ("AT_LEAST(0, ALARM, (a))", 9, "threshold from 1 to 1"),
        ("AT_LEAST(3, ALARM, (a, b))", 9, "threshold from 1 to 2"),
        ("AT_LEAST(101%, ALARM, (a))", 9, "threshold from 1 to 100%"),
        ("AT_LEAST(x, ALARM, (a))", 9, "a number of alarms or a percentage"),
        ("AT_LEAST(1, FINE, (a))", 12, "expected ALARM, OK or INSUFFICIENT_DATA"),
        ("AT_LEAST(1, ALARM, a)", 19, r"expected '\('"),
        ("AT_LEAST(1, ALARM, (a)", 22, r"expected '\)'"),
        ("AT_LEAST(1, ALARM, (a b))", 22, r"expected ',' or '\)'"),
    ],
)
def test_an_error_in_a_rule_names_the_position_and_what_was_expected(text: str, position: int, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        parse_rule(text)
    assert caught.value.position == position


def test_the_limits_of_a_rule() -> None:
    """API Reference, "PutCompositeAlarm": 100 children, 500 elements, 10,240 characters."""
    hundred = " OR ".join(f"ALARM(a{i})" for i in range(100))
    assert len(parse_rule(hundred).children) == 100
    with pytest.raises(RuleError, match="101 children"):
        parse_rule(f"{hundred} OR ALARM(more)")
    assert parse_rule(" AND ".join(["TRUE"] * 500)).holds({})
    assert parse_rule(f"{'(' * 499}TRUE{')' * 499}").holds({})
    with pytest.raises(RuleError, match="501 elements"):
        parse_rule(" AND ".join(["TRUE"] * 501))
    with pytest.raises(RuleError, match="limit is 10240"):
        parse_rule("NOT " * 3000 + "TRUE")


names = st.one_of(st.sampled_from(["a", "b-c", f"{ARN}x"]), st.text(min_size=1, max_size=8))
states = st.sampled_from(STATES)


def _quote(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _at_least(parts: tuple[list[str], str, bool, int]) -> str:
    children, state, negated, share = parts
    return f"AT_LEAST({share}%, {'NOT ' * negated}{state}, ({', '.join(map(_quote, children))}))"


rule_atoms = st.one_of(
    st.sampled_from(["TRUE", "FALSE"]),
    st.tuples(states, names).map(lambda pair: f"{pair[0]}({_quote(pair[1])})"),
    st.tuples(st.lists(names, min_size=1, max_size=3), states, st.booleans(), st.integers(1, 100)).map(_at_least),
)
rules = st.recursive(
    rule_atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"NOT ({text})"),
    ),
    max_leaves=8,
)


@given(rules, st.lists(states, min_size=30, max_size=30))
def test_a_rule_written_out_again_is_the_same_rule(text: str, values: list[StateValue]) -> None:
    rule = parse_rule(text)
    again = parse_rule(str(rule))
    assert str(again) == str(rule)
    assert again.steps == rule.steps
    held = dict(zip(sorted(rule.children), values, strict=False))
    assert again.holds(held) == rule.holds(held)


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet='ALRMOKT_ES1%(), "\\\n', max_size=40),
        st.lists(
            st.sampled_from(
                ["ALARM", "OK", "(", ")", "a", ",", " AND ", " NOT ", "AT_LEAST", "50%", "TRUE", '"x"', " "]
            ),
            max_size=30,
        ).map("".join),
    )
)
def test_no_text_crashes_the_rule_parser(text: str) -> None:
    refusal = _refusal(text)
    assert refusal is None or 0 <= refusal.position <= len(text)


def _refusal(text: str) -> RuleError | None:
    try:
        str(parse_rule(text))
    except RuleError as error:
        return error
    return None


def children(**states_: tuple[StateValue, float]) -> Mapping[str, Child]:
    return {name: Child(f"{ARN}{name}", value, since) for name, (value, since) in states_.items()}


def test_the_reason_names_the_child_that_changed_last() -> None:
    """User Guide, "Alarm events and EventBridge": the sample of a composite alarm."""
    read = children(a=("ALARM", 1658505465.394), b=("ALARM", 1658505000.0), stranger=("OK", 1658509999.0))
    verdict = evaluate_composite(parse_rule("ALARM(a) AND ALARM(b)"), read, AlarmState("OK"), arn=f"{ARN}top")
    assert verdict.state == "ALARM"
    assert verdict.reason == f"{ARN}a transitioned to ALARM at Friday 22 July, 2022 15:57:45 UTC"
    assert verdict.data == {
        "triggeringAlarms": [
            {"arn": f"{ARN}a", "state": {"value": "ALARM", "timestamp": "2022-07-22T15:57:45.394+0000"}}
        ]
    }
    assert verdict.next_due == math.inf


def test_creation_tells_what_the_rule_evaluates_to_and_lists_all_children() -> None:
    read = children(b=("OK", 2.0), a=("INSUFFICIENT_DATA", 1.0))
    rule = parse_rule("ALARM(a) OR ALARM(b)")
    verdict = evaluate_composite(rule, read, AlarmState("INSUFFICIENT_DATA"), arn=f"{ARN}top", cause="created")
    assert (verdict.state, verdict.reason) == ("OK", f"{ARN}top was created and its alarm rule evaluates to OK")
    assert [each["arn"] for each in verdict.data["triggeringAlarms"]] == [f"{ARN}a", f"{ARN}b"]
    updated = evaluate_composite(rule, read, AlarmState("ALARM"), arn=f"{ARN}top", cause="updated")
    assert updated.reason == f"{ARN}top was updated and its alarm rule evaluates to OK"


def test_a_composite_without_children_is_explained_by_itself() -> None:
    verdict = evaluate_composite(parse_rule("TRUE"), {}, AlarmState("OK"), arn=f"{ARN}top", cause="child")
    assert (verdict.state, verdict.data) == ("ALARM", {"triggeringAlarms": []})


def test_while_a_composites_state_stands_its_reason_stands() -> None:
    rule, read = parse_rule("ALARM(a)"), children(a=("ALARM", 5.0))
    first = evaluate_composite(rule, read, AlarmState("OK"), arn=f"{ARN}top")
    stands = AlarmState(first.state, first.reason, first.data, 5.0)
    again = evaluate_composite(rule, children(a=("ALARM", 9.0)), stands, arn=f"{ARN}top")
    assert again == first
