"""The append-only file."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.journal import Journal
from kit.errors import KitError


def kept(path: Path) -> list[object]:
    journal = Journal(path, "test")
    try:
        return list(journal.replay())
    finally:
        journal.close()


def append_fifty(journal: Journal) -> None:
    for _ in range(50):
        journal.append("x" * 500)


def test_what_was_appended_is_replayed_in_order_after_each_start(tmp_path: Path) -> None:
    path = tmp_path / "made" / "j.jsonl"
    for start in range(3):
        journal = Journal(path, "test")
        assert list(journal.replay()) == [{"n": n} for n in range(start)]
        journal.append({"n": start})
        journal.close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b"{", b'{"n": 3}', b"\x00\x00", b"\xff" * 100])
def test_a_torn_last_line_is_dropped_and_said(tmp_path: Path, torn: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, "test", sync=False)
    journal.append("whole")
    journal.close()
    with path.open("ab") as file:
        file.write(torn)
    journal = Journal(path, "test")
    with caplog.at_level(logging.WARNING):
        assert list(journal.replay()) == ["whole"]
    assert f"its last line was torn ({len(torn)} bytes) and is dropped" in caplog.text
    journal.append("next")
    journal.close()
    assert kept(path) == ["whole", "next"]


def test_a_damaged_line_is_passed_over_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, "test")
    for record in ("a", "b", "c"):
        journal.append(record)
    journal.close()
    path.write_bytes(path.read_bytes().replace(b'"b"', b'\xff"b'))
    with caplog.at_level(logging.WARNING):
        assert kept(path) == ["a", "c"]
    assert "line 3 is damaged" in caplog.text


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60))
def test_cut_anywhere_it_still_opens_and_keeps_a_beginning(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "j.jsonl"
    journal = Journal(path, "test", sync=False)
    for n in range(5):
        journal.append([n])
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
    found = kept(path)
    assert found == [[n] for n in range(len(found))]
    journal = Journal(path, "test", sync=False)
    list(journal.replay())
    journal.append("more")
    journal.close()
    assert kept(path) == [*found, "more"]


def test_compacting_replaces_everything_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, "test")
    for n in range(10):
        journal.append(n)
    journal.compact([4, 5])
    journal.append(6)
    with pytest.raises(KitError, match="in use by another process"):
        Journal(path, "test")
    journal.close()
    assert kept(path) == [4, 5, 6]
    assert [item.name for item in tmp_path.iterdir()] == ["j.jsonl"]


def test_many_threads_append_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, "test", sync=False)
    threads = [threading.Thread(target=append_fifty, args=(journal,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert kept(path) == ["x" * 500] * 400


def test_another_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, "test").close()
    journal = Journal(path, "other")
    with pytest.raises(KitError, match="is not a journal of other"):
        list(journal.replay())
    journal.close()
