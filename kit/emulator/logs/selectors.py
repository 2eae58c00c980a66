"""JSON filter patterns: ``{ $.level = "ERROR" && $.duration_ms > 300 }``.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", JSON log events:

    pattern    := "{" or "}"
    or         := and {"||" and}
    and        := unary {"&&" unary}
    unary      := "(" or ")" | test
    test       := selector ("=" | "!=") (text | number) | selector ("<" | "<=" | ">" | ">=") number
                | selector "IS" ("TRUE" | "FALSE" | "NULL") | selector "NOT" "EXISTS"
    selector   := "$" { "." name | "[" index "]" | "['" name "']" }

A text may hold ``*`` for any run of characters. A test on a member that isn't there is false, save NOT EXISTS.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import msgspec

from kit.emulator.protocol import AwsError

Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<selector>\$(?:\.?\[\s*\d+\s*\]|\.?\[\s*'[^']*'\s*\]|\.?\[\s*"[^"]*"\s*\]|\.[\w\-:@/]+)+)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<sign>&&|\|\||!=|<=|>=|[=<>(){}])
    | (?P<word>[^\s"=<>!&|(){}]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.?\[\s*(?:(\d+)|'([^']*)'|"([^"]*)")\s*\]|\.([\w\-:@/]+)""")
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_DEEPEST = 50
_MISSING = object()
_decode = msgspec.json.Decoder().decode


def parse_selector(text: str) -> Callable[[bytes], bool]:
    """What tells whether a JSON event matches; an event that isn't JSON does not. InvalidParameterException."""
    parser = _Parser(text)
    parser.expect("{")
    test = parser.either()
    parser.expect("}")
    if parser.kind:
        raise parser.wrong()

    def matches(message: bytes) -> bool:
        if message.lstrip()[:1] != b"{":
            return False
        try:
            document = _decode(message)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        return test(document)

    return matches


class _Parser:
    """Recursive descent over the tokens; ``kind`` and ``symbol`` are the one at hand, ``kind`` "" at the end."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._position = self._depth = 0
        self.kind = self.symbol = ""
        self._next()

    def either(self) -> Test:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self.wrong()

    def wrong(self) -> AwsError:
        found = f"'{self.symbol}'" if self.kind else "the end"
        return AwsError("InvalidParameterException", f"Invalid filter pattern: unexpected {found} in '{self._text}'")

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if not self._take("("):
            return self._test()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong()
        inner = self.either()
        self.expect(")")
        self._depth -= 1
        return inner

    def _test(self) -> Test:
        select = _selector(self._pop("selector"))
        if self.kind == "word" and self.symbol.upper() == "IS":
            self._next()
            word = self._pop("word").upper()
            if word not in _WORDS:
                raise AwsError("InvalidParameterException", f"Invalid filter pattern: IS {word}")
            wanted = _WORDS[word]
            return lambda document: select(document) is wanted
        if self.kind == "word" and self.symbol.upper() == "NOT":
            self._next()
            if self._pop("word").upper() != "EXISTS":
                raise self.wrong()
            return lambda document: select(document) is _MISSING
        sign = self._pop("sign")
        if sign in ("=", "!="):
            return self._equality(select, sign == "=")
        if sign in _ORDERINGS:
            return _ordering(select, _ORDERINGS[sign], _number(self._pop("word")))
        raise self.wrong()

    def _equality(self, select: Callable[[Any], Any], equal: bool) -> Test:
        if self.kind == "text":
            same = _same_text(re.sub(r"\\(.)", r"\1", self._pop("text")[1:-1]))
        else:
            word = self._pop("word")
            if word.startswith("%"):
                text = "Regular expressions (%...%) in filter patterns are not supported by this emulator."
                raise AwsError("InvalidParameterException", text)
            number = _number_or_none(word)
            same = _same_text(word) if number is None else _same_number(number)

        def test(document: Any) -> bool:
            value = select(document)
            return value is not _MISSING and same(value) is equal

        return test

    def _take(self, sign: str) -> bool:
        if self.kind != "sign" or self.symbol != sign:
            return False
        self._next()
        return True

    def _pop(self, kind: str) -> str:
        if self.kind != kind:
            raise self.wrong()
        token = self.symbol
        self._next()
        return token

    def _next(self) -> None:
        if not self._text[self._position :].strip():
            self.kind = self.symbol = ""
            return
        found = _TOKEN.match(self._text, self._position)
        if found is None or found.lastgroup is None:
            self.kind, self.symbol = "unknown", self._text[self._position :][:20]
            return
        self.kind, self.symbol = found.lastgroup, found[found.lastgroup]
        self._position = found.end()


def _selector(text: str) -> Callable[[Any], Any]:
    steps: list[int | str] = [
        int(index) if index else quoted or double or plain for index, quoted, double, plain in _STEP.findall(text[1:])
    ]

    def select(value: Any) -> Any:
        for step in steps:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else _MISSING
            else:
                value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
            if value is _MISSING:
                return _MISSING
        return value

    return select


def _ordering(select: Callable[[Any], Any], compare: Callable[[float, float], bool], limit: float) -> Test:
    def test(document: Any) -> bool:
        value = select(document)
        return isinstance(value, int | float) and not isinstance(value, bool) and compare(value, limit)

    return test


def _same_number(number: float) -> Test:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == number


def _same_text(text: str) -> Test:
    head, *rest = text.split("*")
    if not rest:
        return lambda value: isinstance(value, str) and value == text
    *middle, tail = rest

    def test(value: Any) -> bool:
        if not isinstance(value, str) or len(value) < len(head) + len(tail):
            return False
        position, end = len(head), len(value) - len(tail)
        for part in middle:
            found = value.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return value.startswith(head) and value.endswith(tail)

    return test


def _number(word: str) -> float:
    number = _number_or_none(word)
    if number is None:
        raise AwsError("InvalidParameterException", f"Invalid filter pattern: '{word}' is not a number")
    return number


def _number_or_none(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in word else None
