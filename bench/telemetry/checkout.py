"""The small Flask app that every variant runs: 4 spans, 1 log line and the metrics of one request.

Who instruments it is a parameter; the app itself only says where a span, a statement and a log line are.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

Execute = Callable[[sqlite3.Cursor, str, tuple[Any, ...]], Any]

log = logging.getLogger("shop")
ITEMS = 50


def execute(cursor: sqlite3.Cursor, statement: str, arguments: tuple[Any, ...]) -> Any:
    """A statement that nobody watches, or that sqlite3's own instrumentation does."""
    return cursor.execute(statement, arguments)


@dataclass
class Instrumentation:
    """What a variant puts into the app; the defaults are a bare one."""

    span: Callable[[str], AbstractContextManager[Any]] = lambda _: nullcontext()
    execute: Execute = execute
    install: Callable[[Flask], None] = lambda _: None
    close: Callable[[], None] = lambda: None


def create_app(instrumentation: Instrumentation, database: str) -> Flask:
    """The app over an SQLite database at that path (":memory:" for an app that one thread asks)."""
    app, local = Flask("shop", static_folder=None), threading.local()

    def cursor() -> sqlite3.Cursor:
        found: sqlite3.Connection | None = getattr(local, "connection", None)
        if found is None:
            found = local.connection = sqlite3.connect(database, isolation_level=None)
            _prepare(found)
        return found.cursor()

    def reserve(item: int, quantity: int) -> int:
        with instrumentation.span("inventory.reserve"):
            return sum(hash((item, number)) & 1 for number in range(quantity * 4))

    def checkout() -> ResponseReturnValue:
        body, rows = request.get_json(), cursor()
        item, quantity = body["item"], body["qty"]
        instrumentation.execute(rows, "SELECT name, price FROM items WHERE id = ?", (item,))
        name, price = rows.fetchone()
        reserve(item, quantity)
        total = price * quantity
        order = (item, quantity, total)
        instrumentation.execute(rows, "INSERT INTO orders(item, quantity, total) VALUES (?, ?, ?)", order)
        log.info("order placed", extra={"order_id": rows.lastrowid, "item": name, "quantity": quantity, "total": total})
        return jsonify(order=rows.lastrowid, total=total)

    app.post("/checkout")(checkout)
    instrumentation.install(app)
    return app


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, name TEXT, price REAL)")
    connection.execute("CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, item INT, quantity INT, total REAL)")
    items = [(number, f"item{number}", number * 1.5) for number in range(1, ITEMS + 1)]
    connection.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?)", items)
