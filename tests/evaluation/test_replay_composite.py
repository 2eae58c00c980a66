"""Composite alarms, replayed from the changes of their children."""

from __future__ import annotations

from collections.abc import Sequence

from kit.evaluation.composite import Child, evaluate_composite, parse_rule
from kit.evaluation.replay import Transition
from kit.evaluation.replay_composite import ReplayedChild, replay_composite
from kit.evaluation.state import AlarmState, StateValue

NEW = AlarmState("INSUFFICIENT_DATA")
BOTH = parse_rule('ALARM("long") AND ALARM("short")')


def child(name: str, *changes: tuple[int, StateValue]) -> ReplayedChild:
    transitions = []
    before: StateValue = "INSUFFICIENT_DATA"
    for at, after in changes:
        transitions.append(Transition.known(name, at, before, AlarmState(after, "because", {"version": "1.0"}, at)))
        before = after
    return ReplayedChild(f"arn:{name}", NEW, transitions)


def seen(transitions: Sequence[Transition]) -> list[tuple[int, StateValue, StateValue]]:
    return [(change.at, change.before, change.after) for change in transitions]


LONG = child("long", (60, "OK"), (600, "ALARM"), (4200, "OK"))
SHORT = child("short", (60, "OK"), (300, "ALARM"), (900, "OK"), (1200, "ALARM"), (4200, "OK"))


def test_a_pair_of_windows_alarms_while_both_do() -> None:
    found = list(replay_composite(BOTH, {"long": LONG, "short": SHORT}, 0, name="page", arn="arn:page"))
    assert seen(found) == [
        (0, "INSUFFICIENT_DATA", "OK"),
        (600, "OK", "ALARM"),
        (900, "ALARM", "OK"),
        (1200, "OK", "ALARM"),
        (4200, "ALARM", "OK"),
    ]
    assert {change.alarm for change in found} == {"page"}


def test_reason_and_data_are_those_of_an_evaluation_at_that_moment() -> None:
    created, fired, *_ = replay_composite(BOTH, {"long": LONG, "short": SHORT}, 0, name="page", arn="arn:page")
    assert created.state.reason == "arn:page was created and its alarm rule evaluates to OK"
    children = {"long": Child("arn:long", "ALARM", 600), "short": Child("arn:short", "ALARM", 300)}
    verdict = evaluate_composite(BOTH, children, AlarmState("OK", data={"triggeringAlarms": []}), arn="arn:page")
    assert fired.state == AlarmState(verdict.state, verdict.reason, verdict.data, 600)


def test_children_that_change_in_the_same_second_are_seen_together() -> None:
    rule = parse_rule('ALARM("a") AND NOT ALARM("b")')
    children = {"a": child("a", (60, "OK"), (120, "ALARM")), "b": child("b", (60, "OK"), (120, "ALARM"))}
    assert seen(list(replay_composite(rule, children, 0, name="c", arn="arn:c"))) == [(0, "INSUFFICIENT_DATA", "OK")]


def test_a_composite_can_stand_on_a_composite() -> None:
    below = list(replay_composite(BOTH, {"long": LONG, "short": SHORT}, 0, name="page", arn="arn:page"))
    rule = parse_rule('NOT OK("page") OR ALARM("other")')
    children = {"page": ReplayedChild("arn:page", NEW, below), "other": child("other", (3000, "ALARM"))}
    found = seen(list(replay_composite(rule, children, 0, name="top", arn="arn:top")))
    assert [change for change in found if change[0]] == [
        (600, "OK", "ALARM"),
        (900, "ALARM", "OK"),
        (1200, "OK", "ALARM"),
    ]


def test_a_state_that_stands_already_does_not_change_at_the_start() -> None:
    before = AlarmState("OK", "before", {"triggeringAlarms": []}, 5.0)
    found = seen(list(replay_composite(BOTH, {"long": LONG, "short": SHORT}, 0, before, name="page", arn="arn:page")))
    assert found[0] == (600, "OK", "ALARM")


def test_a_child_that_is_not_there_is_in_no_state() -> None:
    rule = parse_rule('ALARM("long") AND NOT OK("gone")')
    assert seen(list(replay_composite(rule, {"long": LONG}, 0, name="c", arn="arn:c"))) == [
        (0, "INSUFFICIENT_DATA", "OK"),
        (600, "OK", "ALARM"),
        (4200, "ALARM", "OK"),
    ]
