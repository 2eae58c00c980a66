"""What every answer carries, and who may ask.

A page of another site can point a name of its own at this address (DNS rebinding), so the Host header is checked.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def guard(app: Flask, allowed_hosts: Collection[str]) -> None:
    """Refuse hosts that are neither loopback nor in ``allowed_hosts``; add the headers to every answer."""
    allowed = LOOPBACK | {host.casefold() for host in allowed_hosts}

    @app.before_request
    def refuse_strange_hosts() -> None:
        if host_name(request.headers.get("Host", "")) not in allowed:
            abort(421, "This console does not answer to that host name. Allow it with KIT_ALLOWED_HOSTS.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def host_name(header: str) -> str:
    """The name in a Host header, without its port, in lower case; nothing when it is malformed."""
    try:
        return (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return ""
