"""JSON filter patterns: ``{ $.level = "ERROR" && $.duration_ms > 300 }``.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", matching terms in JSON log events. A selector is
``$`` and then ``.name``, ``[index]`` or ``['odd name']``, any number of times. ``=``, ``!=`` and the orderings are
false where the member is missing, null, an array or an object ("the filter will not be applied"). A text with a
wildcard, and a regular expression, is held against numbers and booleans too, as ``{ $.latency = * }`` is documented to
match a number; a plain text equals only a text, and a number only a number: the guide is silent, so nothing is
converted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from kit.emulator.logs.conditions import MISSING, Conditions, Select, Test

_STEP = re.compile(r"""\.?\[\s*(?:(\d+)|'([^']*)'|"([^"]*)")\s*\]|\.([\w\-:@/]+)""")
_SELECTOR = re.compile(rf"""\$(?:{_STEP.pattern})+""", re.VERBOSE)
_PLAIN = re.compile(r"[\w\-:@/]+")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """A pattern in braces."""

    test: Test
    selects: Mapping[str, Select]
    regexes: int

    @property
    def names(self) -> frozenset[str]:
        """Its selectors, in one spelling."""
        return frozenset(self.selects)

    def matches(self, message: bytes) -> bool:
        """Whether an event matches; one that isn't a JSON object does not."""
        document = _document(message)
        return document is not MISSING and self.test(document)

    def extract(self, message: bytes) -> dict[str, str] | None:
        """The texts of the selected members of an event that matches; None if it doesn't."""
        document = _document(message)
        if document is MISSING or not self.test(document):
            return None
        values = ((name, select(document)) for name, select in self.selects.items())
        return {name: _shown(value) for name, value in values if _is_scalar(value)}

    def name_of(self, selector: str) -> str | None:
        """The name by which ``extract`` gives what ``selector`` selects; None if the pattern doesn't select it."""
        name = canonical(selector) if _SELECTOR.fullmatch(selector) else ""
        return name if name in self.selects else None


def parse_selector(text: str) -> JsonPattern:
    """Read a pattern in braces. Raises InvalidParameterException."""
    parser = _JsonConditions(text)
    parser.expect("{")
    test = parser.either()
    parser.expect("}")
    if parser.kind:
        raise parser.wrong()
    return JsonPattern(test, parser.selects, parser.regexes)


class _JsonConditions(Conditions):
    def __init__(self, text: str) -> None:
        self.selects: dict[str, Select] = {}
        super().__init__(text)

    def operand(self) -> Select:
        selector = self.pop("selector")
        return self.selects.setdefault(canonical(selector), _select(selector))

    def number(self, value: Any) -> float | None:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, value: Any, *, loosely: bool) -> str | None:
        if isinstance(value, str):
            return value
        return _shown(value) if loosely and _is_scalar(value) else None

    def is_value(self, value: Any) -> bool:
        return _is_scalar(value)


def canonical(selector: str) -> str:
    """One spelling for all selectors of the same member."""
    return "$" + "".join(_step_text(step) for step in _steps(selector))


def _step_text(step: int | str) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.fullmatch(step) else f"['{step}']"


def _steps(selector: str) -> list[int | str]:
    return [
        int(index) if index else quoted or double or plain for index, quoted, double, plain in _STEP.findall(selector)
    ]


def _select(selector: str) -> Callable[[Any], Any]:
    steps = _steps(selector)

    def select(value: Any) -> Any:
        for step in steps:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else MISSING
            else:
                value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
            if value is MISSING:
                return MISSING
        return value

    return select


def _document(message: bytes) -> Any:
    if message.lstrip()[:1] != b"{":
        return MISSING
    try:
        return _decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return MISSING


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
