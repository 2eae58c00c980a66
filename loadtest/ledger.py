"""Every checkout that was sent, one row each: a count of its own, apart from the shop's telemetry and Locust's tables.

``requests.csv`` in the run folder, or with workers one file each, ``requests-<index of the worker>.csv``: together
they are all. Columns: ``t`` (when it was sent, UTC), ``request_id`` (as the answer says, else as it was sent),
``operation``, ``status`` (0: no answer came), ``ms`` (until the answer, or until it was given up), ``ok`` (1, 0, or
nothing where the run's end broke it off and nobody knows).
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, TextIO

CHECKOUT = "/checkout"
COLUMNS = ("t", "request_id", "operation", "status", "ms", "ok")
WRITE_EVERY_S = 1.0

Row = tuple[str, str, str, int, float, int | str]


class Ledger:
    """Rows gather in memory and go to the file in batches, so that no request waits for a disk. Closed at first."""

    def __init__(self) -> None:
        self._file: TextIO | None = None
        self._rows: list[Row] = []
        self._under_way: dict[str, float] = {}

    def open(self, folder: Path, worker: int | None) -> None:
        """Begin to keep rows, below those that the file has already; raises OSError."""
        name = "requests.csv" if worker is None else f"requests-{worker}.csv"
        self.close()
        self._file = (folder / name).open("a", encoding="utf-8", newline="")
        if self._file.tell() == 0:
            csv.writer(self._file).writerow(COLUMNS)
            self._file.flush()

    def new_id(self, *, kept: bool) -> str:
        """A request id. ``kept``: a checkout is sent with it now."""
        request_id = secrets.token_hex(8)  # not from a seed: forked workers would all draw the same
        if kept and self._file is not None:
            self._under_way[request_id] = time()
        return request_id

    def answered(
        self, *, context: Mapping[str, Any], response_time: float, exception: Any, response: Any = None, **_: Any
    ) -> None:
        """Locust's request event: an answer came, or there will be none."""
        request_id = context.get("request_id", "")
        sent = self._under_way.pop(request_id, None)
        if sent is None:
            return
        headers = getattr(response, "headers", None) or {}
        status = getattr(response, "status_code", 0) or 0
        self._row(sent, headers.get("X-Request-Id") or request_id, status, response_time, int(exception is None))

    def write(self) -> None:
        """Put into the file what has gathered."""
        if self._file is not None and self._rows:
            csv.writer(self._file).writerows(self._rows)
            self._rows.clear()
            self._file.flush()

    def close(self) -> None:
        """Write the rest, with what is still under way, and keep no more."""
        if self._file is None:
            return
        now = time()
        for request_id, sent in self._under_way.items():
            self._row(sent, request_id, 0, (now - sent) * 1000, "")
        self._under_way.clear()
        self.write()
        self._file.close()
        self._file = None

    def _row(self, sent: float, request_id: str, status: int, ms: float, ok: int | str) -> None:
        self._rows.append((stamp(sent), request_id, f"POST {CHECKOUT}", status, round(ms, 1), ok))


def stamp(epoch_s: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


LEDGER = Ledger()
"""The process's own: users are made by Locust, which hands them nothing of ours."""
