"""What version 2 of the shop does otherwise. It is released on purpose only, by the faults it is there for."""

from __future__ import annotations

import logging
from hashlib import blake2b

from flask import request
from sqlalchemy import select

from service.shop.models import CartLine, Item, Order
from service.shop.parts import failing, shop
from service.telemetry import bind

logger = logging.getLogger(__name__)

VERSION = 2
POINTS_PER_EURO = {"bronze": 1, "silver": 2}


def credit_points(order: Order) -> None:
    """The customer's loyalty points for an order, which are new in this version."""
    points = shop().points
    here = points.in_scope("canary-bug") if points is not None else None
    if here is None or not _released_to_this_customer(here.dial("n")):
        return
    _tell()
    tier = "gold" if here.drawn() else "bronze"
    facts = {"order_id": order.id, "tier": tier}
    try:
        earned = order.total_cents // 100 * POINTS_PER_EURO[tier]
    except KeyError:
        logger.error("points cannot be credited", extra=facts)
        raise
    logger.info("points credited", extra=facts | {"points": earned})


def look_through(cart_id: str) -> None:
    """Read a cart before it is shown or paid for: for each item there is, look whether the cart has it."""
    here = failing("n-plus-one")
    if here is None:
        return
    _tell()
    travel = {"travel_ms": here.dial("ms")}
    with shop().database.begin() as session:
        for item_id in session.scalars(select(Item.id)).all():
            one = select(CartLine.quantity).where(CartLine.cart_id == cart_id, CartLine.item_id == item_id)
            session.scalar(one, execution_options=travel)


def _tell() -> None:
    """Say on the span and on every log line of this request, the access line too, which version served it."""
    shop().telemetry.annotate(version=VERSION)
    bind(version=VERSION)


def _released_to_this_customer(percent: float) -> bool:
    """Whether the customer is in the share that has this version: always the same ones."""
    customer = request.headers.get("X-Client-Id") or request.remote_addr or ""
    return int.from_bytes(blake2b(f"two:{customer}".encode(), digest_size=4).digest(), "big") % 10_000 < percent * 100
