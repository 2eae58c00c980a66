"""``journal.jsonl``: what happened in a run, a line each, append-only.

A line is on the disk before anything follows from it. Several processes may write to one journal: a lock on the file
gives each line the next number. What a killed writer left of a line is cut off by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit.errors import KitError

NAME = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``t`` is when it happened (epoch seconds), not when it was written; ``cause`` is another line's seq.

    ``kind``: run.started, preflight.checked, load.started, load.changed, fault.set, fault.lifted, alarm.changed,
    page.sent, note, rollback, run.ended; others may add page.acked.
    """

    t: float
    run: str
    seq: int
    kind: str
    actor: str = "kit"
    cause: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """As it stands in the file, without the line break."""
        cause = {} if self.cause is None else {"cause": self.cause}
        whole = {"t": stamp(self.t), "run": self.run, "seq": self.seq, "kind": self.kind, "actor": self.actor}
        return json.dumps({**whole, **cause, "data": dict(self.data)}, ensure_ascii=False, separators=(",", ":"))


def stamp(epoch_s: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    """Epoch seconds of an RFC 3339 time. ValueError if it isn't one, or has no offset."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return found.timestamp()


class Journal:
    """The journal of one run, to be written to."""

    def __init__(self, folder: Path, run: str) -> None:
        self._path = folder / NAME
        self._run = run

    def write(
        self,
        kind: str,
        t: float,
        data: Mapping[str, Any],
        *,
        actor: str = "kit",
        cause: int | None = None,
    ) -> Line:
        """Append a line and wait until it is on the disk. Raises KitError when it can't be written."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                end, last = _tail(handle)
                line = Line(t, self._run, last + 1, kind, actor, cause, data)
                os.ftruncate(handle, end)
                os.pwrite(handle, (line.text() + "\n").encode(), end)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise KitError(str(self._path), f"cannot be written: {error.strerror}", "Make room on the disk.") from error
        return line

    def lines(self) -> list[Line]:
        """All whole lines so far."""
        return read(self._path)


def read(path: Path) -> list[Line]:
    """The lines of a journal. One that was cut off by a killed writer is left out. Raises KitError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise KitError(
            str(path), f"cannot be read: {error.strerror}", "See `kit gameday report` for the runs."
        ) from error
    return [line for line in map(_line, raw.splitlines()) if line is not None]


def _line(raw: bytes) -> Line | None:
    try:
        found = json.loads(raw)
        return Line(
            moment(found["t"]),
            str(found["run"]),
            int(found["seq"]),
            str(found["kind"]),
            str(found.get("actor", "kit")),
            found.get("cause"),
            dict(found.get("data", {})),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _tail(handle: int) -> tuple[int, int]:
    """Where whole lines end, and the number of the last."""
    size = os.fstat(handle).st_size
    raw = os.pread(handle, size, 0)
    end = raw.rfind(b"\n") + 1
    last = next((line.seq for line in map(_line, reversed(raw[:end].splitlines())) if line is not None), 0)
    return end, last
