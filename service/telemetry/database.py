"""SQLAlchemy: a CLIENT span for each statement, and the pool's connections in use.

Spans are made only inside a request that is sampled, so start-up work before a fork starts nothing. SQLAlchemy itself
is imported when an engine comes: a project without it does without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanKind, Tracer, get_current_span
from opentelemetry.trace.status import Status, StatusCode

from .sql import sanitised

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .metrics import Gauges

# OpenTelemetry: "Semantic conventions for database client calls", db.system.name.
SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
KEY = "telemetry.spans"


def instrument_engine(engine: Engine, tracer: Callable[[], Tracer], gauges: Gauges) -> None:
    """Listen to this engine. ``tracer`` is asked at each statement, as a fork changes it."""
    from sqlalchemy import event  # noqa: PLC0415 - a project without SQLAlchemy has to work

    about = _about(engine)

    def before(conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        spans = conn.info.setdefault(KEY, [])
        if not get_current_span().is_recording():
            spans.append(None)
            return
        text, operation, summary = sanitised(statement)
        attributes = {**about, "db.query.text": text, "db.operation.name": operation, "db.query.summary": summary}
        spans.append(tracer().start_span(summary, kind=SpanKind.CLIENT, attributes=attributes))

    def after(conn: Any, *_: Any) -> None:
        _end(conn.info, None)

    def failed(context: Any) -> None:
        # Also called for failures outside a statement; then there is no connection, or no span waiting.
        if context.connection is not None:
            _end(context.connection.info, context.original_exception)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
    in_use = getattr(engine.pool, "checkedout", None)
    if in_use is not None:  # NullPool and StaticPool have no such number
        gauges.add_pool(in_use)
        event.listen(engine, "checkout", lambda *_: gauges.pool_changed())


def _end(info: dict[str, Any], error: BaseException | None) -> None:
    spans: list[Span | None] = info.get(KEY) or []
    span = spans.pop() if spans else None
    if span is None:
        return
    if error is not None:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.set_attribute("error.type", type(error).__qualname__)
    span.end()


def _about(engine: Engine) -> dict[str, Any]:
    url = engine.url
    name = engine.dialect.name
    about: dict[str, Any] = {"db.system.name": SYSTEMS.get(name, name)}
    if url.database:
        # SQLite's database is a path; its last part is name enough, and says nothing of the machine.
        about["db.namespace"] = url.database.rsplit("/", 1)[-1]
    if url.host:
        about["server.address"] = url.host
    if url.port:
        about["server.port"] = url.port
    return about
