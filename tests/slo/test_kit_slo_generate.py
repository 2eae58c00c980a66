"""`kit slo generate`: idempotent, says what it does, and touches nothing that it didn't make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.cli import main

Edit = Callable[[str, str, str], None]
Run = Callable[..., tuple[int, str, str]]
LONG = "alarms/shop-checkout-availability-page-fast-long.json"


@pytest.fixture
def kit(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``kit slo generate`` in the project; what it returned and printed."""
    monkeypatch.chdir(project)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["slo", "generate", *arguments])
        return code, *capsys.readouterr()

    return run


def contents(project: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_the_shipped_files_are_what_the_shipped_slos_make(kit: Run, project: Path) -> None:
    before = contents(project)
    assert kit("--check") == (0, "39 files agree with the SLOs.\n", "")
    assert kit() == (0, "39 files agree with the SLOs.\n", "")
    assert contents(project) == before


def test_it_makes_everything_anew_and_then_nothing(kit: Run, project: Path) -> None:
    before = contents(project)
    for file in ("alarms", "dashboards"):
        for path in (project / file).glob("*.json"):
            if "kit:generated-from" in path.read_text() or path.name == "slo.json":
                path.unlink()
    code, out, _ = kit()
    assert (code, out.count("wrote ")) == (0, 39)
    assert contents(project) == before
    assert kit()[1] == "39 files agree with the SLOs.\n"


def test_check_names_each_file_and_field_that_differs_and_writes_nothing(kit: Run, project: Path, edit: Edit) -> None:
    edit(LONG, '"Threshold": 0.144', '"Threshold": 0.2')
    (project / "alarms/shop-checkout-latency-ticket.json").unlink()
    before = contents(project)
    code, out, _ = kit("--check")
    assert code == 2
    assert f"{LONG}: differs\n  /Threshold: 0.2, by the SLO 0.144\n" in out
    assert "alarms/shop-checkout-latency-ticket.json: missing\n" in out
    assert out.endswith("2 of 39 files disagree with the SLOs. kit slo generate puts them right.\n")
    assert contents(project) == before


def test_another_promise_is_written_to_every_alarm_of_it(kit: Run, project: Path, edit: Edit) -> None:
    edit("slos/shop-checkout-availability.yaml", "target: 0.99", "target: 0.995")
    code, out, _ = kit()
    assert code == 0
    assert set(out.splitlines()) >= {f"rewrote {LONG}", "rewrote dashboards/slo.json"}
    assert json.loads((project / LONG).read_text())["Threshold"] == 0.072
    assert kit("--check")[0] == 0


def test_alarms_of_a_lost_promise_are_told_and_removed_only_when_asked(kit: Run, project: Path) -> None:
    (project / "slos/shop-checkout-correctness.yaml").unlink()
    code, out, _ = kit("--check")
    assert code == 2
    assert "alarms/shop-checkout-correctness-ticket.json: left over: no SLO makes it" in out
    _, out, _ = kit()
    assert "--prune removes what is left over." in out
    assert (project / "alarms/shop-checkout-correctness-ticket.json").exists()
    _, out, _ = kit("--prune")
    assert "removed alarms/shop-checkout-correctness-ticket.json" in out
    assert not list((project / "alarms").glob("shop-checkout-correctness*.json"))
    assert (project / "alarms/shop-heartbeat-missing.json").exists()
    assert kit("--check")[0] == 0


@pytest.mark.parametrize("file", [LONG, "dashboards/slo.json"])
def test_a_file_of_somebody_elses_in_the_way_stops_everything(kit: Run, project: Path, file: str) -> None:
    (project / file).write_text('{"AlarmName": "mine", "widgets": []}')
    (project / "alarms/shop-checkout-latency-ticket.json").unlink()
    code, out, err = kit()
    assert (code, out) == (1, "")
    assert err.startswith(f"kit: {file}: stands where an SLO makes a file, and was written by hand.")
    assert err.count("\n") == 1
    assert not (project / "alarms/shop-checkout-latency-ticket.json").exists()


def test_a_layout_of_ones_own_is_left_alone(kit: Run, project: Path) -> None:
    path = project / LONG
    path.write_text(json.dumps(json.loads(path.read_text())))
    before = path.read_bytes()
    assert kit()[0] == kit("--check")[0] == 0
    assert path.read_bytes() == before


def test_bad_slos_change_nothing(kit: Run, project: Path, edit: Edit) -> None:
    edit("slos/shop-checkout-availability.yaml", "target: 0.99", "target: 99")
    before = contents(project)
    code, out, err = kit()
    assert (code, out) == (1, "")
    assert "must be a number between 0 and 1" in err
    assert contents(project) == before


def test_another_folder_of_slos_can_be_named(kit: Run, project: Path) -> None:
    (project / "slos").rename(project / "promises")
    code, out, _ = kit("--check", "--slos", "promises")
    assert code == 2
    assert '"promises/shop-checkout-availability.yaml"' in out
    assert kit("--slos", "promises", "--json")[0] == 0
