"""A row of the verifier that is finished need not be made again for a day, unless the code has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.verify_telemetry import kept
from bench.verify_telemetry.kept import KEPT_FOR_S, Kept
from bench.verify_telemetry.result import Result

PLAN = (60.0, 1000.0)
ROW = Result("endpoint refused", 60_000, 1000.0, {"spans": 0}, p99_times=1.3, notes=["a"], broken=["p99"])


def test_a_row_is_found_as_it_was_and_only_for_its_own_plan(tmp_path: Path) -> None:
    path = tmp_path / "kit" / "rows.json"
    Kept(path, PLAN).put("refused", ROW)
    Kept(path, (5.0, 200.0)).put("refused", Result("short"))
    assert Kept(path, PLAN).find("refused") == ROW
    assert Kept(path, PLAN).find("hanging") is None
    assert Kept(path, (1.0, 1.0)).find("refused") is None


def test_a_row_is_forgotten_after_a_day_and_when_the_code_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.json"
    Kept(path, PLAN).put("refused", ROW)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_digest", lambda: "other")
        assert Kept(path, PLAN).find("refused") is None
    everything = json.loads(path.read_text())
    for one in everything.values():
        one["at"] -= KEPT_FOR_S + 1
    path.write_text(json.dumps(everything))
    assert Kept(path, PLAN).find("refused") is None


def test_a_torn_file_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("{")
    assert Kept(path, PLAN).find("refused") is None
    Kept(path, PLAN).put("refused", ROW)
    assert Kept(path, PLAN).find("refused") == ROW
