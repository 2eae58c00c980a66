"""The whole way: from a played run to the folder, against a running embedded AWS."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from kit.cli import main
from kit.gameday.postmortem import impact
from kit.gameday.postmortem.waterfall import bars
from tests.gameday_postmortem.conftest import CHECKOUTS, END, EVERY_5_S, FAILURES, LIFTED, MARKUP, PROBES, SET

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from kit.gameday.postmortem.model import Series
    from tests.gameday_postmortem.conftest import Played

PAGE = "practice-shop-checkout-availability-page-fast"


@pytest.fixture
def project(played: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.chdir(played.root)
    monkeypatch.setenv("AWS_ENDPOINT_URL", played.url)
    return played


@pytest.fixture(scope="session")
def written(played: Played) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(played.root)
        patch.setenv("AWS_ENDPOINT_URL", played.url)
        assert main(["postmortem", "latest"]) == 0
    return played.run / "postmortem"


@pytest.fixture
def facts(written: Path) -> Any:
    return json.loads((written / "facts.json").read_text())


def test_the_numbers_are_those_of_the_telemetry_and_agree_with_the_load_generator(facts: Any) -> None:
    hurt = {each["objective"]["name"]: each["hurt"] for each in facts["promises"]}
    assert hurt["shop-checkout-availability"] == {"bad": FAILURES, "total": CHECKOUTS}
    assert hurt["shop-checkout-latency"] == hurt["shop-checkout-correctness"] == {"bad": 0, "total": CHECKOUTS}
    assert facts["agreement"] == {"ours": FAILURES, "theirs": FAILURES - PROBES, "probes": PROBES, "agrees": True}


def test_where_all_arrive_nothing_is_said_of_those_who_never_did(facts: Any, written: Path) -> None:
    assert (facts["absent"]["number"], facts["absent"]["periods"]) == (0, [])
    assert facts["absent"]["usual"] == EVERY_5_S / 5
    assert "never reached" not in (written / "postmortem.md").read_text()


def test_who_never_reached_the_service_is_told_apart_from_who_was_hurt(
    project: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = project.root / ".kit" / "runs" / "r-lost"
    shutil.copytree(project.run, run, ignore=shutil.ignore_patterns("postmortem"))
    failures = "GET,/items,\"CatchResponseError('no answer (ConnectionResetError)')\",1200,,\n"
    others = "POST,/checkout,\"CatchResponseError('answered 503, not 201')\",9,,\n"
    (run / "locust_failures.csv").write_text("Method,Name,Error,Occurrences,First Seen,Last Seen\n" + failures + others)
    unanswered = [("a", 0, "0"), ("a", 0, "0"), ("b", 0, "0"), ("broken off", 0, "")]
    with (run / "requests-0.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(("", id_, "POST /checkout", status, 1, ok) for id_, status, ok in unanswered)
    silent = range(project.start + 100, project.start + 200, 10)

    def without(total: Series, *more: Any) -> Any:
        points = {at: 0.0 if at in silent else value for at, value in total.points.items()}
        return really(replace(total, points=points), *more)

    really = impact.absent
    monkeypatch.setattr(impact, "absent", without)
    assert main(["postmortem", run.name, "--out", str(tmp_path)]) == 0
    shutil.rmtree(run)
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["absent"]["number"] == 100 * EVERY_5_S / 5
    assert (facts["absent"]["unanswered"], facts["absent"]["checkouts"]) == (1200, 2)
    assert facts["agreement"]["agrees"], "what got no answer is no failed answer"
    assert facts["durations_s"]["mitigate"] == LIFTED - SET, "it hurt others for longer"
    text = (tmp_path / "postmortem.md").read_text()
    assert "about 700 are missing (estimated)" in text
    assert "1,200 requests got no answer at all, 2 of them checkouts" in text
    assert "About 700 more never reached the service" in text


def test_the_budget_is_told_for_the_period_and_for_practice_scale(facts: Any) -> None:
    whole, practice = facts["promises"][0]["budgets"]
    share = FAILURES / CHECKOUTS / 0.01
    assert whole["period_s"] == 30 * 86_400
    assert whole["burnt"] == pytest.approx(share * (END + 10) / whole["period_s"])
    assert practice["burnt"] == pytest.approx(30 * whole["burnt"])
    assert practice["covered_s"] < 3600
    assert practice["left"] == pytest.approx(1 - FAILURES / (0.01 * (CHECKOUTS + 600 // 5 * 35)))


def test_the_moments_are_those_of_the_run(facts: Any, played: Played) -> None:
    moments, took = facts["moments"], facts["durations_s"]
    assert moments["began"] == played.start + SET
    assert 0 < took["detect"] <= 133
    assert took["acknowledge"] == pytest.approx(40)
    assert took["mitigate"] == LIFTED - SET
    assert took["restore"] > took["mitigate"]


def test_what_moved_first_is_what_the_scenario_says_or_what_customers_felt(facts: Any) -> None:
    first = {facts["movers"][0]["series"]["metric"]["name"], facts["movers"][1]["series"]["metric"]["name"]}
    assert first == {"Fault", "DependencyFault"}
    assert facts["movers"][0]["at"] - facts["moments"]["began"] == 10


def test_alarms_pages_and_expectations_are_there(facts: Any) -> None:
    rows = {row["alarm"]: row for row in facts["expected"]}
    assert rows[PAGE]["good"] is True
    assert rows["pages"]["good"] is True
    assert all(row["good"] for name, row in rows.items() if name.startswith("practice-shop-checkout-latency"))
    (incident,) = facts["incidents"]
    assert (incident["pages"], incident["title"], incident["resolved_by"]) == (1, PAGE, "kit")
    assert [entry["actor"] for entry in incident["timeline"] if entry["kind"] == "ack"] == ["Ada"]
    assert {change["alarm"] for change in facts["changes"] if change["severity"] == "page"} >= {PAGE}


def test_the_timeline_tells_everything_once_in_its_order(facts: Any) -> None:
    entries = facts["timeline"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    faults = [entry["text"] for entry in entries if entry["source"] == "fault"]
    assert [text.split(":")[0] for text in faults] == ["A fault was set", "A fault was lifted"]
    assert sum(entry["source"] == "load" and "40 customers" in entry["text"] for entry in entries) == 2
    assert sum(PAGE in entry["text"] and "→ ALARM" in entry["text"] for entry in entries) == 1
    assert any(entry["text"] == MARKUP and entry["actor"] == "Ada" for entry in entries)


def test_alike_log_lines_are_one_and_a_failed_checkout_is_the_example(facts: Any) -> None:
    (story,) = (each for each in facts["stories"] if each["service"] == "shop")
    assert (story["count"], story["service"], story["level"]) == (30, "shop", "ERROR")
    assert "upstream_status=503" in story["text"]
    assert facts["example"]["chosen"] == "it failed"
    assert [bar.name for bar in bars(facts["example"]["documents"])] == ["shop", "payments"]


def test_charts_and_the_trace_are_pictures_with_marks(written: Path) -> None:
    names = sorted(path.name for path in (written / "charts").iterdir())
    assert names == ["hurt.svg", "moved-1.svg", "moved-2.svg", "traffic.svg"]
    for path in [*(written / "charts").iterdir(), written / "trace.svg"]:
        ET.fromstring(path.read_text())
    texts = "".join(ET.fromstring((written / "charts" / "hurt.svg").read_text()).itertext())
    assert {"1", "2", "3"} <= set(re.findall(r"\d", texts))
    assert "payments" in (written / "trace.svg").read_text()


def test_what_people_and_alarms_say_is_no_markup_in_either_file(written: Path) -> None:
    text, page = (written / "postmortem.md").read_text(), (written / "postmortem.html").read_text()
    assert "<script>" not in text
    assert "\\<script\\>alert(1)\\</script\\> \\| \\[x\\]" in text
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [x](javascript:alert(1)) # *bold*" in page


def test_nothing_in_the_page_comes_from_elsewhere(written: Path) -> None:
    page = (written / "postmortem.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)
    assert "not available because" not in page
    assert page.count("<svg") == 5


def test_a_span_of_time_needs_no_journal(project: Played, tmp_path: Path) -> None:
    def told(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).isoformat()

    span = ["--from", told(project.start), "--to", told(project.start + END)]
    assert main(["postmortem", *span, "--out", str(tmp_path)]) == 0
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["promises"][0]["hurt"] == {"bad": FAILURES, "total": CHECKOUTS}
    assert facts["moments"]["began"] == project.start + SET, "the first period that hurt"
    assert facts["durations_s"]["mitigate"] == LIFTED - SET
    assert facts["agreement"] == {"missing": "only a run has a count of its own"}
    text = (tmp_path / "postmortem.md").read_text()
    assert "What the alarms should have done" not in text
    assert "Game day" not in text


def test_a_time_without_data_says_so_and_never_zero(project: Played, tmp_path: Path) -> None:
    span = ["--from", "-5h", "--to", "-4h"]
    assert main(["postmortem", *span, "--out", str(tmp_path)]) == 0
    facts = json.loads((tmp_path / "facts.json").read_text())
    for name in ("promises", "movers", "stories", "example"):
        assert facts[name]["missing"], name
    text = (tmp_path / "postmortem.md").read_text()
    assert "not available because" in text
    assert not re.search(r"\b0 of 0\b", text)


def test_without_any_answer_the_folder_is_written_still(
    project: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    shutil.copytree(project.run, tmp_path / "run", ignore=shutil.ignore_patterns("postmortem"))
    assert main(["postmortem", project.run.name, "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "postmortem.md").read_text()
    assert text.count("no answer while") >= 4
    assert "A fault was set" in text
    assert f"{PAGE}: OK → ALARM" in text, "the journal knows what the history cannot be asked for"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "Name a run, or a time"),
        (["latest", "--from", "-1h"], "Name a run, or a time"),
        (["nothing-like-it"], "no such run"),
        (["--from", "yesterday"], "--from"),
        (["--from", "-1h", "--to", "-2h"], "not after --from"),
        (["--from", "-40d"], "15 days"),
        (["--to", "-1h", "latest"], "--to needs --from"),
    ],
)
def test_what_cannot_be_written_up_is_one_clear_line(
    project: Played, argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["postmortem", *argv]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


@pytest.mark.browser
def test_the_page_shows_its_pictures_in_light_and_dark(written: Path, chromium: Browser) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 1100, "height": 1400}, color_scheme=scheme)  # type: ignore[arg-type]  # one of both
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message, told=trouble: told.append(message.text))
        page.goto((written / "postmortem.html").as_uri())
        assert page.locator("svg").count() == 5
        wide = page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert wide, "nothing is wider than the page"
        assert trouble == []
        context.close()
