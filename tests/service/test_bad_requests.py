"""Whatever a client sends, the answer is a problem document with the right status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

UNKNOWN = "f" * 32
JSON = {"Content-Type": "application/json"}
LINE = f"/carts/{UNKNOWN}/lines"

BAD: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/nowhere", {}, 404),
    ("GET", "/items/never-sold", {}, 404),
    ("GET", "/items/%00", {}, 404),
    ("GET", "/items/%ff%fe", {}, 404),
    ("GET", f"/carts/{UNKNOWN}", {}, 404),
    ("GET", "/carts/'; DROP TABLE carts", {}, 404),
    ("GET", f"/orders/{UNKNOWN}", {}, 404),
    ("DELETE", "/items", {}, 405),
    ("GET", "/checkout", {}, 405),
    ("POST", LINE, {"json": {"item_id": "tamper"}}, 404),
    ("POST", LINE, {"data": "{}"}, 415),
    ("POST", LINE, {"data": {"item_id": "tamper"}}, 415),
    ("POST", "/checkout", {"data": "", "headers": JSON}, 400),
    ("POST", "/checkout", {"data": "{", "headers": JSON}, 400),
    ("POST", "/checkout", {"data": b"\xff\xfe", "headers": JSON}, 400),
    ("POST", "/checkout", {"data": '{"cart_id": NaN}', "headers": JSON}, 400),
    ("POST", "/checkout", {"data": '{"cart_id": "\\ud800"}', "headers": JSON}, 400),
    ("POST", "/checkout", {"data": "[" * 9000, "headers": JSON}, 422),
    ("POST", "/checkout", {"data": '{"x":' + "[" * 9000, "headers": JSON}, 422),
    ("POST", "/checkout", {"data": '"' + "x" * 20_000 + '"', "headers": JSON}, 413),
    ("POST", "/checkout", {"json": []}, 422),
    ("POST", "/checkout", {"json": {}}, 422),
    ("POST", "/checkout", {"json": {"cart_id": 7, "card_token": "tok_visa"}}, 422),
    ("POST", "/checkout", {"json": {"cart_id": UNKNOWN, "card_token": "tok visa"}}, 422),
    ("POST", "/checkout", {"json": {"cart_id": UNKNOWN, "card_token": "tok_visa", "email": "nobody"}}, 422),
    ("POST", "/checkout", {"json": {"cart_id": UNKNOWN, "card_token": "tok_visa", "colour": "red"}}, 422),
    ("POST", "/checkout", {"json": {"cart_id": UNKNOWN, "card_token": "tok_visa"}}, 404),
    ("POST", "/checkout", {"json": {"cart_id": "x\0y", "card_token": "tok_visa"}}, 404),
]


@pytest.mark.parametrize(("method", "path", "sent", "status"), BAD)
def test_a_bad_request_is_answered_by_a_problem_document(
    shop: Flask, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    answer = shop.test_client().open(path, method=method, **sent)
    body = answer.get_json(force=True)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert body["status"] == status
    assert body["title"]
    assert body["type"]


@pytest.mark.parametrize("quantity", [0, -1, 100, 1.5, "2", True, None, 10**30])
def test_a_quantity_that_makes_no_sense_is_refused_with_its_path(shop: Flask, quantity: object) -> None:
    client = shop.test_client()
    cart_id = client.post("/carts").get_json()["cart_id"]
    answer = client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper", "quantity": quantity})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["path"] == "$.quantity"


def test_an_item_that_is_not_sold_cannot_be_put_into_a_cart(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = client.post("/carts").get_json()["cart_id"]
    assert client.post(f"/carts/{cart_id}/lines", json={"item_id": "never-sold"}).status_code == 404


def test_a_cart_holds_at_most_99_of_an_item(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = client.post("/carts").get_json()["cart_id"]
    assert client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper", "quantity": 99}).status_code == 201
    assert client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"}).status_code == 422


def test_a_wrong_method_names_the_right_ones(shop: Flask) -> None:
    assert set(shop.test_client().delete("/items").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_unexpected_error_tells_the_client_nothing_and_the_log_everything(
    shop: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("service.shop.items._view", explode)
    answer = shop.test_client().get("/items")
    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert b"secret" not in answer.data
    assert caplog.records[-1].exc_info


def test_a_database_that_is_away_is_a_503_and_not_ready_but_alive(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    monkeypatch.setattr("service.database.Database.prepare", away)
    client = shop.test_client()
    for path in ("/items", "/readyz"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    assert client.get("/healthz").status_code == 200


def test_every_answer_forbids_sniffing_and_private_ones_caching(shop: Flask) -> None:
    answer = shop.test_client().post("/carts")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
BODIES = (
    JSON_VALUES
    | st.fixed_dictionaries({"cart_id": JSON_VALUES, "card_token": JSON_VALUES}, optional={"email": JSON_VALUES})
    | st.fixed_dictionaries(
        {"cart_id": st.just(UNKNOWN), "card_token": st.text()}, optional={"email": st.text() | st.emails()}
    )
    | st.fixed_dictionaries({"item_id": st.text() | st.just("tamper"), "quantity": JSON_VALUES})
)


@given(body=BODIES, path=st.sampled_from(["/checkout", "cart lines"]))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_json_makes_the_shop_fail(shop: Flask, body: object, path: str) -> None:
    client = shop.test_client()
    if path == "cart lines":
        path = f"/carts/{client.post('/carts').get_json()['cart_id']}/lines"
    assert client.post(path, data=json.dumps(body), headers=JSON).status_code in (201, 400, 404, 422)


@given(data=st.binary(max_size=300))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_bytes_make_the_shop_fail(shop: Flask, data: bytes) -> None:
    assert shop.test_client().post("/checkout", data=data, headers=JSON).status_code in (400, 422)


@given(segment=st.text(min_size=1, max_size=80))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_path_makes_the_shop_fail(shop: Flask, segment: str) -> None:
    assert shop.test_client().get(f"/items/{segment}").status_code in (200, 308, 404)
