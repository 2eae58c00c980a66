"""Connections leave the pool one by one and do not come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from service.failures.here import Here
from service.failures.registry import Dial, holds


@holds(
    "shop",
    n=Dial(10, 1, 100, "connections held in each process"),
    ms=Dial(15_000, 0, 60_000, "ms from one to the next"),
    signal="`PoolInUse` climbs to the size of the pool",
    look="`PoolInUse` = its maximum, first → long `db.acquire` spans → `database unavailable` in the log",
)
def hold(here: Here) -> Iterator[None]:
    """Database connections are taken from the pool, one after another, and held."""
    leak = _Leak(here)
    try:
        while True:
            if leak.size < here.dial("n"):
                leak.take()
                here.wait(here.dial("ms") / 1000)
            yield
    finally:
        leak.give_back()


class _Leak:
    """The connections that are held. An empty pool makes who asks wait, so a thread of its own asks for each."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._held: list[object] = []
        self._over = False
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None

    @property
    def size(self) -> int:
        return len(self._held)

    def take(self) -> None:
        """Ask for one more, unless the last one asked for has not come yet."""
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._ask, name="worker watch", daemon=True)
            self._asking.start()

    def give_back(self) -> None:
        """Return them all; one that comes later returns at once."""
        with self._lock:
            self._over = True
            held, self._held = self._held, []
        for connection in held:
            connection.close()  # type: ignore[attr-defined]  # SQLAlchemy's, which the control process does not load

    def _ask(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # the control process does without

        try:
            connection = self._here.engine.raw_connection()
        except SQLAlchemyError:
            return  # the pool is empty already
        with self._lock:
            if not self._over:
                self._held.append(connection)
                return
        connection.close()
