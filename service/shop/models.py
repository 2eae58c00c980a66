"""What the shop keeps. Money is in whole cents."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.database import UtcDateTime

CURRENCY = "EUR"


class Base(DeclarativeBase):
    """The tables of the shop."""


class OrderStatus(StrEnum):
    """``PENDING``: payments has not said yes or no; ``DECLINED``: the card was refused and the cart is open again."""

    PENDING = "pending"
    DECLINED = "declined"
    PAID = "paid"


def new_id() -> str:
    """32 hex digits that cannot be guessed: who knows a cart's id may fill it and pay for it."""
    return uuid4().hex


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Item(Base):
    """Something for sale."""

    __tablename__ = "items"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    price_cents: Mapped[int] = mapped_column(Integer)


class Cart(Base):
    """A cart; ``touched_at`` is written first by whoever changes it, which locks it in every database."""

    __tablename__ = "carts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CartLine(Base):
    """So many of an item, at the price it had when it was put into the cart."""

    __tablename__ = "cart_lines"

    cart_id: Mapped[str] = mapped_column(ForeignKey("carts.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("items.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price_cents: Mapped[int] = mapped_column(Integer)


class Order(Base):
    """The one order of a cart. ``attempt`` counts the cards tried: after a declined one comes a charge of its own."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    cart_id: Mapped[str] = mapped_column(ForeignKey("carts.id"), unique=True)
    status: Mapped[OrderStatus] = mapped_column(String(16), default=OrderStatus.PENDING)
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    total_cents: Mapped[int] = mapped_column(Integer)
    charge_id: Mapped[str | None] = mapped_column(String(64), default=None)
    receipt_email: Mapped[str | None] = mapped_column(String(254), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def charge_key(self) -> str:
        """The Idempotency-Key of its charge: the same for every retry of one attempt, so that nobody pays twice."""
        return f"{self.id}-{self.attempt}"
