"""One walk through the shop: an item, a cart, a line in it, and its checkout, all under one deadline."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CARD = "tok_canary"
MARK = "canary"
MOST_BYTES = 256 * 1024
"""An answer longer than this is not the shop's."""

Json = dict[str, Any]


@dataclass(slots=True)
class Step:
    """One request; times in epoch seconds, ``status`` 0 while there is no answer."""

    operation: str
    started: float
    id: str
    ended: float | None = None
    status: int = 0


@dataclass(slots=True)
class Outcome:
    """How a walk went. ``reason`` is empty when all was well; it names no id and no amount, so that it can be counted.

    Its steps are the tale of a trace: ``trace_id`` in X-Ray's form, ``id`` of its root.
    """

    started: float
    trace_id: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    ended: float = 0.0
    reason: str = ""
    order_id: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def fault(self) -> bool:
        """Whether a customer would have been let down."""
        return bool(self.reason)


class WrongAnswerError(Exception):
    """The shop answered, and not as it should."""


def probe(url: str, deadline_s: float, clock: Callable[[], float] = time.time) -> Outcome:
    """Walk once, for ``deadline_s`` seconds at most, whatever the shop does: hang, trickle, or be away.

    The walk is a thread's: no time-out of a socket bounds an answer that comes byte by byte, or a name server's.
    """
    walk = _Walk(url, deadline_s, clock)
    thread = threading.Thread(target=walk.run, name="walk", daemon=True)
    thread.start()
    thread.join(deadline_s)
    return walk.finish(f"no answer within {deadline_s:g} s")


class _Walk:
    def __init__(self, url: str, deadline_s: float, clock: Callable[[], float]) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        # Longer than the deadline, so that it is always the deadline that ends a wait.
        self._connection = kind(parts.hostname or "", parts.port, timeout=deadline_s + 1)
        self._clock = clock
        now = clock()
        self._outcome = Outcome(now, f"1-{int(now):08x}-{secrets.token_hex(12)}")
        self._done = threading.Lock()
        self._over = False

    def run(self) -> None:
        """Walk to the end or to the first thing that is wrong."""
        try:
            self._walk()
            reason = ""
        except WrongAnswerError as wrong:
            reason = str(wrong)
        except (OSError, http.client.HTTPException) as error:
            reason = f"no answer ({type(error).__name__})"
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            reason = "the answer lacks a field"
        finally:
            self._connection.close()
        self.finish(reason)

    def finish(self, reason: str) -> Outcome:
        """End the walk with this reason, unless it has ended already."""
        with self._done:
            if not self._over:
                self._over = True
                self._outcome.ended = self._clock()
                self._outcome.reason = reason
                if (held := self._connection.sock) is not None:
                    with suppress(OSError):  # it may be closed; else this wakes the thread that reads from it
                        held.shutdown(socket.SHUT_RDWR)
        return self._outcome

    def _walk(self) -> None:
        item = self._ask("GET", "/items", 200)["items"][0]
        cart = self._ask("POST", "/carts", 201)
        line = {"item_id": item["item_id"], "quantity": 1}
        filled = self._ask("POST", "/carts/{cart_id}/lines", 201, line, cart_id=cart["cart_id"])
        if filled["total_cents"] != item["price_cents"]:
            raise WrongAnswerError("the cart's total is not the item's price")
        order = self._ask("POST", "/checkout", 201, {"cart_id": cart["cart_id"], "card_token": CARD})
        if order["status"] != "paid" or order["total_cents"] != item["price_cents"]:
            raise WrongAnswerError("the order is not paid, or not as priced")
        self._outcome.order_id = str(order["order_id"])

    def _ask(self, method: str, route: str, right: int, body: Json | None = None, **path: str) -> Json:
        step = Step(f"{method} {route}", self._clock(), secrets.token_hex(8))
        with self._done:
            if self._over:
                raise WrongAnswerError("the time is over")
            self._outcome.steps.append(step)
        headers = {
            "Accept": "application/json",
            "User-Agent": MARK,
            "X-Client-Id": MARK,
            "X-Amzn-Trace-Id": f"Root={self._outcome.trace_id};Parent={step.id};Sampled=1",
        }
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        self._connection.request(method, route.format(**path), data, headers)
        answer = self._connection.getresponse()
        text = answer.read(MOST_BYTES)
        step.ended, step.status = self._clock(), answer.status
        if answer.status != right:
            raise WrongAnswerError(f"{step.operation} answered {answer.status}, not {right}")
        try:
            document = json.loads(text)
        except ValueError:
            raise WrongAnswerError(f"{step.operation} answered no JSON") from None
        if not isinstance(document, dict):
            raise WrongAnswerError(f"{step.operation} answered no JSON object")
        return document
