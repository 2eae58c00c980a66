"""The journeys of customers, with payments behind a real socket."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

CARD = "tok_visa_4242"


def filled_cart(client: FlaskClient, quantity: int = 2) -> str:
    cart_id: str = client.post("/carts").get_json()["cart_id"]
    added = client.post(f"/carts/{cart_id}/lines", json={"item_id": "enamel-mug", "quantity": quantity})
    assert added.status_code == 201
    return cart_id


def test_the_catalogue_is_seeded_and_priced_in_cents(shop: Flask) -> None:
    items = shop.test_client().get("/items").get_json()["items"]
    assert len(items) == 24
    assert all(isinstance(item["price_cents"], int) and item["price_cents"] > 0 for item in items)


def test_an_item_can_be_looked_at(shop: Flask) -> None:
    answer = shop.test_client().get("/items/enamel-mug")
    assert answer.get_json() == {
        "item_id": "enamel-mug",
        "name": "Enamel mug",
        "price_cents": 1450,
        "currency": "EUR",
    }
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_lines_of_the_same_item_add_up_in_a_cart(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = filled_cart(client)
    client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper", "quantity": 1})
    client.post(f"/carts/{cart_id}/lines", json={"item_id": "enamel-mug", "quantity": 3})
    cart = client.get(f"/carts/{cart_id}").get_json()
    assert [(line["item_id"], line["quantity"]) for line in cart["lines"]] == [("enamel-mug", 5), ("tamper", 1)]
    assert cart["total_cents"] == 5 * 1450 + 2650


def test_a_checkout_charges_the_total_and_answers_the_paid_order(shop: Flask, telemetry: Any) -> None:
    client = shop.test_client()
    cart_id = filled_cart(client)
    paid = client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD, "email": "jo@shop.example"})
    body = paid.get_json()
    assert paid.status_code == 201
    assert body["total_cents"] == 2900
    assert body["status"] == "paid"
    assert paid.headers["Location"] == f"/orders/{body['order_id']}"
    assert client.get(paid.headers["Location"]).get_json() == body
    assert telemetry.calls == [("payments", "POST", "/charges")]
    assert telemetry.call.statuses == [201]
    assert {"order_id": body["order_id"]} in telemetry.annotations
    assert not telemetry.counts


def test_a_paid_cart_cannot_be_paid_again_and_says_which_order_paid_it(shop: Flask, payments_app: Flask) -> None:
    client = shop.test_client()
    cart_id = filled_cart(client)
    first = client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
    again = client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
    assert again.status_code == 409
    assert again.get_json()["order_id"] == first.get_json()["order_id"]
    with payments_app.extensions["payments"].database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM charges")) == 1


def test_a_paid_cart_takes_no_more_lines(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = filled_cart(client)
    client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
    assert client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"}).status_code == 409


def test_an_empty_cart_cannot_be_paid(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = client.post("/carts").get_json()["cart_id"]
    answer = client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
    assert (answer.status_code, answer.get_json()["type"].rpartition(":")[2]) == (409, "cart-empty")


def test_a_declined_card_leaves_the_cart_open_for_another_card(shop: Flask) -> None:
    client = shop.test_client()
    cart_id = filled_cart(client)
    declined = client.post("/checkout", json={"cart_id": cart_id, "card_token": "tok_declined"})
    assert declined.status_code == 402
    assert client.get(f"/orders/{declined.get_json()['order_id']}").get_json()["status"] == "declined"
    assert client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"}).status_code == 201
    paid = client.post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
    assert paid.status_code == 201
    assert paid.get_json()["total_cents"] == 2900 + 2650


def test_two_checkouts_of_one_cart_at_once_charge_once(shop: Flask, payments_app: Flask) -> None:
    cart_id = filled_cart(shop.test_client())
    codes: list[int] = []
    start = threading.Barrier(4)

    def pay() -> None:
        start.wait()
        answer = shop.test_client().post("/checkout", json={"cart_id": cart_id, "card_token": CARD})
        codes.append(answer.status_code)

    threads = [threading.Thread(target=pay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201, 409, 409, 409]
    with payments_app.extensions["payments"].database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM charges")) == 1


def test_a_charge_that_differs_from_the_cart_is_counted_as_a_mismatch(
    make_shop: Any, serve: Any, telemetry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def overcharging(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("201 Created", [("Content-Type", "application/json")])
        return [b'{"charge_id":"c1","amount_cents":2901}']

    with serve(overcharging) as url:
        client = make_shop(url).test_client()
        answer = client.post("/checkout", json={"cart_id": filled_cart(client), "card_token": CARD})
    assert answer.status_code == 201
    assert telemetry.counts == {"CheckoutMismatch": 1}
    assert any("differs" in record.message and record.expected_cents == 2900 for record in caplog.records)  # type: ignore[attr-defined]  # an extra field


def test_nothing_personal_is_logged(shop: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = shop.test_client()
    for token in ("tok_declined_secret", "tok_secret_card"):
        body = {"cart_id": filled_cart(client), "card_token": token, "email": "private@person.example"}
        client.post("/checkout", json=body)
        client.post("/checkout", json={**body, "email": "private@person.example\n"})
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert "order paid" in logged
    assert "secret" not in logged
    assert "person" not in logged
