"""The shop over HTTP as a customer meets it: one method a request, each with what a right answer looks like.

A wrong answer counts as Locust's failure whatever its status says: a total that doesn't add up hurts as a 500 does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from locust.contrib.fasthttp import FastHttpSession

from loadtest.ledger import CHECKOUT, LEDGER

GOOD_CARD = "tok_load_good"
DECLINED_CARD = "tok_declined_load"
"""The payments service refuses any card that begins like this."""

Json = dict[str, Any]


class WrongAnswerError(Exception):
    """The answer isn't what it should be. Its text groups Locust's failures, so it names no ids and no amounts."""


@dataclass(slots=True)
class Cart:
    """What the customer knows to be in the cart: quantities by item id."""

    cart_id: str
    quantities: dict[str, int] = field(default_factory=dict)


class Shop:
    """One customer's dealings with the shop. ``prices`` is what the catalogue said, in cents, by item id.

    Requests are named by their route. Each method raises WrongAnswerError, after the failure has been counted.
    """

    def __init__(self, session: FastHttpSession, customer: str) -> None:
        self._session = session
        self._headers = {"X-Client-Id": customer}
        self.prices: dict[str, int] = {}

    def list_items(self) -> None:
        """Read the catalogue and keep its prices."""
        with self._asked("GET", "/items") as answer:
            prices = {item["item_id"]: item["price_cents"] for item in answer["items"]}
            _check(bool(prices), "the catalogue is empty")
            self.prices = prices

    def show_item(self, item_id: str) -> None:
        """Look at one item."""
        with self._asked("GET", "/items/{item_id}", item_id=item_id) as item:
            _check(item["item_id"] == item_id, "another item than the one asked for")
            _check(item["price_cents"] == self.prices[item_id], "the item's price is not the catalogue's")

    def open_cart(self) -> Cart:
        """Take an empty cart."""
        with self._asked("POST", "/carts", status=201) as cart:
            _check(cart["total_cents"] == 0, "the new cart is not empty")
            return Cart(cart["cart_id"])

    def add_line(self, cart: Cart, item_id: str, quantity: int) -> None:
        """Put so many of an item into the cart."""
        line = {"item_id": item_id, "quantity": quantity}
        with self._asked("POST", "/carts/{cart_id}/lines", line, status=201, cart_id=cart.cart_id) as answer:
            cart.quantities[item_id] = cart.quantities.get(item_id, 0) + quantity
            self._check_cart(cart, answer)

    def show_cart(self, cart: Cart) -> None:
        """Look at the cart again."""
        with self._asked("GET", "/carts/{cart_id}", cart_id=cart.cart_id) as answer:
            self._check_cart(cart, answer)

    def check_out(self, cart: Cart) -> str:
        """Pay for the cart; the order's id."""
        with self._asked("POST", CHECKOUT, _payment(cart, GOOD_CARD), status=201) as order:
            self._check_order(cart, order)
            return str(order["order_id"])

    def try_declined_card(self, cart: Cart) -> None:
        """Try to pay with a card that the bank refuses: 402 is the right answer."""
        with self._asked("POST", CHECKOUT, _payment(cart, DECLINED_CARD), status=402):
            pass

    def show_order(self, cart: Cart, order_id: str) -> None:
        """Look up what was bought."""
        with self._asked("GET", "/orders/{order_id}", order_id=order_id) as order:
            _check(order["order_id"] == order_id, "another order than the one asked for")
            self._check_order(cart, order)

    def _check_cart(self, cart: Cart, answer: Json) -> None:
        _check(len(answer["lines"]) == len(cart.quantities), "the cart holds other lines than were put in")
        _check(answer["total_cents"] == self._total(cart), "the cart's total does not add up")

    def _check_order(self, cart: Cart, order: Json) -> None:
        _check(order["status"] == "paid", "the order is not paid")
        _check(order["total_cents"] == self._total(cart), "the order's total does not add up")

    def _total(self, cart: Cart) -> int:
        return sum(self.prices[item_id] * quantity for item_id, quantity in cart.quantities.items())

    @contextmanager
    def _asked(
        self, method: str, route: str, body: Json | None = None, *, status: int = 200, **path: str
    ) -> Iterator[Json]:
        """Send one request and yield its JSON; what the block finds wrong with it makes it a failure."""
        request_id = LEDGER.new_id(kept=route == CHECKOUT)
        with self._session.request(
            method,
            route.format(**path),
            name=route,
            json=body,
            headers={**self._headers, "X-Request-Id": request_id},
            context={"request_id": request_id},
            catch_response=True,
        ) as response:
            try:
                yield _document(response, status)
            except WrongAnswerError as wrong:
                response.failure(str(wrong))
                raise
            except (AttributeError, KeyError, TypeError) as lacking:
                response.failure("the answer lacks a field")
                raise WrongAnswerError(str(lacking)) from lacking
            # Locust calls any 4xx a failure; here 402 may be the right answer.
            response.success()


def _payment(cart: Cart, card_token: str) -> Json:
    return {"cart_id": cart.cart_id, "card_token": card_token}


def _document(response: Any, status: int) -> Json:
    if response.status_code == 0:
        raise WrongAnswerError(f"no answer ({type(response.error).__name__})")
    _check(response.status_code == status, f"answered {response.status_code}, not {status}")
    try:
        document = response.json()
    except ValueError as error:
        raise WrongAnswerError("the answer is not JSON") from error
    _check(isinstance(document, dict), "the answer is not a JSON object")
    return dict(document)


def _check(right: bool, otherwise: str) -> None:
    if not right:
        raise WrongAnswerError(otherwise)
