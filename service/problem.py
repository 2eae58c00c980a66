"""Errors as clients see them: problem details (RFC 9457).

Free of Flask, so that the fault control, which must stay small in memory, speaks the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class Problem(Exception):  # noqa: N818  # the name that RFC 9457 gives it
    """An answer that ends the request.

    ``kind`` makes the problem type, a tag URI that need not be dereferenced (RFC 9457 §3.1.1); without it the type is
    ``about:blank`` and the title the status phrase, as §4.2.1 asks. ``extensions`` become members of the body: never
    put there what must not reach a client or a log.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.title = title or HTTPStatus(status).phrase
        self.headers = dict(headers or {})
        self.extensions = extensions

    def body(self) -> dict[str, object]:
        """The members of the JSON object."""
        kind = f"tag:shop.example,2026:{self.kind}" if self.kind else "about:blank"
        return {"type": kind, "title": self.title, "status": self.status, "detail": self.detail, **self.extensions}


def unavailable(detail: str, kind: str) -> Problem:
    """503 with Retry-After: what is missing may be back in a moment."""
    return Problem(503, detail, kind=kind, headers={"Retry-After": str(RETRY_AFTER_S)})
