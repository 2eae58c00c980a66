"""A file that only grows: one JSON value a line, in the order in which things happened.

Whoever keeps state appends what changes it, replays that at the next start, and now and then compacts the file to what
still counts. A line that was being written when the power went is found at the next start, dropped, and said so. The
first line says whose journal it is.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kit.errors import KitError

log = logging.getLogger(__name__)

_VERSION = 1
_OWNER_ONLY = 0o600


class Journal:
    """One file, open in one process at a time. Safe to use from several threads.

    An appended record is with the operating system when ``append`` returns, so it survives ``kill -9``; with ``sync``
    it is on the disk too. Raises KitError if the file can't be used, or is another journal's.
    """

    def __init__(self, path: Path, name: str, *, sync: bool = True) -> None:
        self.path = path
        self.name = name
        self._sync = sync
        self._lock = threading.Lock()
        self._head = _line({"journal": name, "version": _VERSION})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open(path)
        except OSError as error:
            raise KitError(str(path), f"can't be opened: {error.strerror}", "Choose another folder.") from error

    def append(self, record: Any) -> None:
        """Add a record, which must be JSON's kinds of values. Raises OSError if the disk does."""
        with self._lock:
            _write(self._file, _line(record))
            if self._sync:
                os.fsync(self._file)

    def replay(self) -> Iterator[Any]:
        """Every record, oldest first. A torn last line is cut off, a damaged one passed over; both are said."""
        with self._lock:
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                log.warning("%s: its last line was torn (%d bytes) and is dropped", self.path, len(content) - whole)
                os.ftruncate(self._file, whole)
        lines = content[:whole].splitlines()
        self._check_head(lines)
        for number, line in enumerate(lines[1:], 2):
            try:
                record = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                log.warning("%s: line %d is damaged and is dropped", self.path, number)
                continue
            yield record

    def compact(self, records: Iterable[Any]) -> None:
        """Replace all records by these, at once or not at all."""
        with self._lock:
            fresh = self.path.with_name(self.path.name + ".new")
            fresh.unlink(missing_ok=True)
            file = self._open(fresh)
            _write(file, b"".join(_line(record) for record in records))
            os.fsync(file)
            fresh.replace(self.path)
            os.close(self._file)
            self._file = file
            _sync_folder(self.path.parent)

    def close(self) -> None:
        """Let another process have it."""
        with self._lock:
            os.close(self._file)

    def _open(self, path: Path) -> int:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise KitError(
                str(path), "is in use by another process", "Stop that one, or choose another folder."
            ) from error
        if os.fstat(file).st_size == 0:
            _write(file, self._head)
        return file

    def _check_head(self, lines: list[bytes]) -> None:
        # a head that was itself torn is cut off above: then nothing was ever kept
        if not lines:
            _write(self._file, self._head)
        elif lines[0] + b"\n" != self._head:
            problem = f"is not a journal of {self.name} in version {_VERSION}"
            raise KitError(str(self.path), problem, "Choose another folder, or move the file away.")


def _line(record: Any) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    """The new name of a file is on the disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
