"""One client that tries things: item numbers that don't exist, carts it doesn't have, orders that make no sense.

The shop should answer each with a 4xx, and that is no failure: neither the shop's nor, in Locust's tables, this one's.
"""

from __future__ import annotations

import secrets
from time import perf_counter, sleep

from locust.contrib.fasthttp import FastHttpSession
from locust.event import Events

from loadtest.clients import OTHERS
from loadtest.ledger import CHECKOUT, LEDGER

RATE = 40
"""Requests a second."""

ATTEMPTS: tuple[tuple[str, str, str, dict[str, object] | None], ...] = (
    ("GET", "/items/{item_id}", "/items/item-{guess}", None),
    ("POST", "/carts/{cart_id}/lines", "/carts/{guess}/lines", {"item_id": "item-0", "quantity": -1}),
    ("POST", CHECKOUT, CHECKOUT, {"cart_id": "{guess}", "card_token": "tok_guess"}),
    ("POST", CHECKOUT, CHECKOUT, {"cart": 1}),
)


def run(host: str, rate: int, events: Events) -> None:
    """Send ``rate`` requests a second, one after another, as long as the answers come fast enough for that."""
    session = FastHttpSession(
        base_url=host, request_event=events.request, user=None, network_timeout=5.0, connection_timeout=5.0
    )
    client = {"X-Client-Id": f"visitor-{secrets.token_hex(3)}", "User-Agent": "price-watch/1.4"}
    due = perf_counter()
    while True:
        for method, route, path, body in ATTEMPTS:
            _try(session, client, (method, route, path), body)
            due = max(due + 1 / rate, perf_counter() - 1)
            sleep(max(0.0, due - perf_counter()))


def _try(
    session: FastHttpSession, client: dict[str, str], where: tuple[str, str, str], body: dict[str, object] | None
) -> None:
    (method, route, path), guess = where, secrets.token_hex(4)
    request_id = LEDGER.new_id(kept=route == CHECKOUT)
    sent = body and {key: value.format(guess=guess) if isinstance(value, str) else value for key, value in body.items()}
    with session.request(
        method,
        path.format(guess=guess),
        name=route + OTHERS,
        json=sent,
        headers={**client, "X-Request-Id": request_id},
        context={"request_id": request_id},
        catch_response=True,
    ) as response:
        if 400 <= response.status_code < 500:
            response.success()
        else:
            response.failure(f"answered {response.status_code}, not 4xx")
