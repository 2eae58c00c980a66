"""The detection matrix: a row for each scenario, kept while its file stays the same, for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from bench import matrix
from kit.definitions.gamedays_reading import read_gamedays
from kit.errors import KitError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("gamedays", "alarms", "dashboards"):
        copytree(ROOT / name, tmp_path / name)
    (tmp_path / "docs").mkdir()
    return tmp_path


def report(outcome: str = "expected") -> dict[str, Any]:
    row = {"alarm": "practice-x", "expected": "fires within 133 s", "bound_s": 133, "fired_after_s": 70.2}
    row |= {"told_after_s": 70.4, "good": outcome == "expected", "found": "fired after 70 s"}
    return {"outcome": outcome, "rows": [row], "pages": 1, "started": "2026-11-22T20:00:00Z", "error": None}


def test_a_page_has_a_row_for_each_and_the_bounds(project: Path) -> None:
    scenarios = read_gamedays(project)
    text = matrix.document(
        scenarios, {"payment-errors": report(), "noop": report("differs")}, matrix._bounds(project, scenarios)
    )
    assert "2 of 18 played, 1 as expected." in text
    assert "| **payment-errors** | | | 2026-11-22 20:00: expected | | 1 | ok |" in text
    assert "| | x | fires within 133 s | fired after 70 s | 70 s | | ok |" in text
    assert "| cpu-hog | | | not played | | | |" in text
    assert "120 × 0.144 / 0.3 + 60 (tick) + 10 (short tick) + 5 (flush) = 132.6 |" in text


def test_what_was_finished_is_kept_for_a_day_until_its_file_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []
    began = [datetime.now(UTC)]

    def play(_root: Path, scenario: Any) -> dict[str, Any]:
        played.append(scenario.name)
        made = report("failed" if scenario.name == "cpu-hog" else "expected")
        return made | {"digest": matrix._digest(scenario), "started": began[0].isoformat()}

    monkeypatch.setattr(matrix, "_row", play)
    monkeypatch.setattr(matrix.signal, "signal", lambda *_: None)
    argv = ["--root", str(project), "--only", "noop", "cpu-hog"]
    assert matrix.main(argv) == 1
    assert matrix.main(argv) == 1
    assert played == ["noop", "cpu-hog", "cpu-hog"]
    with (project / "gamedays" / "noop.yaml").open("a") as file:
        file.write("# changed\n")
    assert matrix.main(["--root", str(project), "--only", "noop"]) == 0
    assert played[-1] == "noop"
    played.clear()
    began[0] -= timedelta(days=2)
    for _ in range(2):
        assert matrix.main(["--root", str(project), "--only", "noop", "--again"]) == 0
    assert matrix.main(["--root", str(project), "--only", "noop"]) == 0
    assert played == ["noop"] * 3
    assert "| **noop** | | |" in (project / "docs" / "detection-matrix.md").read_text()


def test_a_stack_that_does_not_come_up_is_a_row_without_a_verdict(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_root: Path) -> Any:
        raise KitError("kit up --fresh", "doesn't come up")

    monkeypatch.setattr(matrix, "_stack", breaks)
    row = matrix._row(project, read_gamedays(project)[0])
    assert (row["outcome"], row["error"]) == ("failed", "kit up --fresh: doesn't come up")
