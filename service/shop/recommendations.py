"""How the shop asks the recommender, which it can do without: late or never is a short list that it knows itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from service.problem import unavailable
from service.telemetry import Telemetry

logger = logging.getLogger(__name__)

REMOTE = "recommender"
PATH = "/recommendations"
CONNECTIONS = 16
FALLBACK = ("house-blend-250", "paper-filters", "gift-card")


class Recommended(msgspec.Struct, frozen=True):
    """What the recommender answers."""

    item_ids: list[str]


class Recommendations:
    """A pool of connections to the recommender, kept per process.

    ``timeout_s`` bounds what it may cost a customer. Without ``fallback`` a cart cannot be shown while it is down.
    """

    def __init__(self, base_url: str, timeout_s: float, telemetry: Telemetry, *, fallback: bool) -> None:
        self._url = f"{base_url}{PATH}"
        self._telemetry = telemetry
        self._fallback = fallback
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(total=timeout_s),
            retries=False,
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def beside(self, item_ids: Sequence[str]) -> list[str]:
        """Ids of items that go with these. Raises Problem 503 only if there is no fallback."""
        try:
            with self._telemetry.dependency(REMOTE, "GET", PATH, self._url) as call:
                response = self._pool.request(
                    "GET", self._url, fields={"items": ",".join(item_ids)}, headers=call.headers, redirect=False
                )
                call.status(response.status)
            if response.status == 200:
                return msgspec.json.decode(response.data, type=Recommended).item_ids
            reason = str(response.status)
        except (HTTPError, msgspec.DecodeError) as error:
            reason = type(error).__name__
        degraded = {"degraded": self._fallback, "remote": REMOTE, "reason": reason}
        self._telemetry.annotate(degraded=self._fallback)
        if not self._fallback:
            logger.error("no recommendations", extra=degraded)
            raise unavailable("The cart cannot be shown at the moment.", "recommender-unavailable")
        logger.warning("no recommendations", extra=degraded)
        return [item_id for item_id in FALLBACK if item_id not in item_ids]
