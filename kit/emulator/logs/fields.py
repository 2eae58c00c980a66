"""Space-delimited filter patterns: ``[ip, user, ..., status = 5*, bytes > 1000]``.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", matching terms in space-delimited log events. An
event's fields are parted by white space; what stands between square brackets or double quotes is one field. An event
matches only with as many fields as the pattern has; ``...`` stands for any number. Values are named ``$name``, those
under ``...`` or without a name ``$1``, ``$2`` by their place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.emulator.logs.conditions import MISSING, Conditions, Operand, Test, parse_number, single

_FIELD = re.compile(rb'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_NAME = re.compile(r"[\w-]+")
_MOST_FIELDS = 1_000  # of one event; no access log comes near it


@dataclass(frozen=True, slots=True)
class FieldsPattern:
    """A pattern in square brackets: the names of the fields before and after ``...`` ("" without a name), and tests."""

    before: Sequence[str]
    after: Sequence[str] | None
    tests: Sequence[Test]
    regexes: int

    @property
    def names(self) -> frozenset[str]:
        """The names it gives, ``$ip``."""
        return frozenset(f"${name}" for name in (*self.before, *(self.after or ())) if name)

    def matches(self, message: bytes) -> bool:
        """Whether an event has these fields, and they pass the tests."""
        return self.extract(message) is not None

    def extract(self, message: bytes) -> dict[str, str] | None:
        """The fields of an event that matches, by ``$name`` or ``$place``; None if it doesn't match."""
        texts = _fields_of(message)
        fixed = len(self.before) + len(self.after or ())
        if len(texts) < fixed or (self.after is None and len(texts) > fixed):
            return None
        names = (*self.before, *[""] * (len(texts) - fixed), *(self.after or ()))
        values = {f"${name or place}": text for place, (name, text) in enumerate(zip(names, texts, strict=True), 1)}
        return values if all(test(values) for test in self.tests) else None

    def name_of(self, selector: str) -> str | None:
        """``selector`` itself if the pattern can give a value for it, else None."""
        by_place = selector[1:].isascii() and selector[1:].isdigit() and selector[:1] == "$"
        return selector if by_place or selector in self.names else None


def parse_fields(text: str) -> FieldsPattern:
    """Read a pattern in square brackets. Raises InvalidParameterException."""
    parser = _FieldConditions(text)
    parser.expect("[")
    names: list[str] = []
    ellipsis: int | None = None
    tests = []
    while True:
        if parser.kind == "sign" and parser.symbol == "..." and ellipsis is None:
            parser.advance()
            ellipsis = len(names)
        else:
            name, test = parser.slot()
            names.append(name)
            tests += [test] if test is not None else []
        if parser.take("]"):
            break
        parser.expect(",")
    if parser.kind or not set(parser.asked) <= set(names) or len(set(filter(None, names))) < sum(map(bool, names)):
        raise parser.wrong()
    if ellipsis is None:
        return FieldsPattern(names, None, tests, parser.regexes)
    return FieldsPattern(names[:ellipsis], names[ellipsis:], tests, parser.regexes)


class _FieldConditions(Conditions):
    def __init__(self, text: str) -> None:
        self.asked: list[str] = []
        super().__init__(text)

    def slot(self) -> tuple[str, Test | None]:
        """One field: nothing, its name, or conditions that begin with its name."""
        if self.kind == "sign" and self.symbol in (",", "]"):
            return "", None
        here = self._position, self.kind, self.symbol
        if self.kind == "word":
            name = self._name()
            if self.kind == "sign" and self.symbol in (",", "]"):
                return name, None
            self._position, self.kind, self.symbol = here
        first = len(self.asked)
        test = self.either()
        return self.asked[first], test

    def operand(self) -> Operand:
        name = self._name()
        self.asked.append(name)
        key = f"${name}"
        return single(lambda values: values.get(key, MISSING))

    def number(self, value: Any) -> float | None:
        return parse_number(value) if isinstance(value, str) else None

    def text(self, value: Any, *, loosely: bool) -> str | None:  # noqa: ARG002 - every field is a text
        return value if isinstance(value, str) else None

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def _name(self) -> str:
        if not _NAME.fullmatch(self.symbol):
            raise self.wrong()
        return self.pop("word")


def _fields_of(message: bytes) -> list[str]:
    texts = []
    for found in _FIELD.finditer(message):
        bracketed, quoted, bare = found.groups()
        text = bare if bare is not None else quoted if quoted is not None else bracketed
        texts.append(text.decode(errors="replace"))
        if len(texts) > _MOST_FIELDS:
            break
    return texts
