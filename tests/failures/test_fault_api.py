"""The fault control's API: what it lists, sets, lifts, and refuses."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.failures.state import load

Control = Any


def test_it_lists_what_the_service_knows_and_what_is_set(control: Control) -> None:
    control.set(percent=30)
    listing = control.ask("GET", "/v1/faults").json
    known = {fault["name"]: fault for fault in listing["known"]}
    assert {"noop", "payment-errors", "payment-slow", "payment-blackhole", "payment-flapping"} <= known.keys()
    assert known["payment-slow"] == {
        "name": "payment-slow",
        "summary": "Payments takes longer for a share of charges.",
        "operation": "POST /charges",
        "percent": 100,
        "ms": 2000,
        "mb": None,
        "n": None,
    }
    assert listing["active"] == [
        {"name": "payment-errors", "percent": 30.0, "ms": None, "mb": None, "n": None, "scope": {}, "run": None}
        | {"expires_in_s": 600.0}
    ]


def test_a_dial_goes_so_far_and_no_further(control: Control) -> None:
    refused = control.ask("PUT", "/v1/faults/payment-slow", {"ms": 60_001})
    assert (refused.status_code, refused.json["detail"]) == (422, "payment-slow: ms goes from 1 to 60000.")
    assert control.active() == []


def test_a_fault_of_whole_processes_has_no_scope_and_no_percentage(shop_control: Control) -> None:
    refused = shop_control.ask("PUT", "/v1/faults/db-lock", {"scope": {"client": "c"}})
    assert (refused.status_code, refused.json["title"]) == (422, "Unprocessable Entity")
    assert "no scope" in refused.json["detail"]
    assert shop_control.ask("PUT", "/v1/faults/db-lock", {"percent": 5}).status_code == 422
    assert shop_control.active() == []


def test_a_fault_of_another_service_is_not_known_here(control: Control) -> None:
    assert control.ask("PUT", "/v1/faults/n-plus-one", {}).status_code == 404


def test_setting_again_replaces_the_dials(control: Control) -> None:
    control.set(percent=30)
    control.set(percent=60)
    assert load(control.path).faults["payment-errors"].percent == 60


def test_a_fault_without_a_dial_given_hits_everything(control: Control) -> None:
    assert control.set().json["percent"] == 100


def test_one_fault_can_be_lifted_and_the_others_stay(control: Control) -> None:
    control.set()
    control.set("noop")
    assert control.ask("DELETE", "/v1/faults/payment-errors").status_code == 204
    assert control.active() == ["noop"]


def test_all_faults_can_be_lifted_at_once(control: Control) -> None:
    control.set()
    control.set("noop")
    assert control.ask("DELETE", "/v1/faults").status_code == 204
    assert control.active() == []


def test_lifting_what_is_not_set_is_fine(control: Control) -> None:
    assert control.ask("DELETE", "/v1/faults/noop").status_code == 204
    assert control.ask("DELETE", "/v1/faults").status_code == 204


def test_a_fault_expires_by_itself(control: Control, clock: Any) -> None:
    control.set(expires_in_s=30)
    clock.now += 29.9
    assert control.active() == ["payment-errors"]
    clock.now += 0.1
    assert control.active() == []


def test_a_fault_of_a_run_ends_when_its_heartbeat_stops(control: Control, clock: Any) -> None:
    control.set(run="r1")
    control.set("noop")
    for _ in range(3):
        clock.now += 6
        assert control.ask("POST", "/v1/heartbeat", {"run": "r1"}).status_code == 200
    assert control.active() == ["noop", "payment-errors"]
    clock.now += 10
    assert control.active() == ["noop"]


def test_a_run_that_never_sends_a_heartbeat_loses_its_faults(control: Control, clock: Any) -> None:
    control.set(run="r1")
    clock.now += 10
    assert control.active() == []


def test_a_fault_that_ended_with_its_run_does_not_wake_up_with_a_late_heartbeat(control: Control, clock: Any) -> None:
    control.set(run="r1")
    clock.now += 11
    control.ask("POST", "/v1/heartbeat", {"run": "r1"})
    assert control.active() == []


@pytest.mark.parametrize("token", [None, "", "wrong", "a-token-for-tests-onl", "a-token-for-tests-only2", "ü"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/faults"), ("DELETE", "/v1/faults"), ("POST", "/v1/heartbeat"), ("GET", "/x")]
)
def test_without_the_token_nothing_is_told_or_done(control: Control, token: str | None, method: str, path: str) -> None:
    control.set()
    answer = control.ask(method, path, token=token)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.mimetype == "application/problem+json"
    assert control.active() == ["payment-errors"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/v1/faults/payment-errors", {"percent": 0}, 422),
        ("PUT", "/v1/faults/payment-errors", {"percent": 101}, 422),
        ("PUT", "/v1/faults/payment-errors", {"percent": "30"}, 422),
        ("PUT", "/v1/faults/payment-errors", {"percentage": 30}, 422),
        ("PUT", "/v1/faults/payment-errors", {"ms": 100}, 422),
        ("PUT", "/v1/faults/payment-errors", {"expires_in_s": 0}, 422),
        ("PUT", "/v1/faults/payment-errors", {"expires_in_s": 86_400}, 422),
        ("PUT", "/v1/faults/payment-errors", {"scope": {"host": "x"}}, 422),
        ("PUT", "/v1/faults/payment-errors", {"run": "two words"}, 422),
        ("PUT", "/v1/faults/payment-errors", [], 422),
        ("PUT", "/v1/faults/unheard-of", {}, 404),
        ("DELETE", "/v1/faults/unheard-of", None, 404),
        ("POST", "/v1/heartbeat", {}, 422),
        ("POST", "/v1/heartbeat", {"run": "r", "ttl_s": 3600}, 422),
        ("POST", "/v1/faults", {}, 405),
        ("GET", "/v1/faults/noop", None, 405),
        ("GET", "/", None, 404),
        ("GET", "/v1/faults/", None, 404),
        ("GET", "/v1/faults/a/b", None, 404),
    ],
)
def test_what_makes_no_sense_is_answered_by_a_problem_document(
    control: Control, method: str, path: str, body: object, status: int
) -> None:
    answer = control.ask(method, path, body)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert control.active() == []


def test_a_large_or_malformed_body_is_refused(control: Control) -> None:
    assert control.ask("PUT", "/v1/faults/noop", data=b"{").status_code == 400
    assert control.ask("PUT", "/v1/faults/noop", data=b"\xff").status_code == 400
    assert control.ask("PUT", "/v1/faults/noop", data=b" " * 5000).status_code == 413


@given(body=st.binary(max_size=60) | st.text().map(lambda text: json.dumps({"scope": {"client": text}}).encode()))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_body_makes_the_control_fail(control: Control, body: bytes) -> None:
    assert control.ask("PUT", "/v1/faults/noop", data=body).status_code in (200, 400, 422)


def test_changes_made_at_once_are_all_kept(control: Control) -> None:
    threads = [
        threading.Thread(target=control.ask, args=("POST", "/v1/heartbeat", {"run": f"r{number}"}))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load(control.path).runs) == 12


def test_a_state_that_cannot_be_written_is_a_problem_not_a_silence(control: Control) -> None:
    control.path.parent.write_text("a file where the folder should be")
    answer = control.ask("PUT", "/v1/faults/noop", {})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
