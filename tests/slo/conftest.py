"""A project folder with the shipped SLOs, to be changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.definitions import DefinitionsError
from kit.slo import read_slos

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A root with the shipped slos/, alarms/ and dashboards/."""
    for folder in ("slos", "alarms", "dashboards"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "stages").mkdir()
    return tmp_path


@pytest.fixture
def edit(project: Path) -> Callable[[str, str, str], None]:
    """``edit(file, old, new)``: replace text that stands in the file exactly once."""

    def edited(file: str, old: str, new: str) -> None:
        path = project / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    return edited


@pytest.fixture
def complaints(project: Path) -> Callable[[], list[str]]:
    """Read the project's SLOs and return what is wrong with them, as lines."""

    def read() -> list[str]:
        try:
            read_slos(project / "slos", project)
        except DefinitionsError as error:
            return [str(complaint) for complaint in error.complaints]
        return []

    return read
