"""Charges: once per key."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from werkzeug.test import TestResponse

GOOD = {"order_id": "o1", "amount_cents": 2900, "currency": "EUR", "card_token": "tok_visa"}


def charge(app: Flask, key: str | None = "k1", **changed: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return app.test_client().post("/charges", json={**GOOD, **changed}, headers=headers)


def test_a_charge_is_captured(payments_app: Flask) -> None:
    answer = charge(payments_app)
    assert answer.status_code == 201
    assert answer.get_json() | {"charge_id": ""} == {
        "charge_id": "",
        "order_id": "o1",
        "amount_cents": 2900,
        "currency": "EUR",
        "status": "captured",
    }


def test_the_same_key_answers_the_same_charge_again(payments_app: Flask) -> None:
    first, again = charge(payments_app), charge(payments_app, card_token="tok_another")
    assert again.status_code == 201
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_a_declined_card_stays_declined_under_its_key(payments_app: Flask) -> None:
    assert charge(payments_app, card_token="tok_declined").status_code == 402
    again = charge(payments_app)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (402, "true")
    assert charge(payments_app, key="k2").status_code == 201


def test_a_key_cannot_be_used_for_another_charge(payments_app: Flask) -> None:
    charge(payments_app)
    assert charge(payments_app, amount_cents=1).status_code == 422


def test_many_at_once_with_one_key_make_one_charge(payments_app: Flask) -> None:
    answers: list[TestResponse] = []
    threads = [threading.Thread(target=lambda: answers.append(charge(payments_app))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["charge_id"] for answer in answers}) == 1
    with payments_app.extensions["payments"].database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM charges")) == 1


@pytest.mark.parametrize("key", [None, "", "two words", "é", "k" * 256])
def test_a_missing_or_odd_key_is_refused(payments_app: Flask, key: str | None) -> None:
    assert charge(payments_app, key=key).status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"amount_cents": 0}, {"amount_cents": -5}, {"amount_cents": 10**9}, {"currency": "XXX"}, {"card": "4242"}]
)
def test_a_charge_that_makes_no_sense_is_refused(payments_app: Flask, wrong: dict[str, Any]) -> None:
    answer = charge(payments_app, **wrong)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_no_card_is_kept(payments_app: Flask) -> None:
    charge(payments_app, card_token="tok_to_be_forgotten")
    with payments_app.extensions["payments"].database.begin() as session:
        assert "forgotten" not in str(session.execute(text("SELECT * FROM charges")).all())


@given(
    body=st.fixed_dictionaries(
        {},
        optional={
            "order_id": st.text() | st.just("o1"),
            "amount_cents": st.integers() | st.floats() | st.none(),
            "currency": st.sampled_from(["EUR", "USD", "eur", ""]),
            "card_token": st.text() | st.just("tok_visa"),
        },
    )
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_json_makes_payments_fail(payments_app: Flask, body: dict[str, object]) -> None:
    answer = payments_app.test_client().post("/charges", json=body, headers={"Idempotency-Key": "k-fuzz"})
    assert answer.status_code in (201, 400, 422)
