"""``POST /charges``: takes the money once per Idempotency-Key, however often it is asked."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec
from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import IntegrityError

from service.bodies import Strict, answer, read
from service.database import Database
from service.payments.models import Charge, ChargeStatus
from service.problem import Problem
from service.telemetry import Telemetry

blueprint = Blueprint("charges", __name__)
logger = logging.getLogger(__name__)

EXTENSION = "payments"
MOST_CENTS = 10_000_000
DECLINED_PREFIX = "tok_declined"  # how a test card that is always refused begins


@dataclass(frozen=True, slots=True)
class Payments:
    """What the route works with, kept by the app."""

    database: Database
    telemetry: Telemetry


class NewCharge(Strict, frozen=True):
    """The body of ``POST /charges``."""

    order_id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
    amount_cents: Annotated[int, msgspec.Meta(ge=1, le=MOST_CENTS)]
    currency: Literal["EUR", "USD", "GBP"]
    card_token: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{4,128}\Z")]


class ChargeView(msgspec.Struct, frozen=True):
    """A charge as its caller sees it."""

    charge_id: str
    order_id: str
    amount_cents: int
    currency: str
    status: str


@blueprint.post("/charges")
def charge() -> Response:
    """201 captured, 402 declined; asked again with the same key, the same again with ``Idempotent-Replayed: true``."""
    key = _key()
    body = read(NewCharge)
    made, replayed = _once(key, body)
    _payments().telemetry.annotate(order_id=made.order_id)
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    if made.status == ChargeStatus.DECLINED:
        raise Problem(402, "The card was declined.", kind="card-declined", headers=headers)
    if not replayed:
        logger.info("charge captured", extra={"order_id": made.order_id, "amount_cents": made.amount_cents})
    view = ChargeView(made.id, made.order_id, made.amount_cents, made.currency, made.status)
    return answer(view, 201, headers)


def _once(key: str, body: NewCharge) -> tuple[Charge, bool]:
    """The charge of this key and whether it was there before. The insert comes first: no gap between look and leap."""
    declined = body.card_token.startswith(DECLINED_PREFIX)
    wanted = Charge(
        idempotency_key=key,
        order_id=body.order_id,
        amount_cents=body.amount_cents,
        currency=body.currency,
        status=ChargeStatus.DECLINED if declined else ChargeStatus.CAPTURED,
    )
    try:
        with _payments().database.begin() as session:
            session.add(wanted)
        return wanted, False
    except IntegrityError:
        with _payments().database.begin() as session:
            there = session.get_one(Charge, key)
    if (there.order_id, there.amount_cents, there.currency) != (body.order_id, body.amount_cents, body.currency):
        raise Problem(422, "This Idempotency-Key belongs to another charge.", kind="key-reused")
    return there, True


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise Problem(400, "Send an Idempotency-Key of 1 to 255 visible ASCII characters.", kind="key-missing")
    return key


def _payments() -> Payments:
    return cast(Payments, current_app.extensions[EXTENSION])
