"""Faults in an app: who is hit, how often, and who never."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine

from service import problem_handlers
from service.failures import injection
from service.failures.state import Scope, Setting, State, save

Set = Callable[..., Flask]


@pytest.fixture
def payments_with(state: Path) -> Set:
    """A small app with the routes of payments, and one setting of payment-errors."""

    def make(name: str = "payment-errors", **setting: object) -> Flask:
        save(state, State(faults={name: Setting(expires_at=time.time() + 60, **setting)}))  # type: ignore[arg-type]  # by test
        app = Flask("payments")
        problem_handlers.install(app)
        app.add_url_rule("/charges", view_func=lambda: ("charged", 201), methods=["POST"])
        app.add_url_rule("/charges/<charge_id>", "one", view_func=lambda charge_id: charge_id)
        app.add_url_rule("/healthz", "healthz", view_func=lambda: "up")
        injection.install(app, "payments", state, create_engine("sqlite://"))
        return app

    return make


def statuses(app: Flask, times: int, **headers: str) -> Counter[int]:
    client = app.test_client()
    return Counter(client.post("/charges", headers=headers).status_code for _ in range(times))


def test_a_full_fault_hits_every_charge_with_a_503(payments_with: Set) -> None:
    app = payments_with(percent=100)
    answer = app.test_client().post("/charges")
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Retry-After"]
    assert statuses(app, 50) == {503: 50}


def test_the_answer_does_not_give_the_fault_away(payments_with: Set) -> None:
    answer = payments_with(percent=100).test_client().post("/charges")
    assert "payment-errors" not in answer.text
    assert "fault" not in answer.text


@pytest.mark.parametrize("percent", [10, 30, 75])
def test_the_percentage_is_honoured(payments_with: Set, percent: int) -> None:
    hit = statuses(payments_with(percent=percent), 2000)[503]
    five_deviations = 5 * (2000 * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(hit - 2000 * percent / 100) < five_deviations


def test_other_operations_are_spared(payments_with: Set) -> None:
    client = payments_with(percent=100).test_client()
    assert client.get("/charges/c1").status_code == 200
    assert client.get("/nowhere").status_code == 404


def test_a_scope_moves_the_fault_to_another_operation(payments_with: Set) -> None:
    app = payments_with(percent=100, scope=Scope(operation="GET /charges/{charge_id}"))
    assert app.test_client().get("/charges/c1").status_code == 503
    assert app.test_client().post("/charges").status_code == 201


def test_a_scope_can_pick_one_client_by_its_name_or_address(payments_with: Set) -> None:
    app = payments_with(percent=100, scope=Scope(client="robot-7"))
    assert statuses(app, 5, **{"X-Client-Id": "robot-7"}) == {503: 5}
    assert statuses(app, 5, **{"X-Client-Id": "robot-8"}) == {201: 5}
    assert statuses(app, 5) == {201: 5}
    assert statuses(payments_with(percent=100, scope=Scope(client="127.0.0.1")), 5) == {503: 5}


def test_health_checks_are_never_hit(payments_with: Set) -> None:
    app = payments_with(percent=100, scope=Scope(operation="GET /healthz"))
    assert app.test_client().get("/healthz").status_code == 200


def test_the_noop_fault_does_nothing(payments_with: Set) -> None:
    assert statuses(payments_with("noop", percent=100), 20) == {201: 20}


def test_a_fault_that_the_service_does_not_know_does_nothing(payments_with: Set) -> None:
    assert statuses(payments_with("unheard-of"), 20) == {201: 20}
