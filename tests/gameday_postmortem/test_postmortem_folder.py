"""What people wrote is theirs; and the page is made of it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kit.errors import KitError
from kit.gameday.postmortem.folder import write
from kit.gameday.postmortem.model import Window
from kit.gameday.postmortem.pictures import Chart, Curve, drawing
from kit.gameday.postmortem.svg import drawn
from kit.gameday.postmortem.words import escaped

FIRST, SECOND = "# A\n\n*Why?*\n", "# A\n\n1 more\n\n*Why?*\n"
MINE = "# A\n\nBecause <b>it</b> had to. ![x](charts/a.svg) ![y](https://example.org/y.png)\n"
PICTURES = {"charts/a.svg": '<svg fill="#1b2430"></svg>'}


def test_made_again_an_untouched_text_follows_the_facts(tmp_path: Path) -> None:
    for text in (FIRST, FIRST, SECOND):
        written = write(tmp_path, text, "A", {"n": 1}, PICTURES)
        assert (written.kept, (tmp_path / "postmortem.md").read_text()) == (False, text)
    assert not (tmp_path / "postmortem.new.md").exists()


def test_a_text_that_people_have_touched_stays_and_the_new_one_goes_beside(tmp_path: Path) -> None:
    write(tmp_path, FIRST, "A", {}, PICTURES)
    (tmp_path / "postmortem.md").write_text(MINE)
    for _ in range(2):
        written = write(tmp_path, SECOND, "A", {}, PICTURES)
        assert written.kept
        assert (tmp_path / "postmortem.md").read_text() == MINE
        assert (tmp_path / "postmortem.new.md").read_text() == SECOND
    page = (tmp_path / "postmortem.html").read_text()
    assert "Because &lt;b&gt;it&lt;/b&gt; had to." in page
    assert '<svg fill="var(--ink)">' in page
    assert "<img" not in page


def test_force_makes_it_anew_and_keeps_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, FIRST, "A", {}, {})
    (tmp_path / "postmortem.md").write_text(MINE)
    write(tmp_path, SECOND, "A", {}, {})
    written = write(tmp_path, SECOND, "A", {}, {}, force=True)
    assert not written.kept
    assert (tmp_path / "postmortem.md").read_text() == SECOND
    assert (tmp_path / "postmortem.before.md").read_text() == MINE
    assert not (tmp_path / "postmortem.new.md").exists()


def test_a_text_whose_facts_are_gone_is_taken_for_people_s(tmp_path: Path) -> None:
    write(tmp_path, FIRST, "A", {}, {})
    (tmp_path / "facts.json").write_text("{torn")
    assert write(tmp_path, SECOND, "A", {}, {}).kept


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError, match="cannot be written"):
        write(tmp_path / "file", FIRST, "A", {}, {})


def test_a_link_that_runs_code_is_none(tmp_path: Path) -> None:
    write(tmp_path, "[x](javascript:alert) <script>1</script> [ok](https://example.org)\n", "<A>", {}, {})
    page = (tmp_path / "postmortem.html").read_text()
    assert "javascript:alert" in page
    assert 'href="javascript' not in page
    assert "<script" not in page
    assert "<title>&lt;A&gt;</title>" in page


def test_text_is_itself_in_markdown() -> None:
    assert escaped("a | b\n# c `d` *e* _f_ <g> [h](i) ~j~ \\ &amp;") == (
        "a \\| b \\# c \\`d\\` \\*e\\* \\_f\\_ \\<g\\> \\[h\\](i) \\~j\\~ \\\\ \\&amp;"
    )


def test_the_charts_tell_utc_wherever_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    start = 1_795_341_600  # 10:00:00 UTC
    chart = Chart("a", "A", "Count", (Curve("a", 60, {start + 60 * n: float(n) for n in range(10)}),))
    (svg,) = drawn([drawing(chart, Window(start, start + 600), ())])
    assert "10:05" in "".join(ET.fromstring(svg).itertext())
