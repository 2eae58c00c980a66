"""SQLAlchemy: a CLIENT span for each statement, and the pool's connections in use.

Spans are made only inside a request that is sampled, so start-up work before a fork starts nothing. SQLAlchemy itself
is imported when an engine comes: a project without it does without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.status import Status, StatusCode

from .current import get_current
from .leaf import Leaf, leaf
from .origin import Prepared
from .semconv import (
    DB_NAMESPACE,
    DB_OPERATION,
    DB_QUERY,
    DB_SUMMARY,
    DB_SYSTEM,
    ERROR_TYPE,
    SERVER_ADDRESS,
    SERVER_PORT,
)
from .sql import sanitised
from .tracer import SPAN_KEY

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .gauges import Gauges

# OpenTelemetry: "Semantic conventions for database client calls", db.system.name.
SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
SPAN = "_telemetry_span"
# Statements whose attributes are kept; an app that writes values into its SQL would have them without number.
STATEMENTS = 512


def instrument_engine(engine: Engine, tracer: Callable[[], Tracer], gauges: Gauges) -> None:
    """Listen to this engine. ``tracer`` is asked at each statement, as a fork changes it."""
    from sqlalchemy import event  # noqa: PLC0415 - a project without SQLAlchemy has to work

    about = _about(engine)
    prepared: dict[str, Prepared] = {}

    def before(_conn: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        above = get_current().get(SPAN_KEY)
        if context is None or not isinstance(above, Span) or not above.is_recording():
            return
        found = prepared.get(statement)
        if found is None:
            if len(prepared) >= STATEMENTS:
                prepared.clear()
            found = prepared[statement] = _prepare(about, statement)
        setattr(context, SPAN, leaf(tracer(), found))

    def after(_conn: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        _end(context, None)

    def failed(context: Any) -> None:
        # Also called for failures outside a statement: then there is no execution, or no span waiting.
        _end(context.execution_context, context.original_exception)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
    in_use = getattr(engine.pool, "checkedout", None)
    if in_use is not None:  # NullPool and StaticPool have no such number
        gauges.add_pool(in_use)
        event.listen(engine, "checkout", lambda *_: gauges.pool_changed())


def _end(execution: Any, error: BaseException | None) -> None:
    begun: Leaf | Span | None = getattr(execution, SPAN, None)
    if begun is None:
        return
    # An execution may run several statements, one after the other.
    setattr(execution, SPAN, None)
    if error is None:
        begun.end()
        return
    span = begun.span() if isinstance(begun, Leaf) else begun
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.set_attribute(ERROR_TYPE, type(error).__qualname__)
    span.end()


def _prepare(about: dict[str, Any], statement: str) -> Prepared:
    text, operation, summary = sanitised(statement)
    attributes = {**about, DB_QUERY: text, DB_OPERATION: operation, DB_SUMMARY: summary}
    return Prepared(summary, SpanKind.CLIENT, attributes)


def _about(engine: Engine) -> dict[str, Any]:
    url = engine.url
    name = engine.dialect.name
    about: dict[str, Any] = {DB_SYSTEM: SYSTEMS.get(name, name)}
    if url.database:
        # SQLite's database is a path; its last part is name enough, and says nothing of the machine.
        about[DB_NAMESPACE] = url.database.rsplit("/", 1)[-1]
    if url.host:
        about[SERVER_ADDRESS] = url.host
    if url.port:
        about[SERVER_PORT] = url.port
    return about
