"""Before anything of the app has seen a request, its telemetry included: here requests get lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from service.failures.points import Points

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Doorstep:
    """The WSGI app around all others. A fault that loses a request raises, and the server closes the connection."""

    def __init__(self, inner: Wsgi, points: Points) -> None:
        self._inner = inner
        self._points = points

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        for fault, here in self._points.losing(str(environ.get("PATH_INFO", ""))):
            assert fault.lose is not None  # noqa: S101  # by choice of losing()
            fault.lose(here)
        return self._inner(environ, start_response)
