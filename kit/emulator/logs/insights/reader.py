"""A query's text cut into tokens, and the error that names the place where it goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.emulator.protocol import AwsError

_TOKEN = re.compile(
    r"""
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>`[^`]+`)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.@]))
    | (?P<word>[A-Za-z_@0-9][\w.@]*)
    | (?P<sign>!=|<=|>=|=~|[=<>()\[\],|*])
    | (?P<other>\S)
    """,
    re.VERBOSE,
)
_BLANK = re.compile(r"(?:\s+|#[^\n]*)*")  # and comments
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is text, name, number, word, sign, other or end; ``text`` is without quotes."""

    kind: str
    text: str
    start: int
    end: int


class Reader:
    """The tokens of a query, one ahead."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._after = 0
        self.token = self._read()

    def at_word(self, *words: str) -> bool:
        """Whether one of these words, in any case, is at hand."""
        return self.token.kind == "word" and self.token.text.lower() in words

    def at(self, sign: str) -> bool:
        """Whether this sign is at hand."""
        return self.token.kind == "sign" and self.token.text == sign

    def take(self, sign: str) -> bool:
        """Go on past this sign, if it is at hand."""
        if not self.at(sign):
            return False
        self.advance()
        return True

    def take_word(self, *words: str) -> bool:
        """Go on past one of these words, if one is at hand."""
        if not self.at_word(*words):
            return False
        self.advance()
        return True

    def expect(self, sign: str) -> None:
        """Go on past this sign. Raises MalformedQueryException when something else is at hand."""
        if not self.take(sign):
            raise self.wrong(f"expected '{sign}'")

    def pop(self, *kinds: str) -> Token:
        """The token at hand, of one of these kinds, and go on. Raises MalformedQueryException."""
        token = self.token
        if token.kind not in kinds:
            raise self.wrong(f"expected a {' or a '.join(kinds)}")
        self.advance()
        return token

    def regex(self) -> str | None:
        """What stands between slashes, if a regular expression is at hand."""
        match = _REGEX.match(self._query, self.token.start)
        if match is None:
            return None
        self._after = match.end()
        self.token = self._read()
        return match[1]

    def advance(self) -> None:
        """Go to the next token."""
        self.token = self._read()

    def wrong(self, message: str) -> AwsError:
        """MalformedQueryException at the token at hand (API Reference: StartQuery, QueryCompileError)."""
        token = self.token
        found = f"'{token.text}'" if token.kind != "end" else "the end"
        whole = f"{message}, found {found} at character {token.start + 1}"
        location = {"startCharOffset": token.start, "endCharOffset": token.end}
        fields = {"queryCompileError": {"location": location, "message": whole}}
        return AwsError("MalformedQueryException", whole, fields=fields)

    def _read(self) -> Token:
        blank = _BLANK.match(self._query, self._after)
        match = _TOKEN.match(self._query, blank.end() if blank else self._after)
        if match is None or match.lastgroup is None:
            return Token("end", "", len(self._query), len(self._query))
        kind, start = match.lastgroup, match.start(match.lastgroup)
        self._after = match.end()
        found = match[kind]
        if kind == "text":
            found = _ESCAPE.sub(r"\1", found[1:-1])
        elif kind == "name":
            found = found[1:-1]
        return Token(kind, found, start, match.end())
