"""What the two structured kinds of filter pattern share: tokens, ``&&``, ``||``, parentheses, and comparisons.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax":

    either     := both {"||" both}
    both       := one {"&&" one}
    one        := "(" either ")" | operand comparison
    comparison := ("=" | "!=") (text | word | number | regex) | ("<" | "<=" | ">" | ">=") number
                | "IS" ("TRUE" | "FALSE" | "NULL") | "NOT" "EXISTS"

A text or word may begin or end with ``*`` for any run of characters; inside it stands for itself ("Ev*ent will only
match the actual string Ev*ent"). A number is an integer or a decimal, with an optional sign and exponent.
"""

from __future__ import annotations

import math
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from kit.emulator.logs.regexes import parse_regex
from kit.emulator.protocol import AwsError

Select = Callable[[Any], Any]
Test = Callable[[Any], bool]
Operand = Callable[[Test], Test]
"""Makes of a test of one value a test of an event, by finding what the event has to compare."""

MISSING = object()

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<selector>\$(?:\.?\[\s*(?:\d{1,9}|\*)\s*\]|\.?\[\s*'[^']*'\s*\]|\.?\[\s*"[^"]*"\s*\]|\.(?:\*|[\w\-:@/]+))+)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<regex>%[^%]+%)
    | (?P<sign>&&|\|\||!=|=!|<=|>=|\.\.\.(?=[\s,\]])|[=<>(){}\[\],])
    | (?P<word>[^\s"=<>!&|(){}\[\],%]+)
    )""",
    re.VERBOSE,
)
# "unicode and other characters such as '@', '$', '\' must be enclosed in double quotes to be valid"
_UNQUOTED = re.compile(r"[A-Za-z0-9_.*+:/#;'?~^-]+")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_DEEPEST = 50


class Conditions(ABC):
    """Recursive descent; ``kind`` and ``symbol`` are the token at hand, ``kind`` "" at the end.

    ``regexes`` counts the regular expressions met so far.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._position = self._depth = 0
        self.regexes = 0
        self.kind = self.symbol = ""
        self.advance()

    @abstractmethod
    def operand(self) -> Operand:
        """Read what is compared; where an event lacks it, the value to test is MISSING."""

    @abstractmethod
    def number(self, value: Any) -> float | None:
        """A value as a number, None if it is none."""

    @abstractmethod
    def text(self, value: Any, *, loosely: bool) -> str | None:
        """A value as a text, None if it is none; ``loosely`` where a wildcard is to be held against it."""

    @abstractmethod
    def is_value(self, value: Any) -> bool:
        """Whether ``=`` and ``!=`` apply to it at all."""

    def either(self) -> Test:
        """Read conditions joined by ``||``."""
        tests = [self._both()]
        while self.take("||"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda event: any(test(event) for test in tests)

    def take(self, sign: str) -> bool:
        """Whether this sign is at hand; then go on."""
        if self.kind != "sign" or self.symbol != sign:
            return False
        self.advance()
        return True

    def expect(self, sign: str) -> None:
        """As take, but InvalidParameterException if something else is there."""
        if not self.take(sign):
            raise self.wrong()

    def pop(self, kind: str) -> str:
        """The token at hand, which must be of this kind, else InvalidParameterException."""
        if self.kind != kind:
            raise self.wrong()
        token = self.symbol
        self.advance()
        return token

    def wrong(self) -> AwsError:
        """InvalidParameterException, naming what is at hand."""
        found = f"'{self.symbol}' in" if self.kind else "end of"
        return AwsError("InvalidParameterException", f"Invalid filter pattern: unexpected {found} '{self._text}'")

    def advance(self) -> None:
        """Go to the next token."""
        if not self._text[self._position :].strip():
            self.kind = self.symbol = ""
            return
        found = _TOKEN.match(self._text, self._position)
        if found is None or found.lastgroup is None:
            self.kind, self.symbol = "unknown", self._text[self._position :][:20]
            return
        self.kind, self.symbol = found.lastgroup, found[found.lastgroup]
        self._position = found.end()

    def _both(self) -> Test:
        tests = [self._one()]
        while self.take("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        if not self.take("("):
            return self._comparison(self.operand())
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong()
        inner = self.either()
        self.expect(")")
        self._depth -= 1
        return inner

    def _comparison(self, operand: Operand) -> Test:
        word = self.symbol.upper() if self.kind == "word" else ""
        if word == "IS":
            self.advance()
            name = self.pop("word").upper()
            if name not in _WORDS:
                raise AwsError("InvalidParameterException", f"Invalid filter pattern: IS {name}")
            wanted = _WORDS[name]
            return operand(lambda value: value is wanted)
        if word == "NOT":
            self.advance()
            if self.pop("word").upper() != "EXISTS":
                raise self.wrong()
            return operand(lambda value: value is MISSING)
        sign = self.pop("sign")
        if sign in ("=", "!=", "=!"):
            return operand(self._equality(sign == "="))
        if sign in _ORDERINGS:
            return operand(self._ordering(_ORDERINGS[sign]))
        raise self.wrong()

    def _ordering(self, compare: Callable[[float, float], bool]) -> Test:
        word = self.pop("word")
        limit = parse_number(word)
        if limit is None:
            raise AwsError("InvalidParameterException", f"Invalid filter pattern: '{word}' is not a number")

        def test(value: Any) -> bool:
            number = self.number(value)
            return number is not None and compare(number, limit)

        return test

    def _equality(self, equal: bool) -> Test:
        same = self._same()
        return lambda value: self.is_value(value) and same(value) is equal

    def _same(self) -> Test:
        if self.kind == "regex":
            self.regexes += 1
            found = parse_regex(self.pop("regex"))
            return lambda value: (
                (text := self.text(value, loosely=True)) is not None and found(text.encode(errors="replace"))
            )
        if self.kind == "text":
            return self._same_text(re.sub(r"\\(.)", r"\1", self.pop("text")[1:-1], flags=re.DOTALL))
        if self.kind == "word" and not _UNQUOTED.fullmatch(self.symbol):
            raise self.wrong()
        word = self.pop("word")
        number = parse_number(word)
        if number is None:
            return self._same_text(word)
        return lambda value: self.number(value) == number

    def _same_text(self, wanted: str) -> Test:
        anything_before, anything_after = wanted[:1] == "*", wanted[-1:] == "*"
        core = wanted[anything_before : len(wanted) - anything_after if len(wanted) > 1 else None]
        loosely = anything_before or anything_after

        def test(value: Any) -> bool:
            text = self.text(value, loosely=loosely)
            if text is None:
                return False
            if anything_before and anything_after:
                return core in text
            if anything_before:
                return text.endswith(core)
            return text.startswith(core) if anything_after else text == core

        return test


def single(select: Select) -> Operand:
    """The operand that is one value of an event."""
    return lambda test: lambda event: test(select(event))


def parse_number(word: str) -> float | None:
    """A finite number in the notation of filter patterns, else None."""
    if len(word) > 400 or not _NUMBER.fullmatch(word):
        return None
    number = float(word)
    return number if math.isfinite(number) else None
