"""Metric math cut into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["number", "text", "id", "word", "operator", "punctuation", "end"]


class ExpressionError(ValueError):
    """An expression that can't be used; ``position`` is the zero-based character at which it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} (at character {position + 1})")


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    position: int

    def __str__(self) -> str:
        return "the end of the expression" if self.kind == "end" else f"'{self.text}'"


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>])
      | (?P<punctuation>[()\[\],])""",
    re.VERBOSE | re.DOTALL,
)
_SPELLED = {"&&": "AND", "||": "OR"}


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text``, closed by one of kind "end". Raises ExpressionError."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(_stray(text[position]), position)
        if match.lastgroup != "space":
            tokens.append(_token(match))
        position = match.end()
    tokens.append(Token("end", "", position))
    return tokens


def _token(match: re.Match[str]) -> Token:
    text, position = match.group(), match.start()
    kind: TokenKind = "punctuation"
    match match.lastgroup:
        case "name":
            kind = _name_kind(text, position)
        case "operator":
            kind, text = "operator", _SPELLED.get(text, text)
        case "number":
            kind = "number"
        case "text":
            kind = "text"
    return Token(kind, text, position)


def _name_kind(text: str, position: int) -> TokenKind:
    if text in ("AND", "OR"):
        return "operator"
    if text[0] == "_":
        raise ExpressionError(f"expected an id, which begins with a lower-case letter, but found '{text}'", position)
    return "id" if text[0].islower() else "word"


def _stray(character: str) -> str:
    if character in "\"'":
        return f"expected a closing {character} for the text that begins here"
    hints = {"=": " (equality is ==)", "&": " (write AND or &&)", "|": " (write OR or ||)", "!": " (inequality is !=)"}
    return f"found {character!r}, which is no part of metric math{hints.get(character, '')}"
