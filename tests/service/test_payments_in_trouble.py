"""What customers see when payments is dead, hangs, fails or talks nonsense; over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Make = Callable[..., Flask]


def checkout(client: FlaskClient, cart_id: str | None = None) -> TestResponse:
    if cart_id is None:
        cart_id = client.post("/carts").get_json()["cart_id"]
        client.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"})
    return client.post("/checkout", json={"cart_id": cart_id, "card_token": "tok_visa"})


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def answering(status: str, body: bytes = b"{}") -> Any:
    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    return app


def test_a_dead_payments_is_a_503_with_retry_after(make_shop: Make) -> None:
    answer = checkout(make_shop(free_url()).test_client())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.mimetype == "application/problem+json"


def test_a_hanging_payments_is_given_up_in_time(make_shop: Make, silent: str) -> None:
    client = make_shop(silent, timeout_s=0.4).test_client()
    began = time.monotonic()
    answer = checkout(client)
    assert time.monotonic() - began < 2
    assert answer.status_code == 504
    assert int(answer.headers["Retry-After"]) > 0


def test_the_rest_of_the_shop_works_while_payments_is_dead(make_shop: Make) -> None:
    client = make_shop(free_url()).test_client()
    assert checkout(client).status_code == 503
    assert client.get("/items").status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ("500 Internal Server Error", 503),
        ("503 Service Unavailable", 503),
        ("429 Too Many Requests", 503),
        ("402 Payment Required", 402),
        ("400 Bad Request", 502),
        ("302 Found", 502),
        ("201 Created", 502),  # with a body that is no charge
    ],
)
def test_each_answer_of_payments_has_its_answer_to_the_customer(
    make_shop: Make, serve: Any, upstream: str, expected: int
) -> None:
    with serve(answering(upstream)) as url:
        answer = checkout(make_shop(url).test_client())
    assert answer.status_code == expected
    assert answer.mimetype == "application/problem+json"


def test_a_connection_that_breaks_off_is_a_503(make_shop: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        answer = checkout(make_shop(f"http://127.0.0.1:{server.getsockname()[1]}").test_client())
        thread.join()
    assert answer.status_code == 503


def test_a_checkout_that_failed_can_be_sent_again(make_shop: Make, payments_url: str) -> None:
    broken = make_shop(free_url()).test_client()
    cart_id = broken.post("/carts").get_json()["cart_id"]
    broken.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"})
    assert checkout(broken, cart_id).status_code == 503
    assert broken.post(f"/carts/{cart_id}/lines", json={"item_id": "tamper"}).status_code == 409
    assert checkout(make_shop(payments_url).test_client(), cart_id).status_code == 201
