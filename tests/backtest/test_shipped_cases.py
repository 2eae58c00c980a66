"""The cases beside the alarms of this project: all of them hold, and no alarm lacks one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.backtest.coverage import gaps
from kit.backtest.discovery import find_files, read_all
from kit.backtest.outcome import Outcome, run_case
from kit.definitions import read
from kit.definitions.cases import KINDS, CaseFile
from kit.definitions.cases_alarms import AlarmReader

ROOT = Path(__file__).parents[2]


def run(root: Path) -> tuple[list[CaseFile], list[Outcome]]:
    files = read_all(find_files([root / "alarms/tests"]), AlarmReader(root))
    return files, [run_case(file, case) for file in files for case in file.cases]


@pytest.fixture(scope="module")
def ran() -> tuple[list[CaseFile], list[Outcome]]:
    return run(ROOT)


def test_every_case_holds(ran: tuple[list[CaseFile], list[Outcome]]) -> None:
    assert [f"{outcome.file}: {outcome.case.name}" for outcome in ran[1] if not outcome.passed] == []


def test_every_alarm_has_a_firing_a_quiet_and_a_missing_data_case(ran: tuple[list[CaseFile], list[Outcome]]) -> None:
    files, outcomes = ran
    named = {name for file in files for scale in file.alarms.values() for name in scale.definitions.alarm_names}
    assert read(ROOT).alarm_names - named == set(), "no file of cases names them"
    assert gaps(files, outcomes) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_that_lacks_one_kind_is_found(tmp_path: Path, kind: str) -> None:
    shutil.copytree(ROOT / "alarms", tmp_path / "alarms")
    (path,) = (tmp_path / "alarms/tests").glob("shop-checkout-availability-page-fast.yaml")
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    cases["cases"] = [case for case in cases["cases"] if case.get("kind") != kind]
    for other in (tmp_path / "alarms/tests").glob("*.yaml"):
        other.unlink()
    path.write_text(yaml.safe_dump(cases), encoding="utf-8")
    found = {(gap.alarm, gap.kind) for gap in gaps(*run(tmp_path))}
    assert ("shop-checkout-availability-page-fast", kind) in found
    assert {lacking for _, lacking in found} == {kind}


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        ("firing", "9x3", True),
        ("firing", "0x3", False),
        ("quiet", "0x3", True),
        ("quiet", "9x3", False),
        ("quiet", "_x3", False),
        ("missing", "0 _x5", True),
        ("missing", "0x6", False),
        ("missing", "_x3", True),
    ],
)
def test_a_kind_counts_only_where_the_case_truly_shows_it(
    outcome: Any, errors: dict[str, Any], kind: str, values: str, shown: bool
) -> None:
    series = [{"metric": "App/Errors", "values": values}]
    found = outcome([errors], series, [{"alarm": "errors", "is": "INSUFFICIENT_DATA", "at": "0"}], kind=kind)
    assert found.passed
    assert found.shown == ({("errors", kind)} if shown else set())
