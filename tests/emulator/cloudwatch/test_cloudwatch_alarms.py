"""Alarms that live: when they are evaluated, and what they become."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch import ticker
from kit.emulator.cloudwatch.engine import Engine
from kit.evaluation.alarm import evaluate
from kit.evaluation.state import AlarmState

from .conftest import ACCOUNT, REGION, TEN, TOPIC, World


def test_a_new_alarm_has_insufficient_data_until_its_first_evaluation(world: World) -> None:
    world.until(5)
    world.alarm("a", TreatMissingData="notBreaching")
    assert world.described("a")["StateReason"] == "Unchecked: Initial alarm creation"
    world.until(60)
    assert world.state("a") == "INSUFFICIENT_DATA"
    world.until(61)
    assert world.states("a") == [(61, "OK")]


def test_an_alarm_without_data_says_so_and_does_not_act(world: World) -> None:
    world.alarm("a", InsufficientDataActions=[TOPIC])
    world.until(61)
    assert world.states("a") == []
    assert world.described("a")["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    assert world.described("a")["StateTransitionedTimestamp"] == TEN
    assert world.published == []


def test_a_minute_alarm_fires_at_the_tick_after_its_minute(world: World) -> None:
    world.alarm("a")
    world.put("Fault", 11, at=59.9)
    world.until(60.9)
    assert world.state("a") == "INSUFFICIENT_DATA"
    world.until(61)
    assert world.states("a") == [(61, "ALARM")]


def test_a_ten_second_alarm_fires_at_the_tick_after_its_ten_seconds(world: World) -> None:
    world.alarm("a", Period=10)
    world.put("Fault", 11, at=23, StorageResolution=1)
    world.until(120)
    # the point is reached back for while it is in the range of three periods, then nothing is known
    assert world.states("a") == [(31, "ALARM"), (61, "INSUFFICIENT_DATA")]


def test_data_that_arrives_on_the_tick_itself_is_seen(world: World) -> None:
    world.alarm("a", Period=10)
    world.until(30)
    world.put("Fault", 11, at=29.999, StorageResolution=1)
    world.until(31)
    assert world.states("a") == [(31, "ALARM")]


def test_a_period_of_five_minutes_slides_by_the_minute(world: World) -> None:
    """Three faults a minute: the five minutes from 10:02 to 10:07 are the first to hold more than ten."""
    world.alarm("a", Period=300)
    for minute in range(10):
        world.put("Fault", 3 if minute >= 3 else 0, at=60 * minute)
    world.until(600)
    assert [at for at, state in world.states("a") if state == "ALARM"] == [7 * 60 + 1]


def test_two_of_three_datapoints_alarm(world: World) -> None:
    world.alarm("a", EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, value in enumerate([0, 20, 0, 20, 0, 0]):
        world.put("Fault", value, at=60 * minute)
    world.until(361)
    assert world.states("a") == [(61, "OK"), (241, "ALARM"), (301, "OK")]


@pytest.mark.parametrize(
    ("policy", "after"),
    [("missing", "INSUFFICIENT_DATA"), ("ignore", "OK"), ("breaching", "ALARM"), ("notBreaching", "OK")],
)
def test_when_data_stops_the_policy_decides_once_the_last_point_has_left_the_range(
    world: World, policy: str, after: str
) -> None:
    world.alarm("a", TreatMissingData=policy)
    world.put("Fault", 0, at=30)
    world.until(181)
    assert world.state("a") == "OK"  # the range is three minutes: N + 2
    world.until(241)
    assert world.state("a") == after


def test_hours_pass_and_every_change_acts_once(world: World) -> None:
    world.alarm("a", AlarmActions=[TOPIC], OKActions=[TOPIC])
    for minute in range(240):
        world.record("Fault", 20 if minute // 30 % 2 else 0, 60 * minute)
    world.until(240 * 60 + 1)
    states = [state for _, state in world.states("a")]
    assert states == ["OK", "ALARM"] * 4
    assert [subject.split(":")[0] for _, subject, _ in world.published] == states
    assert len(world.history("a", "Action")) == 8


def test_an_evaluation_that_was_slept_through_is_not_made_up_for(world: World) -> None:
    world.alarm("a")
    world.put("Fault", 20, at=30)
    world.clock.advance(3600)
    world.put("Fault", 0, at=3570)
    world.engine.run_due(world.clock.now())
    assert world.states("a") == []  # the tick of 11:00 settles until 11:00:01; that of 10:59:50 is due, no minute is
    world.until(3601)
    assert world.states("a") == [(3601, "OK")]


def test_a_clock_that_is_set_back_does_not_stop_the_evaluation() -> None:
    clock = ManualClock(TEN)
    engine = Engine(REGION, ACCOUNT, clock, lambda *_: None, background=False)
    clock._now -= 7200
    assert engine.next_due() <= clock.now() + 11


def test_an_update_keeps_the_state_and_replaces_everything_else(world: World) -> None:
    world.alarm("a", AlarmDescription="first", AlarmActions=[TOPIC])
    world.put("Fault", 20, at=30)
    world.until(61)
    world.alarm("a", Threshold=100)
    found = world.described("a")
    assert found["StateValue"] == "ALARM"
    assert found["StateTransitionedTimestamp"] == TEN + 61
    assert found["Threshold"] == 100
    assert found["AlarmActions"] == []
    assert "AlarmDescription" not in found


def test_an_alarm_with_actions_off_changes_state_silently(world: World) -> None:
    world.alarm("a", AlarmActions=[TOPIC], ActionsEnabled=False)
    world.put("Fault", 20, at=30)
    world.until(61)
    assert world.state("a") == "ALARM"
    assert world.published == []
    assert world.history("a", "Action") == []


def test_actions_follow_enable_and_disable(world: World) -> None:
    world.alarm("a", AlarmActions=[TOPIC], ActionsEnabled=False)
    world("EnableAlarmActions", AlarmNames=["a", "nobody"])
    assert world.described("a")["ActionsEnabled"] is True
    world("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="try")
    world("DisableAlarmActions", AlarmNames=["a"])
    world("SetAlarmState", AlarmName="a", StateValue="OK", StateReason="try")
    world("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="try")
    assert len(world.published) == 1


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(world: World) -> None:
    world.alarm("a", TreatMissingData="notBreaching", AlarmActions=[TOPIC])
    world.until(61)
    world("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="drill", StateReasonData='{"why": "drill"}')
    found = world.described("a")
    assert (found["StateValue"], found["StateReason"]) == ("ALARM", "drill")
    assert json.loads(found["StateReasonData"]) == {"why": "drill"}
    assert len(world.published) == 1
    world.until(121)
    assert world.state("a") == "OK"


def test_setting_the_state_that_stands_changes_its_reason_only(world: World) -> None:
    world.alarm("a", InsufficientDataActions=[TOPIC])
    world.until(5)
    world("SetAlarmState", AlarmName="a", StateValue="INSUFFICIENT_DATA", StateReason="again")
    found = world.described("a")
    assert found["StateReason"] == "again"
    assert found["StateUpdatedTimestamp"] == TEN + 5
    assert found["StateTransitionedTimestamp"] == TEN
    assert world.published == []
    assert world.states("a") == []


def test_an_alarm_that_cannot_be_evaluated_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(definition: Any, *rest: Any) -> Any:
        if definition.name == "a":
            raise ZeroDivisionError
        return evaluate(definition, *rest)

    monkeypatch.setattr(ticker, "evaluate", broken)
    world.alarm("a")
    world.alarm("b")
    world.put("Fault", 20, at=30)
    world.until(61)
    assert world.state("b") == "ALARM"
    assert world.described("a")["EvaluationState"] == "EVALUATION_FAILURE"
    assert "'a' could not be evaluated" in caplog.text


def test_a_replaced_alarm_is_not_given_the_old_ones_verdict(world: World) -> None:
    world.alarm("a")
    old = world.engine.alarms.get("a")
    assert old is not None
    world.alarm("a", Threshold=1000)
    world.engine.alarms.enter([(old, AlarmState("ALARM", "late"))])
    assert world.state("a") == "INSUFFICIENT_DATA"


def test_five_hundred_alarms_are_evaluated_in_well_under_a_second(world: World) -> None:
    for number in range(500):
        world.alarm(f"a{number}", TreatMissingData="notBreaching", EvaluationPeriods=5, DatapointsToAlarm=3)
    for minute in range(10):
        world.put("Fault", 1, at=60 * minute)
    world.clock.advance(601)
    before = time.process_time()
    world.engine.run_due(world.clock.now())
    assert time.process_time() - before < 1.0  # 5 % of a core over the minute would be 3 s
    assert world.state("a499") == "OK"
