"""The lock-holding transaction against a real PostgreSQL, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service.database import Database
from service.failures.faults import db_lock
from service.failures.here import Here
from service.failures.registry import catalogue
from service.failures.state import Setting
from service.shop.models import Base, Cart, Item

pytest.importorskip("psycopg")
BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
INITDB = str(BINARIES / "initdb") if BINARIES else shutil.which("initdb") or ""
pytestmark = pytest.mark.skipif(not Path(INITDB).is_file(), reason="there is no PostgreSQL server here")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("postgres")
    user = None
    if os.getuid() == 0:  # which the server refuses to be
        user = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
        shutil.chown(folder, user)
        for parent in folder.parents:
            if not parent.is_relative_to(tempfile.gettempdir()) or parent == Path(tempfile.gettempdir()):
                break
            parent.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = folder / "data"
    tools = Path(INITDB).parent
    quietly: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user, "cwd": folder}
    made_of = [INITDB, "-D", str(data), "-U", "shop", "-A", "trust", "--no-sync"]
    made_by = subprocess.run(made_of, user=user, cwd=folder, capture_output=True, text=True, check=False)
    assert made_by.returncode == 0, made_by.stderr
    server = subprocess.Popen(
        [tools / "postgres", "-D", data, "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-F"],
        **quietly,
    )
    made = Database(f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres", Base)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                made.check()
                break
            except SQLAlchemyError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield made
    finally:
        made.engine.dispose()
        server.terminate()
        server.wait(20)


def write(database: Database) -> float:
    began = time.monotonic()
    with database.begin() as session:
        session.add(Cart())
    return time.monotonic() - began


def held(engine: Engine, lasts: threading.Event) -> None:
    fault = catalogue()["db-lock"]
    here = Here("shop", engine, fault.filled(Setting(expires_at=0, ms=60_000)), lambda: not lasts.is_set())
    steps = db_lock.hold(here)
    while not lasts.is_set():
        next(steps)
        time.sleep(0.02)
    steps.close()  # type: ignore[attr-defined]  # a generator


def test_writers_wait_readers_do_not_and_the_lock_goes_when_it_is_lifted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_lock, "FREE", 0.001)
    assert write(database) < 1
    lifted = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        holders = [pool.submit(held, database.engine, lifted) for _ in range(2)]
        time.sleep(0.7)
        writer = pool.submit(write, database)
        time.sleep(0.3)
        assert not writer.done()
        with database.begin() as session:
            assert session.get(Item, "tamper") is None
        began = time.monotonic()
        lifted.set()
        assert writer.result(timeout=3) > 0.2
        assert time.monotonic() - began < 1
        for holder in holders:
            holder.result(timeout=3)
    assert write(database) < 1
