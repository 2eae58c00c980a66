"""`kit test` as a person or a CI runs it: in a folder that holds alarms, cases and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from kit.cli import main

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/kit-test.md").read_text(encoding="utf-8")
Kit = Callable[..., tuple[int, str, str]]


def block(language: str) -> str:
    """The guide's one block of code in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's example, and the current folder."""
    (tmp_path / "queue-age.json").write_text(block("json"), encoding="utf-8")
    (tmp_path / "queue-age.cases.yaml").write_text(block("yaml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kit(capsys: pytest.CaptureFixture[str]) -> Kit:
    def run(*argv: str) -> tuple[int, str, str]:
        code = main(["test", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def spoil(folder: Path) -> None:
    path = folder / "queue-age.cases.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[8m, 8m], actions: 1", "[7m, 7m]"), encoding="utf-8")


def test_the_guides_example_holds_without_anything_else_of_this_project(folder: Path, kit: Kit) -> None:
    for argv in ([], ["queue-age.cases.yaml"], ["."], [str(folder)]):
        code, out, _ = kit(*argv or ["."])
        assert code == 0
        assert out.startswith("3 cases in 1 file, all passed")
    assert kit(".", "--complete")[0] == 0


def test_the_guide_shows_the_failure_as_it_is(folder: Path, kit: Kit) -> None:
    spoil(folder)
    code, out, _ = kit(".")
    assert code == 1
    lines = [line.rstrip() for line in out.splitlines()]
    for line in block("text").splitlines():
        assert line in lines
    assert lines[-1].startswith("3 cases in 1 file, 1 failed")


def test_a_case_is_chosen_by_its_name(folder: Path, kit: Kit) -> None:
    spoil(folder)
    assert kit(".", "-k", "TWO LATE")[:2][0] == 0
    assert kit(".", "-k", "three late")[0] == 1
    code, _, err = kit(".", "-k", "nothing")
    assert code == 1
    assert err == "kit: -k: no case's file or name holds 'nothing'. Leave it out to see all cases.\n"
    assert kit(".", "-k", "late", "--complete")[0] == 1


def test_json_tells_everything(folder: Path, kit: Kit) -> None:
    spoil(folder)
    code, out, _ = kit(".", "--json")
    document = json.loads(out)
    assert code == 1
    assert (document["passed"], document["failed"], document["lacking"]) == (2, 1, [])
    (failed,) = [case for case in document["cases"] if not case["passed"]]
    (failure,) = failed["failures"]
    assert failure["got"] == "it became ALARM at 8m"
    assert (failure["moment_s"], failure["alarm"], failed["file"]) == (480, "queue-age", "queue-age.cases.yaml")
    (row,) = [row for row in failure["pictures"][0]["rows"] if row["here"]]
    assert row["window"] == "(20) (20) 20 20 310! 370! 430!"


def test_junit_has_a_suite_a_file_and_a_failure_with_its_picture(folder: Path, kit: Kit) -> None:
    spoil(folder)
    text = (folder / "queue-age.cases.yaml").read_text(encoding="utf-8")
    (folder / "queue-age.cases.yaml").write_text(text.replace("page once", r'page <once> & "\x01"'), encoding="utf-8")
    assert kit(".", "--junit", "report.xml")[0] == 1
    suites = ElementTree.parse(folder / "report.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    (suite,) = suites
    assert (suite.get("name"), suite.get("tests")) == ("queue-age.cases.yaml", "3")
    (failure,) = suites.iter("failure")
    assert failure.get("message") == "queue-age becomes ALARM between 7m and 7m: it became ALARM at 8m"
    assert "▶" in (failure.text or "")
    code, _, err = kit(".", "--junit", "nowhere/report.xml")
    assert (code, err) == (
        1,
        "kit: nowhere/report.xml: cannot be written: No such file or directory. Name another file with --junit.\n",
    )


def test_an_alarm_that_lacks_a_kind_fails_when_completeness_is_asked_for(folder: Path, kit: Kit) -> None:
    path = folder / "queue-age.cases.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("kind: quiet", "kind: firing"), encoding="utf-8")
    assert kit(".")[0] == 0
    code, out, _ = kit(".", "--complete")
    assert code == 1
    assert "queue-age.json: queue-age has no quiet case that passes and shows it\n" in out


def test_other_yaml_in_a_folder_is_left_alone_but_not_when_it_is_named(folder: Path, kit: Kit) -> None:
    (folder / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    (folder / ".hidden").mkdir()
    (folder / ".hidden/x.yaml").write_text("cases: 5\n", encoding="utf-8")
    assert kit(".")[0] == 0
    code, _, err = kit("compose.yaml")
    assert code == 1
    assert "compose.yaml#/services: line 1: services is not a known key. Known here are alarms, cases." in err


def test_all_that_is_wrong_with_all_files_is_told_at_once(folder: Path, kit: Kit) -> None:
    for number in (1, 2):
        (folder / f"bad{number}.yaml").write_text("alarms: [queue-age.json]\ncases: [{nam: a}]\n", encoding="utf-8")
    code, out, err = kit(".")
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0] == "kit: 6 complaints about the definitions:"
    assert lines[1:4] == [
        "  bad1.yaml#/cases/0: line 2: expect is missing. Add expect: a list of expectations.",
        "  bad1.yaml#/cases/0: line 2: name is missing. Add name: a sentence.",
        "  bad1.yaml#/cases/0/nam: line 2: nam is not a known key. Did you mean name?",
    ]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["gone"], "kit: gone: no such file or folder."),
        (["empty"], "kit: empty: no file of cases there."),
        ([], "not inside a project: no stages/ here or above."),
    ],
)
def test_nothing_to_run_is_an_error(folder: Path, kit: Kit, argv: list[str], told: str) -> None:
    (folder / "empty").mkdir()
    code, _, err = kit(*argv)
    assert code == 1
    assert told in err


def test_the_projects_own_cases_are_run_from_anywhere_in_it(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "alarms")
    code, out, _ = kit("--complete")
    assert (code, "all passed" in out) == (0, True)


def test_as_a_program_it_works_without_a_terminal_and_leaves_the_exit_code(folder: Path) -> None:
    spoil(folder)
    argv = [sys.executable, "-m", "kit", "test", "."]
    done = subprocess.run(argv, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("FAILED  queue-age.cases.yaml: three late minutes page once\n")


def test_the_schema_is_printed_and_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert "cases" in capsys.readouterr().out.splitlines()
    assert main(["schema", "cases"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))
    assert main(["schema", "case"]) == 1
    assert "'case' is not known. Known are " in capsys.readouterr().err
