"""A transaction that writes for long keeps every other writer waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from service.failures.here import Here
from service.failures.registry import Dial, holds

if TYPE_CHECKING:
    from sqlalchemy import Engine

WAIT_MS = 200
FREE = 0.3  # of each cycle, so that writers are slow rather than dead


@holds(
    "shop",
    ms=Dial(1_500, 100, 60_000, "ms that the lock is held at a time"),
    signal="`Slow` of `POST /checkout`",
    look="only requests that write are slow → one long `UPDATE carts` span → who holds the lock?",
)
def hold(here: Here) -> Iterator[None]:
    """A long transaction holds the lock that writers need, again and again."""
    from sqlalchemy import create_engine  # noqa: PLC0415  # the control process does without
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(here.engine.url, poolclass=NullPool, hide_parameters=True)
    cycle = here.dial("ms") / 1000 / (1 - FREE)
    while True:
        # All workers share the wall clock and so the pauses: one holds the lock, the others try in vain.
        left = cycle * (1 - FREE) - time.time() % cycle
        if left > 0:
            _hold_once(engine, here, left)
        yield


def _hold_once(engine: Engine, here: Here, seconds: float) -> None:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        connection: Any = engine.raw_connection()
    except DBAPIError:
        return
    try:
        cursor = connection.cursor()
        for statement in _statements(engine):
            cursor.execute(statement)
        here.wait(seconds)
    except engine.dialect.loaded_dbapi.Error:
        return  # another worker has it
    finally:
        connection.rollback()
        connection.close()


def _statements(engine: Engine) -> tuple[str, ...]:
    if engine.dialect.name == "sqlite":
        return f"PRAGMA busy_timeout={WAIT_MS}", "BEGIN IMMEDIATE"
    if engine.dialect.name == "postgresql":
        # EXCLUSIVE keeps writers out and lets readers in (PostgreSQL, Explicit Locking).
        return f"SET lock_timeout={WAIT_MS}", "LOCK TABLE carts IN EXCLUSIVE MODE"
    return ("UPDATE carts SET touched_at = touched_at",)
