"""The request that the running code serves, and what its log lines say of it."""

from __future__ import annotations

import random
import re
import time
from contextvars import ContextVar

from opentelemetry.trace import Span

from .names import UNMATCHED

# A variable part of a Werkzeug rule: <name> or <converter(arguments):name>.
VARIABLE = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")
# What a caller may choose as a request id: it is written to logs and sent back in a header.
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Request:
    """One request between its arrival and the end of its answer. Durations in milliseconds."""

    __slots__ = ("began", "ended", "error", "method", "operation", "request_id", "span", "status", "streamed")

    def __init__(self, method: str, request_id: str, span: Span) -> None:
        self.method = method
        self.request_id = request_id if SAFE_ID.fullmatch(request_id) else f"{random.getrandbits(64):016x}"
        self.span = span
        self.operation = UNMATCHED
        self.status = 500  # until the app says otherwise
        self.streamed = True  # until Flask says otherwise
        self.error: BaseException | None = None
        self.ended = False
        self.began = time.perf_counter()

    def milliseconds(self) -> float:
        """How long it has taken so far."""
        return (time.perf_counter() - self.began) * 1000


current: ContextVar[Request | None] = ContextVar("telemetry_request", default=None)


def operation_name(method: str, rule: str) -> str:
    """``GET /items/<int:item_id>`` as ``GET /items/{item_id}``."""
    return method + " " + VARIABLE.sub(r"{\1}", rule)
