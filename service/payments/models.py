"""What payments keeps: what was charged, never with what card."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.database import UtcDateTime


class Base(DeclarativeBase):
    """The tables of payments."""


class ChargeStatus(StrEnum):
    """How a charge ended."""

    CAPTURED = "captured"
    DECLINED = "declined"


class Charge(Base):
    """One charge. Its primary key is the caller's Idempotency-Key: the database itself forbids a second one."""

    __tablename__ = "charges"

    idempotency_key: Mapped[str] = mapped_column(String(255), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    order_id: Mapped[str] = mapped_column(String(64))
    amount_cents: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[ChargeStatus] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
