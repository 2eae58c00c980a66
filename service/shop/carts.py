"""Carts: made, filled, looked at."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Blueprint, Response
from msgspec import UNSET, UnsetType
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.bodies import Strict, answer, known_form, read
from service.database import matched
from service.problem import Problem
from service.shop.items import ITEM_ID, unknown_item
from service.shop.models import CURRENCY, Cart, CartLine, Item, Order, OrderStatus, now
from service.shop.parts import shop
from service.shop.version2 import look_through

blueprint = Blueprint("carts", __name__)

CART_ID = r"[0-9a-f]{32}"
MOST_OF_AN_ITEM = 99


class NewLine(Strict, frozen=True):
    """The body of ``POST /carts/{cart_id}/lines``."""

    item_id: Annotated[str, msgspec.Meta(pattern=rf"\A{ITEM_ID}\Z")]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_AN_ITEM)] = 1


class LineView(msgspec.Struct, frozen=True):
    """A line as clients see it."""

    item_id: str
    name: str
    quantity: int
    unit_price_cents: int
    line_total_cents: int


class CartView(msgspec.Struct, frozen=True):
    """A cart as clients see it."""

    cart_id: str
    lines: list[LineView]
    total_cents: int
    currency: str = CURRENCY
    recommended: list[str] | UnsetType = UNSET


@blueprint.post("/carts")
def create_cart() -> Response:
    """An empty cart. It takes no body."""
    with shop().database.begin() as session:
        cart = Cart()
        session.add(cart)
    return answer(CartView(cart.id, [], 0), 201, {"Location": f"/carts/{cart.id}"})


@blueprint.get("/carts/<cart_id>")
def show_cart(cart_id: str) -> Response:
    """The lines of a cart, what they cost, and what goes with them."""
    look_through(cart_id)
    with shop().database.begin() as session:
        if not known_form(CART_ID, cart_id) or session.get(Cart, cart_id) is None:
            raise unknown_cart()
        view = _view(session, cart_id)
    if (recommendations := shop().recommendations) is not None:
        beside = recommendations.beside([line.item_id for line in view.lines])
        view = msgspec.structs.replace(view, recommended=beside)
    return answer(view)


@blueprint.post("/carts/<cart_id>/lines")
def add_line(cart_id: str) -> Response:
    """Put so many of an item into a cart; more of the same item raises its quantity. Answers the whole cart."""
    body = read(NewLine)
    with shop().database.begin() as session:
        lock(session, cart_id)
        if session.scalar(select(Order.id).where(Order.cart_id == cart_id, Order.status != OrderStatus.DECLINED)):
            raise Problem(409, "The cart is being paid for or has been paid.", kind="cart-closed")
        item = session.get(Item, body.item_id)
        if item is None:
            raise unknown_item()
        line = session.get(CartLine, (cart_id, item.id))
        if line is None:
            line = CartLine(cart_id=cart_id, item_id=item.id, quantity=0, unit_price_cents=item.price_cents)
            session.add(line)
        if line.quantity + body.quantity > MOST_OF_AN_ITEM:
            raise Problem(422, f"A cart holds at most {MOST_OF_AN_ITEM} of an item.", kind="quantity-exceeded")
        line.quantity += body.quantity
        session.flush()
        view = _view(session, cart_id)
    return answer(view, 201, {"Location": f"/carts/{cart_id}"})


def lock(session: Session, cart_id: str) -> None:
    """Lock a cart until the transaction ends; 404 when there is none.

    A write comes first because SQLite cannot turn a transaction that has read into a writing one while another
    writes: it fails at once, without waiting for its busy timeout.
    """
    touch = update(Cart).where(Cart.id == cart_id).values(touched_at=now())
    if not known_form(CART_ID, cart_id) or not matched(session, touch):
        raise unknown_cart()


def unknown_cart() -> Problem:
    """404 for a cart that was never made."""
    return Problem(404, "There is no such cart.", kind="cart-unknown")


def _view(session: Session, cart_id: str) -> CartView:
    rows = session.execute(
        select(CartLine, Item.name).join(Item, Item.id == CartLine.item_id).where(CartLine.cart_id == cart_id)
    )
    lines = [
        LineView(line.item_id, name, line.quantity, line.unit_price_cents, line.quantity * line.unit_price_cents)
        for line, name in rows
    ]
    lines.sort(key=lambda line: line.item_id)
    return CartView(cart_id, lines, sum(line.line_total_cents for line in lines))
