"""A composite alarm whose actions are suppressed, from PutCompositeAlarm to the notification, on a clock moved by hand.

Rules: User Guide, "Suppressing composite alarm actions".
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import ACCOUNT, REGION, TOPIC, World

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"


def _put(world: World, **changes: Any) -> None:
    params: dict[str, Any] = {
        "AlarmName": "page",
        "AlarmRule": "ALARM(fault)",
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
        "ActionsSuppressor": "deploying",
        "ActionsSuppressorWaitPeriod": 120,
        "ActionsSuppressorExtensionPeriod": 180,
    }
    world("PutCompositeAlarm", **{key: value for key, value in (params | changes).items() if value is not None})


def _set(world: World, name: str, state: str) -> None:
    world("SetAlarmState", AlarmName=name, StateValue=state, StateReason="by hand")


def _suppressed(world: World) -> str | None:
    shown = world.described("page")
    by: str | None = shown.get("ActionsSuppressedBy")
    assert shown.get("ActionsSuppressedReason") == (f"Actions suppressed by {by}" if by else None)
    return by


def _told(world: World) -> list[str]:
    return [body["NewStateValue"] for _, _, body in world.published]


@pytest.fixture
def page(world: World) -> World:
    """``page`` is in ALARM when ``fault`` is; ``deploying`` suppresses it. It is ten past ten, and all are OK."""
    for name in ("fault", "deploying", "releasing"):
        world.alarm(name, TreatMissingData="ignore")
        _set(world, name, "OK")
    _put(world)
    world.until(600)
    assert world.state("page") == "OK"
    world.published.clear()
    return world


def test_a_page_waits_for_the_wait_period_and_is_then_sent(page: World) -> None:
    _set(page, "fault", "ALARM")
    assert (page.state("page"), _suppressed(page), _told(page)) == ("ALARM", "WaitPeriod", [])
    page.until(719)
    assert (_suppressed(page), _told(page)) == ("WaitPeriod", [])
    page.until(720)
    assert (_suppressed(page), _told(page)) == (None, ["ALARM"])
    page.until(2000)
    assert _told(page) == ["ALARM"]


def test_a_suppressor_that_alarms_while_it_waits_holds_the_page_until_the_extension_period_is_over(page: World) -> None:
    _set(page, "fault", "ALARM")
    page.until(660)
    _set(page, "deploying", "ALARM")
    assert _suppressed(page) == "Alarm"
    page.until(1800)
    _set(page, "deploying", "OK")
    assert _suppressed(page) == "ExtensionPeriod"
    page.until(1979)
    assert _told(page) == []
    page.until(1980)
    assert (_suppressed(page), _told(page)) == (None, ["ALARM"])


def test_what_recovers_while_it_is_suppressed_tells_of_its_recovery_only(page: World) -> None:
    _set(page, "deploying", "ALARM")
    _set(page, "fault", "ALARM")
    page.until(900)
    _set(page, "deploying", "OK")
    page.until(960)
    _set(page, "fault", "OK")
    assert _suppressed(page) == "WaitPeriod"
    page.until(2000)
    assert _told(page) == ["OK"]


def test_a_suppressor_whose_tick_is_the_end_of_the_wait_period_still_suppresses(world: World) -> None:
    world.alarm("fault", TreatMissingData="notBreaching")
    world.alarm("deploying", MetricName="Deploying", Threshold=0, TreatMissingData="notBreaching")
    _put(world, ActionsSuppressorWaitPeriod=60)
    world.until(110)
    world.published.clear()
    world.put("Fault", 20, at=90)
    world.until(130)
    assert (world.state("page"), _suppressed(world)) == ("ALARM", "WaitPeriod")
    world.put("Deploying", 1, at=130)
    world.until(200)
    assert (_suppressed(world), _told(world)) == ("Alarm", [])


def test_another_suppressor_drops_the_timer_and_the_page_is_sent(page: World) -> None:
    _set(page, "fault", "ALARM")
    _put(page, ActionsSuppressor="releasing")
    assert (_suppressed(page), _told(page)) == (None, ["ALARM"])


def test_the_same_suppressor_by_its_arn_keeps_the_timer(page: World) -> None:
    _set(page, "fault", "ALARM")
    _put(page, ActionsSuppressor=f"{ARN}deploying", AlarmDescription="new")
    assert (_suppressed(page), _told(page)) == ("WaitPeriod", [])


def test_a_suppressor_taken_away_lets_the_page_go(page: World) -> None:
    _set(page, "deploying", "ALARM")
    _set(page, "fault", "ALARM")
    nothing = {"ActionsSuppressorWaitPeriod": None, "ActionsSuppressorExtensionPeriod": None}
    _put(page, ActionsSuppressor=None, **nothing)
    assert (_suppressed(page), _told(page)) == (None, ["ALARM"])


def test_a_deleted_suppressor_counts_as_one_that_left_alarm(page: World) -> None:
    _set(page, "deploying", "ALARM")
    _set(page, "fault", "ALARM")
    page("DeleteAlarms", AlarmNames=["deploying"])
    assert _suppressed(page) == "ExtensionPeriod"
    page.until(780)
    assert _told(page) == ["ALARM"]


def test_actions_disabled_while_a_page_waits_are_not_taken(page: World) -> None:
    _set(page, "fault", "ALARM")
    page("DisableAlarmActions", AlarmNames=["page"])
    page.until(1000)
    assert (_suppressed(page), _told(page)) == (None, [])


def test_the_history_tells_what_held_the_actions_back(page: World) -> None:
    _set(page, "fault", "ALARM")
    page.until(660)
    _set(page, "deploying", "ALARM")
    page.until(720)
    _set(page, "deploying", "OK")
    page.until(1000)
    items = [item for item in page.history("page", "Action") if item["Timestamp"] >= page.clock.now() - 400]
    assert [item["HistorySummary"] for item in items] == [
        "Actions suppressed by WaitPeriod",
        "Actions suppressed by Alarm",
        "Actions suppressed by ExtensionPeriod",
        "Actions no longer suppressed by ExtensionPeriod",
        f"Successfully executed action {TOPIC}",
    ]
    assert json.loads(items[0]["HistoryData"])["actionsSuppressor"] == "deploying"


def test_metric_alarms_below_a_suppressed_composite_act_as_ever(page: World) -> None:
    page.alarm("fault", TreatMissingData="ignore", AlarmActions=[TOPIC])
    _set(page, "fault", "ALARM")
    assert [body["AlarmName"] for _, _, body in page.published] == ["fault"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ActionsSuppressor": "nobody"}, "actions suppressor nobody does not exist"),
        ({"ActionsSuppressorWaitPeriod": None}, "are required with ActionsSuppressor"),
        ({"ActionsSuppressorExtensionPeriod": None}, "are required with ActionsSuppressor"),
        ({"ActionsSuppressor": None}, "ActionsSuppressor is required"),
        ({"ActionsSuppressorWaitPeriod": -1}, "0 seconds or more"),
    ],
)
def test_an_incomplete_suppressor_is_refused(page: World, changes: dict[str, Any], text: str) -> None:
    params = {
        "AlarmName": "page",
        "AlarmRule": "ALARM(fault)",
        "ActionsSuppressor": "deploying",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 60,
    }
    given = {key: value for key, value in (params | changes).items() if value is not None}
    code, message = page.refusal("PutCompositeAlarm", **given)
    assert code == "ValidationError"
    assert text in message


def test_a_cycle_of_composites_is_not_evaluated_until_a_rule_of_false_breaks_it(page: World) -> None:
    page("PutCompositeAlarm", AlarmName="chicken", AlarmRule="ALARM(fault)")
    page("PutCompositeAlarm", AlarmName="egg", AlarmRule="ALARM(chicken) OR ALARM(fault)")
    page.until(620)
    page("PutCompositeAlarm", AlarmName="chicken", AlarmRule="ALARM(egg)")
    _set(page, "fault", "ALARM")
    page.until(700)
    assert (page.state("chicken"), page.state("egg")) == ("OK", "OK")
    page("PutCompositeAlarm", AlarmName="chicken", AlarmRule="FALSE")
    page.until(720)
    assert (page.state("chicken"), page.state("egg")) == ("OK", "ALARM")
