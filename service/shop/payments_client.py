"""How the shop asks payments for money: once, with time limits, and under a key that makes asking again safe."""

from __future__ import annotations

import logging
import re

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from service.problem import RETRY_AFTER_S, Problem, unavailable
from service.shop.models import CURRENCY
from service.telemetry import Telemetry

logger = logging.getLogger(__name__)

REMOTE = "payments"
CONNECT_TIMEOUT_S = 1.0
CONNECTIONS = 8


class CardDeclinedError(Exception):
    """Payments has refused the card."""


class Charge(msgspec.Struct, frozen=True):
    """What payments says it has taken."""

    charge_id: str
    amount_cents: int


class PaymentsClient:
    """A pool of connections to payments, kept per process. ``timeout_s`` bounds the wait for the answer's start."""

    def __init__(self, base_url: str, timeout_s: float, telemetry: Telemetry) -> None:
        self._url = f"{base_url}/charges"
        self._telemetry = telemetry
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s),
            retries=False,
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def charge(self, order_id: str, amount_cents: int, card_token: str, *, key: str, client: str | None) -> Charge:
        """Charge a card. ``client`` passes on who asked the shop, when it said so.

        Raises CardDeclinedError, or Problem: 503 when payments is away or fails, 504 when it does not answer in time
        (it may have charged: the same key finds out), 502 when it answers what nobody asked for.
        """
        wanted = {"order_id": order_id, "amount_cents": amount_cents, "currency": CURRENCY, "card_token": card_token}
        body = msgspec.json.encode(wanted)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": key}
        if client and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", client):
            headers["X-Client-Id"] = client
        try:
            with self._telemetry.dependency(REMOTE, "POST", "/charges", self._url) as call:
                headers |= call.headers
                response = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False)
                call.status(response.status)
        except ReadTimeoutError:
            logger.warning("payments timed out", extra={"order_id": order_id, "remote": REMOTE})
            raise Problem(
                504,
                "Payments did not answer in time. Send the same checkout again.",
                kind="payments-timeout",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            ) from None
        except HTTPError as error:
            reason = type(error).__name__
            logger.warning("payments unreachable", extra={"order_id": order_id, "remote": REMOTE, "reason": reason})
            raise unavailable("Payments does not answer.", "payments-unavailable") from None
        return _understand(response, order_id)


def _understand(response: urllib3.BaseHTTPResponse, order_id: str) -> Charge:
    if response.status == 402:
        raise CardDeclinedError
    if response.status in (200, 201):
        try:
            return msgspec.json.decode(response.data, type=Charge)
        except msgspec.DecodeError:
            pass
    facts = {"order_id": order_id, "remote": REMOTE, "upstream_status": response.status}
    if response.status >= 500 or response.status == 429:
        logger.warning("payments failed", extra=facts)
        raise unavailable("Payments cannot charge at the moment.", "payments-unavailable")
    logger.error("payments answered what was not asked for", extra=facts)
    raise Problem(502, "Payments gave an answer that the shop does not understand.", kind="payments-misunderstood")
