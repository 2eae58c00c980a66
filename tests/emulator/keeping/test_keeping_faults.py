"""What becomes of a store that was torn, damaged, removed, or whose disk is full."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from kit.emulator.keeping import Keeper
from kit.emulator.keeping.database import NAME
from kit.errors import KitError
from tests.emulator.keeping.conftest import ACCOUNT, REGION, TEN, Kept


def copied(folder: Path, to: Path) -> Path:
    """A folder as it would be found, had its process been killed now."""
    shutil.copytree(folder, to)
    return to / NAME


def reread(folder: Path) -> list[str]:
    kept = Kept(folder)
    try:
        return kept.names()
    finally:
        kept.keeper.stop()


def test_a_torn_write_is_dropped_and_said_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path / "a")
    kept.write("one")
    before = (tmp_path / "a" / f"{NAME}-wal").stat().st_size
    kept.write("two")
    log = copied(tmp_path / "a", tmp_path / "b").with_name(f"{NAME}-wal")
    kept.keeper.stop()
    for cut in range(before + 1, log.stat().st_size, 1511):
        shutil.copytree(tmp_path / "b", tmp_path / f"b{cut}")
        os.truncate(tmp_path / f"b{cut}" / log.name, cut)
        caplog.clear()
        assert reread(tmp_path / f"b{cut}") == ["one"]
        assert len(caplog.records) == 1
        assert "a torn write at its end was dropped" in caplog.text


def test_a_store_that_was_killed_between_writes_has_nothing_torn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept(tmp_path / "a")
    kept.write("one")
    copied(tmp_path / "a", tmp_path / "b")
    kept.keeper.stop()
    assert reread(tmp_path / "b") == ["one"]
    assert "was not closed in order" in caplog.text
    assert "torn" not in caplog.text
    caplog.clear()
    assert reread(tmp_path / "b") == ["one"]
    assert not caplog.records


def fill(kept: Kept) -> None:
    engine = kept.engines.logs(REGION)
    kept.put("big")
    group = engine.group("big")
    engine.create_stream(group, "s")
    for n in range(40):
        engine.append(group, group.stream("s"), [(int(TEN * 1000), os.urandom(20_000).hex().encode() + b"%d" % n)])
    assert kept.keeper.flush()


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "no database", "empty"])
def test_a_damaged_file_is_moved_aside_and_an_empty_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    kept = Kept(tmp_path)
    fill(kept)
    kept.keeper.stop()
    file = tmp_path / NAME
    size = file.stat().st_size
    if damage == "truncated":
        os.truncate(file, size // 2)
    elif damage == "empty":
        os.truncate(file, 0)
    else:
        with file.open("r+b") as opened:
            opened.write(b"\xff" * (4096 * 5 if damage == "overwritten" else 100))
    assert reread(tmp_path) == []
    if damage == "empty":
        assert "is empty" in caplog.text
    else:
        assert caplog.text.count("is damaged") == 1
        assert (tmp_path / f"{NAME}.damaged-1").exists()
    caplog.clear()
    assert reread(tmp_path) == []
    assert not caplog.records


def test_damage_to_one_row_costs_that_row_and_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path)
    kept.write("one", "two")
    kept.keeper.stop()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("UPDATE row SET body = x'00' WHERE key = 'g/one'")
        connection.execute(
            "INSERT INTO row (room, key, body, sum) VALUES ('logs us-east-1', 'g/three', x'61', 3904355907)"
        )
        connection.execute("INSERT INTO row (room, key, body, sum) VALUES ('what is that', 'a', x'61', 3904355907)")
    connection.close()
    assert reread(tmp_path) == ["two"]
    assert [record.getMessage().partition(NAME)[2] for record in caplog.records] == [
        ": 1 damaged rows of logs us-east-1 are left out",
        ": 1 rows of logs us-east-1 can't be read and are passed over",
        ": nothing here is called 'what is that'; its rows are dropped",
    ]


def test_another_version_is_one_line(tmp_path: Path) -> None:
    Kept(tmp_path).keeper.stop()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version=2")
    connection.close()
    with pytest.raises(KitError, match=r"was written by another version \(form 2; this one reads 1\)\. .*--reset"):
        Kept(tmp_path)


def test_another_account_is_one_line(tmp_path: Path) -> None:
    Kept(tmp_path).keeper.stop()
    with pytest.raises(KitError, match="belongs to account 123456789012, not 999999999999"):
        Keeper(tmp_path, "999999999999")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(KitError, match="is another program's database"):
        Keeper(tmp_path, ACCOUNT)


def test_one_folder_serves_one_emulator_at_a_time(start: Callable[..., Any], data: Path) -> None:
    first = start()
    with pytest.raises(KitError, match=rf"is in use by another process \(pid {first.pid}\)"):
        Keeper(data, ACCOUNT)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError, match="can't be opened"):
        Keeper(tmp_path / "file", ACCOUNT)


def test_a_disk_that_refuses_is_said_once_and_made_up_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path / "a")
    kept.write("one", "gone")
    database = kept.keeper._database

    def refuse() -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", refuse)
        kept.put("two")
        kept.engines.logs(REGION).delete_group("gone")
        assert [kept.keeper.flush() for _ in range(200)] == [False] * 200
        assert kept.keeper.counts()["status"] == "failing"
    kept.put("three")
    rounds = next(n for n in range(200) if kept.keeper.flush())
    assert rounds <= 64
    assert kept.keeper.counts()["status"] == "ok"
    assert caplog.text.count("can't be written") == 1
    assert "is written again" in caplog.records[-1].getMessage()
    copied(tmp_path / "a", tmp_path / "b")
    kept.keeper.stop()
    assert reread(tmp_path / "b") == ["one", "three", "two"]


LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_full_disk_stops_the_keeping_and_not_the_emulator(start: Callable[..., Any]) -> None:
    running = start(sys.executable, "-c", LIMITED)
    logs = running.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    for _ in range(8):
        event = {"timestamp": int(time.time() * 1000), "message": os.urandom(50_000).hex()}
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    deadline = time.monotonic() + 10
    while keeping(running.endpoint)["status"] != "failing":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(logs.filter_log_events(logGroupName="g")["events"]) == 8
    running.end(signal.SIGTERM)
    assert running.log.count("can't be written") == 1
    assert "Traceback" not in running.log


def keeping(endpoint: str) -> Any:
    with urlopen(f"{endpoint}/_kit/health", timeout=5) as page:
        return json.load(page)["keeping"]


def test_a_store_that_is_removed_meanwhile_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path / "a")
    kept.write("one")
    for path in (tmp_path / "a").iterdir():
        path.unlink()
    kept.write("two")
    assert "was removed" in caplog.text
    copied(tmp_path / "a", tmp_path / "b")
    kept.keeper.stop()
    assert reread(tmp_path / "b") == ["one", "two"]


def test_after_a_reset_nothing_comes_back(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "a")
    kept.write("one")
    kept.engines.reset()
    kept.keeper.reset()
    copied(tmp_path / "a", tmp_path / "b")
    kept.write("two")
    kept.keeper.stop()
    assert reread(tmp_path / "b") == []
    assert reread(tmp_path / "a") == ["two"]


def test_a_room_that_fails_is_written_whole_the_next_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    kept.write("one")
    room = kept.keeper._known[f"logs {REGION}"]
    with monkeypatch.context() as patch:
        patch.setattr(room, "changes", lambda: 1 // 0)
        kept.put("two")
        assert not kept.keeper.flush()
    assert any(kept.keeper.flush() for _ in range(5))
    kept.keeper.stop()
    assert "ZeroDivisionError" in caplog.text
    assert reread(tmp_path) == ["one", "two"]
