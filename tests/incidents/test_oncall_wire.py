"""From an alarm over SNS and HTTP to an incident, by real servers; and what else may come to the receiver."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from kit.incidents.history import catch_up
from kit.incidents.subscription import subscribe
from tests.incidents.conftest import envelope

if TYPE_CHECKING:
    from tests.incidents.conftest import Duty

Eventually = Callable[[Callable[[], Any]], Any]


def post(url: str, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {key.replace("_", "-"): value for key, value in headers.items()}
    return urllib3.request("POST", url, body=data, headers=fields, retries=False, timeout=10)


def test_an_alarm_becomes_an_incident_and_its_end_is_noted(duty: Duty, eventually: Eventually) -> None:
    duty.subscribed(eventually)
    name = f"shop-{uuid.uuid4()}"
    duty.alarm(name)
    duty.turn(name, "ALARM", "30 of 100 failed")
    (found,) = eventually(duty.incidents)
    assert (found.title, found.state, found.severity, found.pages) == (name, "open", "page", 1)
    assert found.timeline[0].text == "30 of 100 failed"
    assert abs(found.opened - time.time()) < 20
    duty.turn(name, "OK", "over")
    eventually(lambda: duty.incidents()[0].alarms == {name: "OK"})
    shown = urllib3.request("GET", f"{duty.url}/api/oncall", retries=False).json()
    assert [entry["kind"] for entry in shown["incidents"][0]["timeline"]] == ["page", "ok"]
    assert shown["trouble"] is None


def test_tickets_are_told_from_pages_by_their_topic(duty: Duty, eventually: Eventually) -> None:
    duty.subscribed(eventually)
    name = f"shop-{uuid.uuid4()}"
    duty.alarm(name, "ticket")
    duty.turn(name, "ALARM")
    (found,) = eventually(duty.incidents)
    assert found.severity == "ticket"


def test_an_ok_of_nothing_is_nothing(duty: Duty, eventually: Eventually) -> None:
    duty.subscribed(eventually)
    quiet, loud = f"shop-{uuid.uuid4()}", f"shop-{uuid.uuid4()}"
    duty.alarm(quiet)
    duty.turn(quiet, "OK")
    duty.alarm(loud)
    duty.turn(loud, "ALARM")
    (found,) = eventually(duty.incidents)
    assert found.title == loud


def test_subscribing_again_changes_nothing_and_an_older_address_goes(duty: Duty, eventually: Eventually) -> None:
    duty.subscribed(eventually)
    sns, topics = duty.client("sns"), duty.settings.stage.actions.values()
    assert list(subscribe(sns, topics, duty.endpoint)) == []
    assert len(list(subscribe(sns, topics, duty.endpoint.replace("sns/", "sns/another")))) == 2
    listed = sns.list_subscriptions_by_topic(TopicArn=duty.settings.stage.actions["page"])["Subscriptions"]
    assert duty.endpoint not in {one["Endpoint"] for one in listed}


def test_what_came_while_nothing_listened_is_taken_from_the_history_once(duty: Duty, eventually: Eventually) -> None:
    name = f"shop-{uuid.uuid4()}"
    duty.alarm(name)
    duty.turn(name, "ALARM", "nobody heard")
    cloudwatch, actions = duty.client("cloudwatch"), duty.settings.stage.actions
    eventually(lambda: catch_up(cloudwatch, duty.inbox, actions, time.time()))
    duty.subscribed(eventually)
    duty.turn(name, "OK", "over")
    eventually(lambda: duty.incidents()[0].alarms == {name: "OK"})
    eventually(lambda: catch_up(cloudwatch, duty.inbox, actions, time.time()) == 2)
    (found,) = duty.incidents()
    assert [(entry.kind, entry.text) for entry in found.timeline] == [("page", "nobody heard"), ("ok", "over")]


def test_a_silenced_alarm_is_no_page_in_the_history_either(duty: Duty) -> None:
    name = f"shop-{uuid.uuid4()}"
    duty.alarm(name)
    duty.client("cloudwatch").disable_alarm_actions(AlarmNames=[name])
    duty.turn(name, "ALARM")
    time.sleep(0.3)
    assert catch_up(duty.client("cloudwatch"), duty.inbox, duty.settings.stage.actions, time.time()) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        json.dumps({"Type": "Notification"}).encode(),
        json.dumps(envelope("m", topic="arn:aws:sns:us-east-1:999999999999:page")).encode(),
        json.dumps(envelope("m", kind="Surprise")).encode(),
    ],
)
def test_what_is_no_message_of_the_stage_is_refused(duty: Duty, body: bytes) -> None:
    assert post(duty.endpoint, body).status == 403
    assert duty.incidents() == []


def test_only_who_knows_the_address_may_post_and_not_without_end(duty: Duty) -> None:
    message = envelope("m", topic=duty.settings.stage.actions["page"])
    assert post(duty.endpoint[:-1] + "x", message).status == 404
    assert post(duty.endpoint, b"x" * 400_000).status == 413
    assert duty.incidents() == []


def test_a_message_that_no_alarm_sent_is_an_incident_too(duty: Duty) -> None:
    message = envelope("The vendor called.", topic=duty.settings.stage.actions["page"], Subject="Look at the till")
    assert post(duty.endpoint, message).status == 200
    assert post(duty.endpoint, message).status == 200
    (found,) = duty.incidents()
    assert (found.title, found.pages, found.alarms) == ("Look at the till", 1, {"": "ALARM"})


def test_a_page_of_another_origin_cannot_acknowledge(duty: Duty) -> None:
    assert post(duty.endpoint, envelope("m", topic=duty.settings.stage.actions["page"])).status == 200
    url = f"{duty.url}/api/oncall/1/ack"
    assert post(url, {}, Content_Type="text/plain").status == 415
    assert post(url, b"actor=x", Content_Type="application/x-www-form-urlencoded").status == 415
    assert post(url, {}, Content_Type="application/json", Sec_Fetch_Site="cross-site").status == 415
    assert post(url, {}, Content_Type="application/json", Host="evil.example").status == 421
    assert urllib3.request("GET", url, retries=False).status == 405
    preflight = urllib3.request("OPTIONS", url, headers={"Origin": "http://evil.example"}, retries=False)
    assert not [name for name in preflight.headers if name.lower().startswith("access-control")]
    assert duty.incidents()[0].state == "open"


def test_acknowledge_note_and_resolve_by_the_page_s_requests(duty: Duty) -> None:
    assert post(duty.endpoint, envelope("m", topic=duty.settings.stage.actions["page"])).status == 200

    def act(kind: str, **body: str) -> urllib3.BaseHTTPResponse:
        return post(f"{duty.url}/api/oncall/1/{kind}", body, Content_Type="application/json")

    assert act("ack", actor="Ada").json()["incident"]["acknowledged_by"] == "Ada"
    assert act("ack", actor="Bob").json()["incident"]["acknowledged_by"] == "Ada"
    assert act("note", actor="Ada", text="looking\x00 at it").status == 200
    assert act("note", text=" ").status == 400
    assert act("resolve", actor="Ada").json()["incident"]["state"] == "resolved"
    assert act("ack").status == 503
    assert act("dance").status == 404
    missing = post(f"{duty.url}/api/oncall/9/ack", {}, Content_Type="application/json")
    assert missing.status == 404
    assert post(f"{duty.url}/api/oncall/1/note", b"{", Content_Type="application/json").status == 400
    (found,) = duty.incidents()
    kinds = [(entry.kind, entry.actor, entry.text) for entry in found.timeline][1:]
    assert kinds == [("ack", "Ada", ""), ("note", "Ada", "looking at it"), ("resolve", "Ada", "")]


def test_without_cloudwatch_the_inbox_is_still_shown(duty: Duty) -> None:
    assert post(duty.endpoint, envelope("m", topic=duty.settings.stage.actions["page"])).status == 200
    object.__setattr__(duty.settings, "endpoint_url", "http://127.0.0.1:9")
    shown = urllib3.request("GET", f"{duty.url}/api/oncall", retries=False, timeout=60).json()
    assert len(shown["incidents"]) == 1
    assert "no answer" in shown["trouble"]["problem"]
