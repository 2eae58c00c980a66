"""How the shop asks payments for money: with time limits, and under a key that makes asking again safe."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import urllib3
from opentelemetry import trace
from urllib3.exceptions import HTTPError, ReadTimeoutError

from service.problem import RETRY_AFTER_S, Problem, unavailable
from service.settings import Retries
from service.shop.models import CURRENCY
from service.shop.retries import Budget, pause
from service.telemetry import Telemetry

logger = logging.getLogger(__name__)

REMOTE = "payments"
CONNECT_TIMEOUT_S = 1.0
CONNECTIONS = 32


class CardDeclinedError(Exception):
    """Payments has refused the card."""


class Charge(msgspec.Struct, frozen=True):
    """What payments says it has taken."""

    charge_id: str
    amount_cents: int


class PaymentsClient:
    """A pool of connections to payments, kept per process. ``timeout_s`` bounds the wait for the answer's start.

    ``at_once``: so many charges may be under way together, the next are refused (a bulkhead; 0: any number).
    """

    def __init__(
        self,
        base_url: str,
        timeout_s: float,
        telemetry: Telemetry,
        *,
        retries: Retries = Retries(),  # noqa: B008  # frozen
        at_once: int = 0,
    ) -> None:
        self._url = f"{base_url}/charges"
        self._telemetry = telemetry
        self._retries = retries
        self._budget = Budget(retries.budget)
        self._places = threading.BoundedSemaphore(at_once) if at_once else None
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s),
            retries=False,
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def charge(  # the facts of a charge
        self,
        order_id: str,
        amount_cents: int,
        card_token: str,
        *,
        key: str,
        client: str | None,
        at_once_again: int = 0,
    ) -> Charge:
        """Charge a card. ``client`` passes on who asked the shop, when it said so.

        After an error payments is asked again, as often as the settings say; ``at_once_again`` is so many times more
        and without the pause. A time-out is not tried again: the customer has waited long enough.

        Raises CardDeclinedError, or Problem: 503 when payments is away or fails, or too many charges are under way;
        504 when it does not answer in time (it may have charged: the same key finds out); 502 when it answers what
        nobody asked for.
        """
        wanted = {"order_id": order_id, "amount_cents": amount_cents, "currency": CURRENCY, "card_token": card_token}
        body = msgspec.json.encode(wanted)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": key}
        if client and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", client):
            headers["X-Client-Id"] = client
        most = max(self._retries.most, at_once_again)
        attempt = 1
        self._budget.pay_in()
        with self._place(order_id):
            while True:
                try:
                    return self._ask(body, headers, order_id, attempt)
                except _FailedError:
                    if attempt > most or not self._budget.spend():
                        raise unavailable("Payments cannot charge at the moment.", "payments-unavailable") from None
                    if not at_once_again:
                        time.sleep(pause(self._retries, attempt))
                    attempt += 1

    @contextmanager
    def _place(self, order_id: str) -> Iterator[None]:
        if self._places is None:
            yield
            return
        if not self._places.acquire(blocking=False):
            self._telemetry.annotate(shed=True)
            logger.warning("charge shed", extra={"order_id": order_id, "remote": REMOTE, "shed": True})
            raise unavailable("Too many payments are under way.", "payments-busy")
        try:
            yield
        finally:
            self._places.release()

    def _ask(self, body: bytes, headers: dict[str, str], order_id: str, attempt: int) -> Charge:
        facts = {"order_id": order_id, "remote": REMOTE, "attempt": attempt}
        if attempt > 1:
            self._telemetry.annotate(attempt=attempt)
        try:
            with self._telemetry.dependency(REMOTE, "POST", "/charges", self._url) as call:
                trace.get_current_span().set_attribute("attempt", attempt)
                sent = headers | call.headers
                response = self._pool.request("POST", self._url, body=body, headers=sent, redirect=False)
                call.status(response.status)
        except ReadTimeoutError:
            logger.warning("payments timed out", extra=facts)
            raise Problem(
                504,
                "Payments did not answer in time. Send the same checkout again.",
                kind="payments-timeout",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            ) from None
        except HTTPError as error:
            logger.warning("payments unreachable", extra=facts | {"reason": type(error).__name__})
            raise _FailedError from None
        return _understand(response, facts)


class _FailedError(Exception):
    """Payments did not do it, and may be asked again."""


def _understand(response: urllib3.BaseHTTPResponse, facts: dict[str, object]) -> Charge:
    if response.status == 402:
        raise CardDeclinedError
    if response.status in (200, 201):
        try:
            return msgspec.json.decode(response.data, type=Charge)
        except msgspec.DecodeError:
            pass
    facts = facts | {"upstream_status": response.status}
    if response.status >= 500 or response.status == 429:
        logger.warning("payments failed", extra=facts)
        raise _FailedError
    logger.error("payments answered what was not asked for", extra=facts)
    raise Problem(502, "Payments gave an answer that the shop does not understand.", kind="payments-misunderstood")
