"""The store of the inbox: one SQLite file a stage, shared by the console and the verbs.

A page is committed to the disk before SNS hears 200, and known by its MessageId: what a killed receiver had not
answered is sent again, and taken once.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, fields, replace
from pathlib import Path

from kit.errors import KitError
from kit.incidents.grouping import choose, stand
from kit.incidents.model import ALARM, Act, Incident, Kind, Page
from kit.settings import Settings

SAME_CHANGE_S = 2.0
"""Two notifications of one alarm and state within this time are one change, told by two topics or by its history."""

LATEST = 200
"""So many incidents are looked at, newest first."""

_BUSY_S = 5.0
_BUSY_PAUSE_S = 0.01
_SCHEMA = """
CREATE TABLE IF NOT EXISTS incidents (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS pages (
  id TEXT PRIMARY KEY, alarm TEXT NOT NULL, state TEXT NOT NULL, before TEXT NOT NULL, reason TEXT NOT NULL,
  about TEXT NOT NULL, severity TEXT NOT NULL, topic TEXT NOT NULL, at REAL NOT NULL, received REAL NOT NULL,
  incident INTEGER REFERENCES incidents (id));
CREATE INDEX IF NOT EXISTS pages_of_alarm ON pages (alarm, at);
CREATE INDEX IF NOT EXISTS pages_of_incident ON pages (incident);
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS acts (
  number INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id),
  at REAL NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS acts_of_incident ON acts (incident);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, at REAL NOT NULL);
"""
_PAGE = ", ".join(field.name for field in fields(Page))


def open_inbox(settings: Settings) -> Inbox:
    """The inbox of a stage, in ``.kit/incidents``."""
    return Inbox(settings.state_dir / "incidents", settings.stage.name)


def secret_path(settings: Settings) -> str:
    """The part of the receiver's address that only SNS is told; made when first asked for."""
    path = settings.state_dir / "incidents" / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, own = tempfile.mkstemp(dir=path.parent, prefix="secret.")  # for its owner alone
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            os.link(own, path)  # whole, and only one of two that begin at once
        Path(own).unlink()
    return path.read_text(encoding="ascii").strip()


class Inbox:
    """Every method opens the file anew, so threads and processes may share an inbox. They raise KitError."""

    def __init__(self, folder: Path, stage: str) -> None:
        self._path = folder / f"{stage}.db"

    def receive(self, page: Page) -> int | None:
        """Store a page once; the incident it belongs to, or None for one that is no news (an OK of nothing)."""
        with self._changing() as db:
            if db.execute("SELECT 1 FROM seen WHERE id = ?", (page.id,)).fetchone():
                return _incident_of(db, page.id)
            db.execute("INSERT INTO seen VALUES (?)", (page.id,))
            twin = _twin(db, page)
            if twin is not None:
                if page.severity == "page":
                    db.execute("UPDATE pages SET severity = 'page' WHERE id = ?", (twin,))
                return _incident_of(db, twin)
            incident = choose(page, _standing(db, page.at))
            if incident is None and page.state == ALARM:
                incident = db.execute("INSERT INTO incidents DEFAULT VALUES").lastrowid
            marks = ", ".join("?" * len(fields(Page)))
            db.execute(f"INSERT INTO pages ({_PAGE}, incident) VALUES ({marks}, ?)", (*astuple(page), incident))  # noqa: S608 - the names are fields
            if page.state == ALARM:
                # An OK that overtook its ALARM waits here for it.
                db.execute(
                    "UPDATE pages SET incident = ? WHERE incident IS NULL AND alarm = ? AND at >= ?",
                    (incident, page.alarm, page.at),
                )
            return incident

    def act(self, incident: int, act: Act) -> Incident:
        """Acknowledge, note or resolve; how the incident stands then.

        What is done after a page is told after it, even where this machine's clock is behind that of the alarms.

        Raises KitError when there is no such incident, or when it is resolved and would be acknowledged.
        """
        with self._changing() as db:
            before = _one(db, incident, act.at)
            if before is None:
                raise KitError(f"incident {incident}", "there is none of this number", "`kit page list --all` lists.")
            if act.kind == "ack" and before.state == "resolved":
                raise KitError(
                    f"incident {incident}", "it is resolved already", "Add what you know with `kit page note`."
                )
            at = max(act.at, *(entry.at for entry in before.timeline))
            # Twice the same is once: two people press the button, or one presses it again.
            if not _said_already(before, act.kind):
                db.execute(
                    "INSERT INTO acts (incident, at, actor, kind, text) VALUES (?, ?, ?, ?, ?)",
                    (incident, at, act.actor, act.kind, act.text),
                )
            return _one(db, incident, at) or before

    def incidents(self, now: float, limit: int = LATEST) -> list[Incident]:
        """The newest incidents as they stand at ``now``: unresolved ones first, then by their last page."""
        with self._reading() as db:
            found = _standing(db, now, limit)
        return sorted(found, key=lambda each: (each.state == "resolved", each.state != "open", -each.last_page))

    def incident(self, number: int, now: float) -> Incident | None:
        """One incident, None if there is none of this number."""
        with self._reading() as db:
            return _one(db, number, now)

    def mark(self, name: str) -> float | None:
        """A moment that was kept by ``set_mark``."""
        with self._reading() as db:
            found = db.execute("SELECT at FROM marks WHERE name = ?", (name,)).fetchone()
        return float(found[0]) if found else None

    def set_mark(self, name: str, at: float) -> None:
        """Keep a moment under a name."""
        with self._changing() as db:
            db.execute("INSERT INTO marks VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at", (name, at))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as db:
                yield db
        except (sqlite3.Error, OSError) as error:
            raise KitError(str(self._path), f"cannot be used: {error}", "Move it away: a new one is made.") from error

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:
                yield db

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                _make(db)
            db.execute("PRAGMA synchronous = FULL")
        except BaseException:
            db.close()
            raise
        return db


def _make(db: sqlite3.Connection) -> None:
    # SQLite doesn't wait for another who changes the journal's mode at the same time, whatever the timeout.
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE_S)
    db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = 1; COMMIT;")


def _said_already(incident: Incident, kind: Kind) -> bool:
    if kind == "ack":
        return incident.state == "acknowledged"
    return kind == "resolve" and incident.state == "resolved"


def _twin(db: sqlite3.Connection, page: Page) -> str | None:
    """The page that told the same change already."""
    if not page.alarm:
        return None
    found = db.execute(
        "SELECT id FROM pages WHERE alarm = ? AND state = ? AND abs(at - ?) <= ?",
        (page.alarm, page.state, page.at, SAME_CHANGE_S),
    ).fetchone()
    return str(found[0]) if found else None


def _incident_of(db: sqlite3.Connection, page: str) -> int | None:
    found = db.execute("SELECT incident FROM pages WHERE id = ?", (page,)).fetchone()
    return int(found[0]) if found and found[0] is not None else None


def _standing(db: sqlite3.Connection, now: float, limit: int = LATEST) -> list[Incident]:
    numbers = db.execute("SELECT id FROM incidents ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
    found = (_one(db, number, now) for (number,) in numbers)
    return [each for each in found if each is not None]


def _one(db: sqlite3.Connection, number: int, now: float) -> Incident | None:
    rows = db.execute(f"SELECT {_PAGE} FROM pages WHERE incident = ?", (number,)).fetchall()  # noqa: S608 - the names are fields
    if not rows:
        return None
    acts = db.execute("SELECT at, actor, kind, text FROM acts WHERE incident = ? ORDER BY number", (number,)).fetchall()
    return stand(number, [Page(*row) for row in rows], [Act(*row) for row in acts], now)


def with_severity(page: Page, actions: dict[str, str]) -> Page:
    """The page with the severity that the stage's ``actions`` give its topic (name -> ARN)."""
    return replace(page, severity="ticket" if actions.get("ticket") == page.topic else "page")
