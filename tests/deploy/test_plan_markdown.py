"""A plan as the comment of a pull request: nothing that a file or an account says is read as Markdown or HTML."""

from __future__ import annotations

import re
from html import unescape

from markdown_it import MarkdownIt

from kit.deploy.differences import Difference
from kit.deploy.plan import Change, Obstacle
from kit.deploy.render_markdown import LONGEST, plan_markdown

EVIL = 'a|b `c` <script>alert(1)</script> @someone **d** [e](http://f) \n# g & &lt; \\| ~h~ "i"'


def change(name: str, value: str, obstacle: Obstacle | None = None) -> Change:
    difference = Difference(f"/{value}", value, value + "!")
    return Change("update", "alarm", name, "alarms/a.json", {}, differences=(difference,), obstacle=obstacle)


def test_what_is_told_is_shown_as_it_is_and_never_read() -> None:
    text = plan_markdown([change(EVIL, EVIL, Obstacle(EVIL, EVIL))], EVIL, [EVIL])
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {
        *("h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "strong"),
    }
    rows = re.findall(r"<td>(.*?)</td>", html)
    shown = [unescape(re.sub(r"<[^>]+>", "", row)) for row in rows]
    assert " ".join(EVIL.split()) in [" ".join(row.split()) for row in shown]
    assert "@" not in text


def test_a_plan_with_nothing_to_do_has_no_table() -> None:
    text = plan_markdown([Change("unchanged", "alarm", "a", "alarms/a.json", {})], "Stage staging")
    assert text == "### Stage staging\n\n1 unchanged.\n"


def test_a_comment_is_never_longer_than_github_takes() -> None:
    text = plan_markdown([change(f"alarm-{number}", "x" * 90) for number in range(400)], "t")
    assert len(text) < LONGEST + 100
    assert text.endswith("`kit plan` shows all of it.\n")
