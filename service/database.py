"""The database of a service: an engine, sessions, and a schema that any number of workers may create at once."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from opentelemetry import trace
from sqlalchemy import URL, CursorResult, DateTime, Dialect, Engine, TypeDecorator, Update, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session

from service.settings import POOL_SIZE, POOL_TIMEOUT_S, SettingsError

logger = logging.getLogger(__name__)
tracer = trace.get_tracer(__name__)

CONNECT_TIMEOUT_S = 3
LOCK_TIMEOUT_MS = 5_000
PREPARE_ATTEMPTS = 10
LONG_WAIT_S = 0.01
BUSY_PAUSE_S = 0.01


class UtcDateTime(TypeDecorator[datetime]):
    """A time that comes back as it went in: aware and in UTC (SQLite forgets the zone, PostgreSQL changes it)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # theirs
        """Make the time aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Opened lazily: a service starts while its database is away, and is ready once it is there.

    ``seed`` fills a fresh schema; it must be idempotent, and may lose a race with another worker.
    """

    def __init__(
        self,
        url: str,
        base: type[DeclarativeBase],
        seed: Callable[[Session], None] | None = None,
        *,
        pool_size: int = POOL_SIZE,
        pool_timeout_s: float = POOL_TIMEOUT_S,
    ) -> None:
        self.engine = _engine(url, pool_size, pool_timeout_s)
        self._base = base
        self._seed = seed
        self._prepared = False
        self._preparing = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception.

        SQLAlchemy's errors pass through; OperationalError and TimeoutError mean that the database is away or busy.
        """
        self.prepare()
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            _acquire(session)
            yield session

    def check(self) -> None:
        """Raises an SQLAlchemy error unless the database answers and the schema is there."""
        self.prepare()
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def prepare(self) -> None:
        """Create and fill what is missing, once per process.

        Workers and containers race here, and no statement for "create unless it exists" is safe in every database. So
        a loser tries again: its failure means that somebody else got further, and what exists by then is skipped.
        """
        if self._prepared:
            return
        if not self._preparing.acquire(timeout=CONNECT_TIMEOUT_S):
            # Threads that queue up behind a database that hangs would each wait for those before them.
            raise PoolTimeoutError("another thread is still waiting for the database")
        try:
            for attempt in range(PREPARE_ATTEMPTS):
                if self._prepared:
                    return
                try:
                    self._create()
                    self._prepared = True
                except DBAPIError as error:
                    if not _lost_race(error) or attempt == PREPARE_ATTEMPTS - 1:
                        raise
        finally:
            self._preparing.release()

    def _create(self) -> None:
        self._base.metadata.create_all(self.engine)
        if self._seed is not None:
            with Session(self.engine) as session, session.begin():
                self._seed(session)


def matched(session: Session, statement: Update) -> int:
    """Run an UPDATE and say how many rows it found (RETURNING, the other way to ask, is not in every database)."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _acquire(session: Session) -> None:
    """Take a connection from the pool now; a wait for it becomes a span and a log line of its own."""
    began = time.time_ns()
    try:
        session.connection()
    finally:
        waited = time.time_ns() - began
        if waited > LONG_WAIT_S * 1e9:
            tracer.start_span("db.acquire", start_time=began).end()
            logger.warning("waited for a database connection", extra={"waited_ms": round(waited / 1e6)})


def _lost_race(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError | ProgrammingError) or "already exists" in str(error.orig)


def load_driver(url: str) -> URL:
    """Import what the URL's database needs. Raises SettingsError, which does not repeat the URL."""
    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError):
        raise SettingsError("DATABASE_URL: unknown to SQLAlchemy. Write it as postgresql+psycopg://…") from None
    except ImportError as error:
        raise SettingsError(f"DATABASE_URL: its driver is missing: {error}. Install it, or use SQLite.") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SettingsError("DATABASE_URL: workers cannot share an SQLite database in memory. Name a file.")
    return parsed


def _engine(url: str, pool_size: int, pool_timeout_s: float) -> Engine:
    parsed = load_driver(url)
    backend = parsed.get_backend_name()
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": pool_timeout_s}
    if backend != "sqlite":
        # A connection that died with the server's restart is replaced before a request sees it.
        options["pool_pre_ping"] = True
    if backend == "postgresql":
        locks = f"-c lock_timeout={LOCK_TIMEOUT_MS}"
        options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT_S, "options": locks}
    # Parameters are what customers typed: they must not reach a log by way of an exception's text.
    engine = create_engine(parsed, hide_parameters=True, **options)
    if parsed.database is not None and backend == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"DATABASE_URL: its folder cannot be made: {error.strerror}. Choose another.") from None
    return engine


def _tune_sqlite(connection: Any, _record: object) -> None:
    """WAL: readers go on while one writer writes; NORMAL is durable enough with it (SQLite, Write-Ahead Logging)."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_MS}")
    _journal(cursor)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _journal(cursor: Any) -> None:
    # SQLite does not wait for another process that changes the journal's mode at the same time, whatever the timeout.
    until = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(BUSY_PAUSE_S)
        else:
            return
