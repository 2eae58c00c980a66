"""Checkout: the journey that the objectives are about.

1. In one transaction, lock the cart, total its lines and open its order.
2. Charge the card, outside any transaction: a slow payments must not hold the database.
3. In a second transaction, mark the order paid, and check the amount charged against the cart once more.

A customer whose answer got lost may send the same checkout again: the order and its Idempotency-Key are the same, so
payments charges once.
"""

from __future__ import annotations

import logging
from typing import Annotated

import msgspec
from flask import Blueprint, Response, request

from service.bodies import Strict, answer, read
from service.problem import Problem
from service.shop.carts import lock
from service.shop.models import Order, OrderStatus
from service.shop.orders import OrderView, already_paid, cart_total, open_for, settle, view
from service.shop.parts import failing, shop
from service.shop.payments_client import CardDeclinedError, Charge
from service.shop.version2 import credit_points, look_through

blueprint = Blueprint("checkout", __name__)
logger = logging.getLogger(__name__)


class Checkout(Strict, frozen=True):
    """The body of ``POST /checkout``. The token stands for a card; it is passed on and kept nowhere."""

    cart_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    card_token: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{4,128}\Z")]
    email: Annotated[str, msgspec.Meta(pattern=r"\A[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}\Z")] | None = None


@blueprint.post("/checkout")
def checkout() -> Response:
    """Pay for a cart. 201 with the paid order; 402 declined, 409 empty or paid, 503 and 504 payments in trouble."""
    body = read(Checkout)
    look_through(body.cart_id)
    with shop().database.begin() as session:
        lock(session, body.cart_id)
        order = open_for(session, body.cart_id, body.email)
    shop().telemetry.annotate(order_id=order.id)
    credit_points(order)
    charge = _charge(order, body.card_token)
    paid = _record(order, charge)
    logger.info("order paid", extra={"order_id": order.id, "total_cents": order.total_cents})
    return answer(paid, 201, {"Location": f"/orders/{order.id}"})


def _charge(order: Order, card_token: str) -> Charge:
    hasty = failing("payment-flapping")
    try:
        return shop().payments.charge(
            order.id,
            order.total_cents,
            card_token,
            key=order.charge_key,
            client=request.headers.get("X-Client-Id"),
            at_once_again=int(hasty.dial("n")) if hasty is not None else 0,
        )
    except CardDeclinedError:
        with shop().database.begin() as session:
            settle(session, order, OrderStatus.DECLINED)
        logger.info("card declined", extra={"order_id": order.id})
        raise Problem(402, "The card was declined. Try another.", kind="card-declined", order_id=order.id) from None


def _record(order: Order, charge: Charge) -> OrderView:
    with shop().database.begin() as session:
        if not settle(session, order, OrderStatus.PAID, charge.charge_id):
            raise already_paid(order.id)
        expected = cart_total(session, order.cart_id)
    if charge.amount_cents != expected:
        amounts = {"expected_cents": expected or 0, "charged_cents": charge.amount_cents}
        shop().telemetry.count("CheckoutMismatch")
        shop().telemetry.annotate(**amounts)
        logger.error("charged amount differs from the cart", extra={"order_id": order.id, **amounts})
    order.status, order.charge_id = OrderStatus.PAID, charge.charge_id
    return view(order)
