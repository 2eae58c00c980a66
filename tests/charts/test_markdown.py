"""Hostile Markdown."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.markdown import to_html

HARMLESS = {
    *("a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s"),
    *("span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


class Tags(HTMLParser):
    """Collects what a browser would see as elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    for tag, attributes in Tags(html).found:
        assert tag in HARMLESS
        assert set(attributes) <= {"href", "target", "rel", "title", "class", "start"}
        address = attributes.get("href")
        assert address is None or address.casefold().startswith(("http:", "https:", "mailto:"))


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.com/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "<https://example.com/<script>>",
        "<javascript:alert(1)>",
        '[x](https://example.com "a\\" onclick=\\"alert(1)")',
        "`<script>`",
        "```<script>\nalert(1)\n```",
        "|a|\n|-:|\n|<svg onload=alert(1)>|",
    ],
)
def test_markdown_cannot_bring_code_or_pictures(markdown: str) -> None:
    assert_harmless(to_html(markdown))


@given(st.text(alphabet=st.sampled_from("[]()<>!`|-*_\"'#&:;/\\ \nabjavscriptonerrorhtp=")))
def test_no_markdown_brings_code(markdown: str) -> None:
    assert_harmless(to_html(markdown))


def test_what_markdown_is_for_still_works() -> None:
    html = to_html("# Shop\n\n**bold** [runbook](https://example.com/r)\n\n|a|b|\n|-|-|\n|1|2|")
    assert "<h1>Shop</h1>" in html
    assert "<strong>bold</strong>" in html
    assert 'href="https://example.com/r" target="_blank" rel="noopener noreferrer"' in html
    assert "<td>1</td>" in html


def test_a_relative_link_keeps_its_text_and_tells_its_address() -> None:
    assert to_html("[runbook](docs/r.md) [o](https://example.com)").startswith(
        '<p><span class="elsewhere" title="docs/r.md">runbook</span> <a href='
    )
