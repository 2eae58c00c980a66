"""`kit check` reads gamedays/ with the alarms that it checks."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from kit.cli import main
from kit.definitions.checks import check

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("alarms", "gamedays", "stages", "docs/runbooks"):
        copytree(ROOT / folder, tmp_path / folder)
    for folder in ("service/failures/faults", "loadtest/shapes", "loadtest/clients"):
        copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def spoil(project: Path, name: str = "payment-errors", **changes: object) -> list[str]:
    path = project / "gamedays" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))
    found = check([project / "alarms"], project).findings
    return [str(one) for one in found if one.file.startswith("gamedays/")]


def test_the_shipped_ones_are_clean() -> None:
    assert not [one for one in check([ROOT / "alarms"], ROOT).findings if one.file.startswith("gamedays/")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"expect": [{"alarm": "shop-no-trafic", "never": True}]}, "there is no alarm shop-no-trafic. Did you mean"),
        (
            {"schedule": [{"at": 60, "fault": "payment-error"}, {"at": 400, "end": True}]},
            "there is no fault payment-error. Did you mean payment-errors?",
        ),
        ({"load": {"shape": "stedy", "users": 40}}, "there is no shape stedy. Did you mean steady?"),
        ({"runbook": "docs/runbooks/none.md"}, "docs/runbooks/none.md is not there"),
        (
            {"schedule": [{"at": 60, "fault": "payment-errors"}]},
            "has no end. Add a last step such as {at: 480, end: true}",
        ),
        (
            {"expect": [{"alarm": "shop-checkout-availability-page-fast", "error_ratio": 0.3, "fires_within": 90}]},
            "+ 60 (tick) + 10 (short tick) + 5 (flush) = 132.6 s. Write 133.",
        ),
        (
            {"expect": [{"alarm": "shop-checkout-availability-page-fast", "error_ratio": 0.1, "fires_within": 200}]},
            "never fires at an error_ratio of 0.1",
        ),
        (
            {"expect": [{"alarm": "shop-checkout-availability-page-fast", "fires_within": 200}]},
            "depends on how many fail",
        ),
        (
            {"expect": [{"alarm": "shop-no-traffic", "fires_within": 345}]},
            "345 s after the first step the run is over",
        ),
    ],
)
def test_what_a_scenario_gets_wrong_is_found(project: Path, changes: dict[str, object], told: str) -> None:
    found = spoil(project, **changes)
    assert any(told in one for one in found), found


def test_a_missing_runbook_matters_where_somebody_is_called(project: Path) -> None:
    path = project / "gamedays" / "payment-errors.yaml"
    document = yaml.safe_load(path.read_text())
    del document["runbook"]
    path.write_text(yaml.safe_dump(document))
    assert any("runbook is missing" in one for one in spoil(project))


def test_single_files_are_judged_alone(project: Path) -> None:
    (project / "gamedays" / "payment-errors.yaml").write_text("a: [")
    found = check([project / "alarms" / "shop-no-traffic.json"], project).findings
    assert not [one for one in found if one.file.startswith("gamedays/")]


def test_an_unknown_scenario_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(project)
    assert main(["gameday", "run", "payment-error"]) == 1
    assert capsys.readouterr().err.startswith("kit: payment-error: no such scenario. Did you mean payment-errors")
    (project / "loadtest" / "locustfile.py").touch()
    assert main(["gameday", "run", "traffic-spike", "--no-load"]) == 1
    assert "the load is what traffic-spike is about" in capsys.readouterr().err
    assert main(["gameday", "run"]) == 1
    assert "Name a scenario" in capsys.readouterr().err


def test_the_list_is_for_people_and_for_programs(project: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(project)
    assert main(["gameday", "list"]) == 0
    assert "payment-errors" in capsys.readouterr().out
    assert main(["gameday", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["payment-errors"]["fires"] == {"shop-checkout-availability-page-fast": 133}


def test_stop_and_report_without_a_run_are_one_line(project: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("FAULTS_TOKEN", raising=False)
    assert main(["gameday", "report"]) == 1
    assert "there are no runs here" in capsys.readouterr().err
    assert main(["gameday", "stop"]) == 1
    assert capsys.readouterr().err.startswith("kit: .kit/faults-token: not there.")
