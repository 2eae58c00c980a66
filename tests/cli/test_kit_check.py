"""`kit check` as a person or a CI runs it, in this project and in a folder that holds alarms and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.cli import main
from kit.definitions.checks.rules_table import PAGE, page_with_table

ROOT = Path(__file__).parents[2]
ALARM = {
    "AlarmName": "api-errors",
    "Namespace": "Shop/Api",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:oncall"],
}
Kit = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One sound alarm of somebody else's account, and the current folder."""
    (tmp_path / "api.json").write_text(json.dumps(ALARM), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kit(capsys: pytest.CaptureFixture[str]) -> Kit:
    def run(*argv: str) -> tuple[int, str, str]:
        code = main(["check", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def write(folder: Path, name: str, **changed: object) -> None:
    (folder / name).write_text(json.dumps({**ALARM, **changed}), encoding="utf-8")


def test_a_foreign_folder_needs_no_tags_catalogue_or_project(folder: Path, kit: Kit) -> None:
    code, out, err = kit(".")
    assert (code, err) == (0, "")
    assert "about $0.10 a month at us-east-1 list prices of 2026-11-22, $0.00 if the free tier is unused" in out
    assert out.endswith("1 file: clean\n")


def test_every_complaint_comes_at_once_with_file_place_rule_and_remedy(folder: Path, kit: Kit) -> None:
    write(folder, "b.json", AlarmName="b", Period=7, Treshold=1)
    write(folder, "c.json", AlarmName="c", AlarmActions=[])
    code, out, _ = kit(".")
    assert code == 1
    first, second, *_ = out.splitlines()
    assert first == (
        "error: b.json#/Treshold: Treshold is not a key that AWS knows here. Did you mean Threshold? [alarm/refused]"
    )
    assert second == (
        "warning: c.json: nobody is told of c, and no composite uses it. "
        "Add AlarmActions, or use it in a composite. [alarm/nobody-told]"
    )
    assert "3 files: 1 error, 1 warning" in out


def test_notes_are_no_failure(folder: Path, kit: Kit) -> None:
    write(folder, "api.json", Threshold=0, EvaluationPeriods=1)
    code, out, _ = kit("api.json")
    assert code == 0
    assert "note: api.json#/Threshold: one Errors is enough to set it off" in out


def test_a_named_file_is_judged_and_its_neighbours_only_referred_to(folder: Path, kit: Kit) -> None:
    write(folder, "quiet.json", AlarmName="quiet", AlarmActions=[])
    any_one = {"AlarmName": "any", "AlarmRule": "ALARM(api-errors) OR ALARM(quiet)", "AlarmActions": []}
    (folder / "any.json").write_text(json.dumps({**any_one, "AlarmActions": ALARM["AlarmActions"]}))
    (folder / "lost.json").write_text(json.dumps({**any_one, "AlarmName": "lost"}))
    code, out, _ = kit("quiet.json")
    assert (code, "1 file: clean" in out) == (0, True)
    code, out, _ = kit("lost.json", "--json")
    assert [finding["rule"] for finding in json.loads(out)["findings"]] == ["alarm/nobody-told"]


def test_json_carries_every_finding_and_the_cost(folder: Path, kit: Kit) -> None:
    share = {key: value for key, value in ALARM.items() if key != "Statistic"}
    alarm = {**share, "ExtendedStatistic": "PR(300:)", "Threshold": 100, "Period": 10}
    (folder / "api.json").write_text(json.dumps(alarm))
    code, out, _ = kit(".", "--json")
    document = json.loads(out)
    assert code == 1
    assert document["clean"] is False
    assert document["findings"] == [
        {
            "file": "api.json",
            "pointer": "/Threshold",
            "rule": "alarm/never-fires",
            "severity": "error",
            "problem": "can never be crossed: the watched value lies within 0 and 100, and the alarm wants "
            "GreaterThanThreshold",
            "remedy": "Choose a Threshold between 0 and 100.",
        }
    ]
    assert document["cost"]["monthly"] == 0.3
    assert {line["what"]: line["count"] for line in document["cost"]["lines"]}["alarm metrics, high resolution"] == 1


def test_a_path_that_is_not_there_is_one_line(folder: Path, kit: Kit) -> None:
    code, out, err = kit("nowhere")
    assert (code, out) == (1, "")
    assert err.endswith("nowhere: no such file or folder. Name files or folders with alarms or dashboards.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow: [", "cannot be read"),
        ("allows: []", "something else than a list under allow:"),
        ("allow: [{rule: alarm/owner, files: '*'}]", "is not an object of three texts"),
        ("allow: [{rule: alarm/own, files: '*', why: x}]", "there is no rule alarm/own"),
        ("allow: [{rule: alarm/refused, files: '*', why: x}]", "alarm/refused cannot be allowed"),
    ],
)
def test_a_wrong_configuration_is_one_line(folder: Path, kit: Kit, text: str, said: str) -> None:
    (folder / ".kit-check.yaml").write_text(text)
    code, _, err = kit(".")
    assert code == 1
    assert said in err
    assert err.count("\n") == 1


def test_what_a_team_has_allowed_is_counted_and_no_failure(folder: Path, kit: Kit) -> None:
    write(folder, "api.json", AlarmActions=[])
    allow = "allow: [{rule: alarm/nobody-told, files: 'api*', why: It gates a deployment.}]"
    (folder / ".kit-check.yaml").write_text(allow)
    code, out, _ = kit(".")
    assert code == 0
    assert out.endswith("1 file: 1 allowed by .kit-check.yaml\n")


@pytest.mark.parametrize("text", ["{}", "[]", '{"namespace": 1, "metrics": [{"name": 1}]}', "{"])
def test_a_wrong_catalogue_is_one_line(folder: Path, kit: Kit, text: str) -> None:
    (folder / "catalogue.txt").write_text(text)
    code, _, err = kit(".", "--catalogue", "catalogue.txt")
    assert code == 1
    assert err.startswith("kit: catalogue.txt")
    assert err.count("\n") == 1


def test_a_foreign_set_may_be_held_to_the_conventions(folder: Path, kit: Kit) -> None:
    code, out, _ = kit(".", "--conventions", "--json")
    assert code == 1
    rules = {finding["rule"] for finding in json.loads(out)["findings"]}
    assert rules == {"alarm/owner", "alarm/severity", "alarm/runbook", "set/stand-in"}


def test_the_cost_is_shown_by_line_with_its_source(folder: Path, kit: Kit) -> None:
    _, out, _ = kit(".", "--cost")
    assert "1 alarm metrics, standard resolution     $0.10  $    0.10  (from memory, 2026-11-22)" in out


def test_links_and_hidden_folders_do_no_harm(folder: Path, kit: Kit) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/x.json").write_text("{")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.json").symlink_to(folder / "nowhere")
    code, out, _ = kit(".")
    assert code == 1
    assert "error: gone.json: cannot be read: No such file or directory [file/unreadable]" in out
    assert "2 files" in out


def test_what_is_shipped_is_clean(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> None:
    monkeypatch.chdir(ROOT)
    code, out, _ = kit()
    assert code == 0, out


def test_nothing_is_wrong_with_what_the_local_stage_makes_of_it(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> None:
    """Warnings are told: a range divided by 30 is coarse in places."""
    monkeypatch.chdir(ROOT)
    _, out, _ = kit("--stage", "local", "--json")
    errors = [finding for finding in json.loads(out)["findings"] if finding["severity"] == "error"]
    assert errors == []


def test_the_table_of_rules_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_table(page), "run python -m kit.definitions.checks.rules_table"


def test_it_needs_neither_network_nor_credentials(folder: Path) -> None:
    """In a process of its own, without any environment: nothing of AWS's client is even imported."""
    program = "import sys; from kit.cli import main; main(['check', '.']); sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=folder, env={}, check=False).returncode == 0
