"""The runbooks: one for each alarm that tells someone, complete, and their queries can be pasted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.definitions import read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/runbooks"
RUNBOOKS = sorted(path.name for path in FOLDER.glob("*.md"))
SECTIONS = ("First look", "Queries that lead on", "When to escalate", "How to close it")


def test_every_alarm_that_tells_someone_has_a_runbook_and_every_runbook_an_alarm() -> None:
    shipped = read(ROOT)
    telling = {one.name for one in (*shipped.alarms, *shipped.composites) if "AlarmActions" in one.request}
    assert {name.removesuffix(".md") for name in RUNBOOKS} == telling


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_says_what_to_look_at_what_to_do_and_when_it_is_over(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text.startswith(f"# {name.removesuffix('.md')}\n")
    titles = re.findall(r"^## (.+)$", text, re.M)
    assert [title for title in SECTIONS if not any(found.startswith(title) for found in titles)] == []
    assert re.search(r"^Dashboard|Dashboard \*\*|dashboard \*\*|kit alarms", text, re.M)
    assert re.search(r"^\| (stats|sort|filter|limit) ", text, re.M), "no Logs Insights query"
    assert re.search(r"annotation\.\w+ = ", text), "no X-Ray filter expression"


@pytest.mark.parametrize("name", RUNBOOKS)
def test_links_to_other_runbooks_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / name).read_text(encoding="utf-8")):
        assert (FOLDER / link).is_file(), link
