"""Composite alarms that live: they follow their rules, in the tick of their children."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import ACCOUNT, REGION, TOPIC, World

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"


def composite(world: World, name: str, rule: str, **more: Any) -> None:
    world("PutCompositeAlarm", AlarmName=name, AlarmRule=rule, **more)


def set_state(world: World, name: str, state: str) -> None:
    world("SetAlarmState", AlarmName=name, StateValue=state, StateReason="test")


@pytest.mark.parametrize(
    ("rule", "a", "b", "becomes"),
    [
        ('ALARM("a") AND ALARM("b")', "ALARM", "OK", "OK"),
        ('ALARM("a") AND ALARM("b")', "ALARM", "ALARM", "ALARM"),
        ('ALARM("a") OR ALARM("b")', "OK", "ALARM", "ALARM"),
        ('ALARM("a") OR ALARM("b")', "OK", "OK", "OK"),
        ('ALARM("a") AND NOT ALARM("b")', "ALARM", "OK", "ALARM"),
        ('ALARM("a") AND NOT ALARM("b")', "ALARM", "ALARM", "OK"),
        ("ALARM(a) AND (OK(b) OR INSUFFICIENT_DATA(b))", "ALARM", "INSUFFICIENT_DATA", "ALARM"),
        (f'ALARM("{ARN}a")', "ALARM", "OK", "ALARM"),
        ("TRUE", "OK", "OK", "ALARM"),
    ],
)
def test_a_composite_follows_its_rule(world: World, rule: str, a: str, b: str, becomes: str) -> None:
    for name, state in (("a", a), ("b", b)):
        world.alarm(name, TreatMissingData="ignore")
        set_state(world, name, state)
    composite(world, "both", rule)
    assert world.state("both") == "INSUFFICIENT_DATA"
    world.until(11)
    assert world.state("both") == becomes


def test_a_composite_changes_in_the_tick_of_its_child_and_names_it(world: World) -> None:
    world.alarm("a", TreatMissingData="notBreaching")
    composite(world, "both", "ALARM(a)", AlarmActions=[TOPIC])
    world.until(2)
    world.put("Fault", 20, at=90)
    world.until(200)
    assert world.states("a") == [(1, "OK"), (121, "ALARM")]
    assert world.states("both") == [(1, "OK"), (121, "ALARM")]
    found = world.described("both")
    assert found["StateReason"] == f"{ARN}a transitioned to ALARM at Sunday 22 November, 2026 10:02:01 UTC"
    assert json.loads(found["StateReasonData"])["triggeringAlarms"][0]["arn"] == f"{ARN}a"
    body = world.published[0][2]
    assert body["AlarmRule"] == "ALARM(a)"
    assert body["TriggeringChildren"][0]["Arn"] == f"{ARN}a"


def test_a_tree_of_composites_settles_at_once_whatever_the_order_of_creation(world: World) -> None:
    world.alarm("leaf", TreatMissingData="ignore")
    composite(world, "z-middle", "ALARM(leaf)")
    composite(world, "a-top", "ALARM(z-middle)")
    composite(world, "m-top", "NOT ALARM(a-top)")
    world.until(11)
    set_state(world, "leaf", "ALARM")
    assert [world.state(name) for name in ("z-middle", "a-top", "m-top")] == ["ALARM", "ALARM", "OK"]
    assert [state for _, state in world.states("m-top")] == ["ALARM", "OK"]


def test_a_changed_rule_is_evaluated_anew_and_the_state_kept_until_then(world: World) -> None:
    world.alarm("a", TreatMissingData="ignore")
    composite(world, "c", "ALARM(a)")
    world.until(11)
    assert world.state("c") == "OK"
    composite(world, "c", "NOT ALARM(a)")
    assert world.state("c") == "OK"
    world.until(21)
    assert world.state("c") == "ALARM"


def test_alarms_in_a_cycle_are_not_evaluated_until_it_is_broken(world: World) -> None:
    world.alarm("a", TreatMissingData="ignore")
    composite(world, "c", "ALARM(a)")
    composite(world, "d", "ALARM(c)")
    composite(world, "above", "NOT ALARM(d)")
    composite(world, "c", "ALARM(d) OR ALARM(a)")
    set_state(world, "a", "ALARM")
    world.until(31)
    assert [world.state(name) for name in ("c", "d", "above")] == ["INSUFFICIENT_DATA"] * 3
    assert "depending on it" in world.refusal("DeleteAlarms", AlarmNames=["c"])[1]
    composite(world, "d", "FALSE")
    world.until(41)
    assert [world.state(name) for name in ("c", "d", "above")] == ["ALARM", "OK", "ALARM"]


def test_a_composite_set_by_hand_stays_until_a_child_changes(world: World) -> None:
    world.alarm("a", TreatMissingData="ignore")
    composite(world, "c", "ALARM(a)")
    world.until(11)
    set_state(world, "c", "ALARM")
    world.until(600)
    assert world.state("c") == "ALARM"
    set_state(world, "a", "OK")
    assert world.state("c") == "OK"
