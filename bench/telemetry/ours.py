"""The app instrumented by service/telemetry, as a service of one's own would be."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from flask import Flask
from opentelemetry.trace import SpanKind

from bench.telemetry.checkout import Instrumentation
from service.telemetry import Telemetry, instrument, redaction
from service.telemetry.leaf import leaf
from service.telemetry.origin import Prepared

_STATEMENTS = {
    verb: Prepared(verb, SpanKind.CLIENT, {"db.system.name": "sqlite", "db.operation.name": verb})
    for verb in ("SELECT", "INSERT")
}
"""As instrument_engine prepares those of SQLAlchemy."""


class Ours:
    """``telemetry`` is there once the app is. ``start``: at once; False where the process is going to fork."""

    telemetry: Telemetry

    def __init__(self, *, start: bool = True) -> None:
        self._start = start

    def instrumentation(self) -> Instrumentation:
        """Three lines of a service, and a span for each statement as instrument_engine makes them."""
        return Instrumentation(span=self._span, execute=self._execute, install=self._install, close=self._close)

    def _install(self, app: Flask) -> None:
        self.telemetry = instrument(app, sli_operations=("POST /checkout",))
        if self._start:
            self.telemetry.start()

    def _span(self, name: str) -> Any:
        return self.telemetry.tracer.start_as_current_span(name)

    def _execute(self, cursor: sqlite3.Cursor, statement: str, arguments: tuple[Any, ...]) -> Any:
        begun = leaf(self.telemetry.tracer, _STATEMENTS[statement.partition(" ")[0]])
        try:
            return cursor.execute(statement, arguments)
        finally:
            begun.end()

    def _close(self) -> None:
        self.telemetry.close()


def without_access_line() -> None:
    """Switch the access line off, as a service may."""
    logging.getLogger("access").setLevel(logging.WARNING)


def without_redaction() -> None:
    """Let every text through as it is; there is no such setting, but what it costs is to be seen."""
    vars(redaction).update(text=lambda value: value, value=lambda _, value: value)
