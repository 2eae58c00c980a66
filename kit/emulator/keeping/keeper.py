"""The thread that carries what changed in the engines into the database, twice a second."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from kit.emulator.keeping.database import Database, is_damage
from kit.emulator.keeping.lock import FolderLock
from kit.emulator.keeping.rows import DropAll, Room

log = logging.getLogger(__name__)

# Wall-clock time, whatever clock the engines have: what it bounds is the loss when this process is killed.
EVERY_S = 0.4
_LONGEST_PAUSE = 64  # rounds between two tries while the disk refuses: half a minute
_SHRINK_EVERY = 25  # rounds


class Rooms(Protocol):
    """All that is to be kept."""

    @property
    def first(self) -> str:
        """The room that is filled before all others."""
        ...

    def rooms(self) -> Mapping[str, Room]:
        """The rooms there are now, by name, asked in this order.

        A room that is another object than before is written anew, whole.
        """
        ...

    def room(self, name: str) -> Room | None:
        """The room of a name that was kept, made if need be; None if there is no such room any more."""
        ...


class Keeper:
    """Safe to use from several threads."""

    def __init__(self, folder: Path, account: str) -> None:
        """Raises KitError if the folder can't be used: no rights, another process in it, another account's."""
        self._folder_lock = FolderLock(folder)
        try:
            self._database = Database(folder, account)
        except BaseException:
            self._folder_lock.close()
            raise
        self._lock = threading.Lock()
        self._house: Rooms | None = None
        self._known: dict[str, Room] = {}
        self._behind: set[str] = set()
        self._failures = self._pause = 0
        self._rounds = self._written = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def restore(self, house: Rooms) -> None:
        """Fill the engines, which are new, from the file. Call it once, before anything is served."""
        with self._lock:
            self._house = house
            try:
                self._restore(house)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                # some rooms are filled by now: they are written into the new file
                self._database.begin_anew(str(error))
                self._known, self._behind = dict(house.rooms()), set(house.rooms())

    def _restore(self, house: Rooms) -> None:
        for name in sorted(self._database.rooms(), key=lambda name: name != house.first):
            room = house.room(name)
            if room is None:
                log.warning("%s: nothing here is called %r; its rows are dropped", self._database.path, name)
                self._known[name] = _Gone()
                continue
            unread = room.load(partial(self._database.read, name))
            if unread:
                log.warning("%s: %d rows of %s can't be read and are passed over", self._database.path, unread, name)
            self._known[name] = room

    def start(self) -> None:
        """Begin to mirror."""
        self._thread.start()

    def flush(self) -> bool:
        """Write what has changed up to now; False if that failed."""
        with self._lock:
            return self._round()

    def reset(self) -> None:
        """Empty the file, and write into it what the engines hold now. Call it right after the engines were emptied.

        It returns once that is done, so that a process killed a moment later comes back empty.
        """
        with self._lock:
            self._behind |= self._known.keys()
            self._pause = 0
            self._round()

    def counts(self) -> Mapping[str, int | str]:
        """For the health page: whether all is well, rounds that failed since one did not, rows written, bytes."""
        status = "failing" if self._failures else "ok"
        return {
            "status": status,
            "failures": self._failures,
            "rows_written": self._written,
            "file_bytes": self._database.size(),
        }

    def stop(self) -> None:
        """Write what is left, and close the file. Call it once nothing changes any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        with self._lock:
            if self._house is not None:
                self._pause = 0
                self._round()
            try:
                self._database.close()
            except sqlite3.Error as error:
                log.warning("%s could not be closed in order: %s", self._database.path, error)
        self._folder_lock.close()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            with self._lock:
                self._round()

    def _round(self) -> bool:
        if self._house is None:
            return False
        rooms = self._house.rooms()
        self._rounds += 1
        if self._pause > 0:
            self._pause -= 1
            _forget_changes(rooms)
            return False
        try:
            self._write(rooms)
        except Exception as error:  # noqa: BLE001 - whatever one room does, the emulator goes on and the others are kept
            self._failed(rooms, error)
            return False
        if self._failures:
            log.warning("%s is written again; nothing is missing in it", self._database.path)
            self._failures = 0
        return True

    def _write(self, rooms: Mapping[str, Room]) -> None:
        database = self._database
        if not database.in_place:
            log.warning("%s was removed, or can't be reached; it is made anew", database.path)
            database.reopen()
            self._behind |= rooms.keys()
        gone = self._known.keys() - rooms.keys()
        fresh = {name for name, room in rooms.items() if self._known.get(name) is not room} | self._behind
        changes = {name: list(room.changes()) for name, room in rooms.items() if name not in fresh}
        if not (gone or fresh or any(changes.values())):
            return
        with database.transaction():
            for name in gone | fresh:
                database.write(name, [DropAll("")])
            for name in filter(fresh.__contains__, rooms):
                self._written += database.write(name, rooms[name].everything())
            for name, rows in changes.items():
                self._written += database.write(name, rows)
        self._known, self._behind = dict(rooms), set()
        if self._rounds % _SHRINK_EVERY == 0:
            database.shrink()

    def _failed(self, rooms: Mapping[str, Room], error: Exception) -> None:
        """One line when it begins; then tried again, ever more seldom, with all there is."""
        self._behind |= rooms.keys()
        if not self._failures:
            log.error(
                "%s can't be written (%s: %s): the emulator goes on, and what it is given is lost if it ends before "
                "that is mended; tried again from time to time",
                self._database.path,
                type(error).__name__,
                error,
                exc_info=None if isinstance(error, sqlite3.Error | OSError) else error,
            )
        self._failures += 1
        self._pause = min(2**self._failures, _LONGEST_PAUSE)
        if is_damage(error):
            try:
                self._database.begin_anew(str(error))
            except (sqlite3.Error, OSError) as again:
                log.info("%s: %s", self._database.path, again)


class _Gone:
    """Stands for a room that is no more, whose rows are to be deleted."""

    def changes(self) -> list[DropAll]:
        return []

    def everything(self) -> list[DropAll]:
        return []

    def load(self, read: object) -> int:
        raise NotImplementedError


def _forget_changes(rooms: Mapping[str, Room]) -> None:
    """All will be written anew: what changed meanwhile must not pile up."""
    for room in rooms.values():
        for _ in room.changes():
            pass
