"""The Markdown of a text widget as safe HTML: no raw HTML, no pictures from elsewhere, no links that run code."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_LENGTH = 50_000
_SCHEMES = {"http", "https", "mailto", ""}
_FROM_ELSEWHERE = ("http:", "https:", "mailto:")


def _renderer() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    parser.disable("image")
    parser.validateLink = _harmless  # type: ignore[method-assign]  # the library's documented way to restrict links
    return parser


def _harmless(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.casefold() in _SCHEMES
    except ValueError:
        return False


def to_html(markdown: str) -> str:
    """HTML for ``markdown``; links open apart and tell the other side nothing of this page.

    A relative link leads nowhere from a dashboard: its text stays, and its address shows on pointing at it.
    """
    parser = _renderer()
    tokens = parser.parse(markdown[:MAX_LENGTH])
    for token in tokens:
        _tame_links(token.children or ())
        token.attrs.pop("style", None)  # a column's alignment, which the page's policy would refuse
    return str(parser.renderer.render(tokens, parser.options, {}))


def _tame_links(tokens: Sequence[Token]) -> None:
    leads_nowhere = False  # links do not nest, so each closing one belongs to the last that opened
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
            leads_nowhere = not address.casefold().startswith(_FROM_ELSEWHERE)
            if leads_nowhere:
                token.tag, token.attrs = "span", {"class": "elsewhere", "title": address}
            else:
                token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
        elif token.type == "link_close" and leads_nowhere:
            token.tag = "span"
