"""An AlarmRule cut into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RuleTokenKind = Literal["word", "quoted", "punctuation", "end"]


class RuleError(ValueError):
    """A rule that can't be used; ``position`` is the zero-based character at which it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} (at character {position + 1})")


@dataclass(frozen=True, slots=True)
class RuleToken:
    """``text`` of a quoted token is what stands between the quotes, escapes resolved."""

    kind: RuleTokenKind
    text: str
    position: int

    def __str__(self) -> str:
        return "the end of the rule" if self.kind == "end" else f"'{self.text}'"


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<quoted>"(?:[^"\\]|\\.)+")
      | (?P<punctuation>[(),])
      | (?P<word>[^\s"(),]+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def tokenize(text: str) -> list[RuleToken]:
    """The tokens of ``text``, closed by one of kind "end". Raises RuleError."""
    tokens: list[RuleToken] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise RuleError('expected a name between "quotes" that begin here', position)
        position = match.end()
        found = match.group()
        if match.lastgroup == "quoted":
            tokens.append(RuleToken("quoted", _ESCAPE.sub(r"\1", found[1:-1]), match.start()))
        elif match.lastgroup == "word":
            tokens.append(RuleToken("word", found, match.start()))
        elif match.lastgroup == "punctuation":
            tokens.append(RuleToken("punctuation", found, match.start()))
    tokens.append(RuleToken("end", "", position))
    return tokens


def quoted(name: str) -> str:
    """The name as a rule writes it, in quotes."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
