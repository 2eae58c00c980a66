"""The one file of the store: SQLite, with a write-ahead log.

A transaction is with the operating system once it is committed, so a killed process loses nothing of it. synchronous is
NORMAL: a power cut leaves the file sound, but may cost what was written since the log was last carried over into it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from kit.emulator.keeping.rows import Drop, DropAll, Put, Row
from kit.emulator.keeping.torn import written_frames
from kit.errors import KitError

log = logging.getLogger(__name__)

NAME = "kept.sqlite"
_VERSION = 1
_APPLICATION = 0x6B697431  # so that another program's file is not taken for ours
_LOG_BYTES = 8 * 1024 * 1024  # the log is cut to this whenever it was carried over
_CACHE_KIB = 1024
_FREE_PAGES = 2560  # 10 MB may stay unused in the file; the rest of what was deleted is given back
_MOST_DAMAGED = 9
_ROWS_AT_ONCE = 200
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE row (
    id INTEGER PRIMARY KEY, room TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, sum INTEGER NOT NULL,
    UNIQUE (room, key)
);
"""
_PUT = (
    "INSERT INTO row (room, key, body, sum) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (room, key) DO UPDATE SET body = excluded.body, sum = excluded.sum"
)
_BEYOND = "\U0010ffff"


class Database:
    """One writer, of one account. Errors of SQLite's come as sqlite3.Error, and leave what was committed as it was."""

    def __init__(self, folder: Path, account: str) -> None:
        """Opens or makes the file. A damaged one is moved aside, with a line in the log.

        Raises KitError if it can't be used, or is another version's or account's.
        """
        self.path = folder / NAME
        self._account = account
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            if not is_damage(error):
                remedy = "Choose another folder, or see to its rights and to space on the disk."
                raise KitError(str(self.path), f"can't be opened: {error}", remedy) from error
            self.begin_anew(str(error))

    def begin_anew(self, why: str) -> None:
        """Move the damaged file aside and make an empty one. Raises sqlite3.Error or OSError if that fails."""
        self._abandon()
        aside = next(
            (path for n in range(1, _MOST_DAMAGED) if not (path := self._beside(f".damaged-{n}")).exists()),
            self._beside(f".damaged-{_MOST_DAMAGED}"),
        )
        for suffix in ("", "-wal"):
            found = self._beside(suffix)
            if found.exists():
                found.replace(aside.with_name(aside.name + suffix))
        self._beside("-shm").unlink(missing_ok=True)
        log.error("%s is damaged (%s): it was moved to %s, and an empty one is begun", self.path, why, aside.name)
        self._open()

    def _open(self) -> None:
        if self.path.exists() and self.path.stat().st_size == 0:
            log.warning("%s is empty, whatever it held before; it is begun anew", self.path)
        frames, rest = written_frames(self._beside("-wal"))
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its log the same rights
        self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=2)
        run = self._connection.execute
        run("PRAGMA auto_vacuum=INCREMENTAL")  # counts for a new file only
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        run(f"PRAGMA journal_size_limit={_LOG_BYTES}")
        run(f"PRAGMA cache_size=-{_CACHE_KIB}")
        counted = run("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        if self._tables() == 0:
            self._make()
        self._check_whose()
        if self._about("open") == "yes":
            self._after_a_kill(max(0, frames - max(0, counted)), rest)
        with self.transaction():
            self._tell("open", "yes")
        self._inode = self.path.stat().st_ino

    def _tables(self) -> int:
        found: int = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return found

    def _make(self) -> None:
        with self.transaction():
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id={_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version={_VERSION}")
            self._tell("account", self._account)

    def _check_whose(self) -> None:
        application, version = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        remedy = "Choose another folder with --data, or empty this one with --reset."
        problem = None
        if application != _APPLICATION:
            problem = "is another program's database"
        elif version != _VERSION:
            problem = f"was written by another version (form {version}; this one reads {_VERSION})"
        elif (account := self._about("account")) != self._account:
            problem = f"belongs to account {account}, not {self._account}"
        if problem is not None:
            self._connection.close()
            raise KitError(str(self.path), problem, remedy)

    def _after_a_kill(self, frames: int, rest: int) -> None:
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"{_DAMAGE[0]}: {found}")
        torn = "; a torn write at its end was dropped" if frames or rest else ""
        log.warning("%s was not closed in order (a killed process, a power cut)%s", self.path, torn)

    def rooms(self) -> list[str]:
        """The rooms that have rows."""
        return [room for (room,) in self._connection.execute("SELECT DISTINCT room FROM row")]

    def read(self, room: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The rows of a room whose keys begin so, in the order in which they were first written.

        Those whose check sum is wrong are left out, with a line in the log.
        """
        damaged = 0
        run = self._connection.execute
        # first the ids, out of the index: sorting whole rows would take their size in memory
        within = run("SELECT id FROM row WHERE room = ? AND key >= ? AND key < ?", (room, prefix, prefix + _BEYOND))
        ids = sorted(place for (place,) in within)
        for key, body, check_sum in chain.from_iterable(run(_rows(part)) for part in _parts(ids)):
            if isinstance(key, str) and isinstance(body, bytes) and zlib.crc32(body) == check_sum:
                yield key, body
            else:
                damaged += 1
        if damaged:
            log.warning("%s: %d damaged rows of %s are left out", self.path, damaged, room)

    def transaction(self) -> sqlite3.Connection:
        """``with`` this, all or nothing is written."""
        if self._connection.in_transaction:  # a commit that failed may leave it open
            self._connection.rollback()
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def write(self, room: str, rows: Iterable[Row]) -> int:
        """Change rows of a room; call it within a transaction. Returns how many."""
        run, count = self._connection.execute, 0
        for row in rows:
            count += 1
            match row:
                case Put(key, body):
                    run(_PUT, (room, key, body, zlib.crc32(body)))
                case Drop(key):
                    run("DELETE FROM row WHERE room = ? AND key = ?", (room, key))
                case DropAll(prefix):
                    run("DELETE FROM row WHERE room = ? AND key >= ? AND key < ?", (room, prefix, prefix + _BEYOND))
        return count

    def shrink(self) -> None:
        """Give space that rows have left back to the file system, a piece at a time."""
        free = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free > _FREE_PAGES:
            self._connection.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES})").fetchall()

    @property
    def in_place(self) -> bool:
        """Whether the file is still the one that was opened: someone may have removed it meanwhile."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def reopen(self) -> None:
        """After the file was removed: make it anew."""
        self._abandon()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for suffix in ("-wal", "-shm"):
            self._beside(suffix).unlink(missing_ok=True)
        self._open()

    def size(self) -> int:
        """Bytes of the file and its log."""
        return sum(path.stat().st_size for path in (self.path, self._beside("-wal")) if path.exists())

    def close(self) -> None:
        """In order: the log is carried over and gone."""
        try:
            with self.transaction():
                self._tell("open", "no")
        finally:
            self._connection.close()

    def _abandon(self) -> None:
        try:
            self._connection.close()
        except sqlite3.Error as error:
            log.info("%s: %s", self.path, error)

    def _about(self, name: str) -> str | None:
        found = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def _tell(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def _parts(ids: list[int]) -> Iterator[list[int]]:
    return (ids[begin : begin + _ROWS_AT_ONCE] for begin in range(0, len(ids), _ROWS_AT_ONCE))


def _rows(ids: Iterable[int]) -> str:
    return f"SELECT key, body, sum FROM row WHERE id IN ({','.join(map(str, ids))}) ORDER BY id"  # noqa: S608 - numbers


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file itself is broken, not that it can't be reached or written."""
    name = getattr(error, "sqlite_errorname", None) or str(error)
    return isinstance(error, sqlite3.Error) and name.startswith(_DAMAGE)
