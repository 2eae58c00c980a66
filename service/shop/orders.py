"""Orders: opened for a cart, settled with what payments said, looked at."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.bodies import answer, known_form
from service.database import matched
from service.problem import Problem
from service.shop.models import CURRENCY, CartLine, Order, OrderStatus
from service.shop.parts import failing, shop

blueprint = Blueprint("orders", __name__)

ORDER_ID = r"[0-9a-f]{32}"


class OrderView(msgspec.Struct, frozen=True):
    """An order as its customer sees it; the e-mail address for the receipt stays inside."""

    order_id: str
    cart_id: str
    status: str
    total_cents: int
    charge_id: str | None
    created_at: str
    currency: str = CURRENCY


@blueprint.get("/orders/<order_id>")
def show_order(order_id: str) -> Response:
    """One order."""
    order = None
    if known_form(ORDER_ID, order_id):
        with shop().database.begin() as session:
            order = session.get(Order, order_id)
    if order is None:
        raise Problem(404, "There is no such order.", kind="order-unknown")
    return answer(view(order))


def view(order: Order) -> OrderView:
    """The order for its customer."""
    return OrderView(
        order.id, order.cart_id, order.status, order.total_cents, order.charge_id, order.created_at.isoformat()
    )


def open_for(session: Session, cart_id: str, receipt_email: str | None) -> Order:
    """The pending order of a locked cart: a new one, the next attempt after a declined card, or the one under way.

    Raises Problem 409 for a cart that is empty or paid.
    """
    order = session.scalar(select(Order).where(Order.cart_id == cart_id))
    if order is not None and order.status == OrderStatus.PAID:
        raise already_paid(order.id)
    total = cart_total(session, cart_id)
    if total is None:
        raise Problem(409, "The cart is empty.", kind="cart-empty")
    if (wrong := failing("wrong-total")) is not None:
        total += int(wrong.dial("n"))
    if order is None:
        order = Order(cart_id=cart_id, status=OrderStatus.PENDING, attempt=1, total_cents=total)
        session.add(order)
    elif order.status == OrderStatus.DECLINED:
        order.status, order.attempt, order.total_cents = OrderStatus.PENDING, order.attempt + 1, total
    order.receipt_email = receipt_email
    return order


def settle(session: Session, order: Order, status: OrderStatus, charge_id: str | None = None) -> bool:
    """Write how this attempt ended; False when a twin of this request, or a later attempt, has already done so."""
    still_open = (Order.id == order.id, Order.status == OrderStatus.PENDING, Order.attempt == order.attempt)
    return matched(session, update(Order).where(*still_open).values(status=status, charge_id=charge_id)) == 1


def cart_total(session: Session, cart_id: str) -> int | None:
    """The sum of a cart's lines in cents; None for an empty cart."""
    total = session.scalar(
        select(func.sum(CartLine.quantity * CartLine.unit_price_cents)).where(CartLine.cart_id == cart_id)
    )
    return None if total is None else int(total)


def already_paid(order_id: str) -> Problem:
    """409 for a cart that was paid before; it names the order, in case the answer to that checkout was lost."""
    return Problem(409, "The cart has been paid.", kind="cart-paid", order_id=order_id)
