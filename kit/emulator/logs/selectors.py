"""JSON filter patterns: ``{ $.level = "ERROR" && $.duration_ms > 300 }``.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", matching terms in JSON log events. A selector is
``$`` and then ``.name``, ``[index]`` or ``['odd name']``, any number of times. ``=``, ``!=`` and the orderings are
false where the member is missing, null, an array or an object ("the filter will not be applied"). A text with a
wildcard, and a regular expression, is held against numbers and booleans too, as ``{ $.latency = * }`` is documented to
match a number; a plain text equals only a text, and a number only a number: the guide is silent, so nothing is
converted.

``[*]`` selects "any array element", ``.*`` "any JSON object field": a comparison holds if it holds for one of them.
"Up to one wildcard selector in a property selector, and up to three wildcard selectors in a filter pattern". Ours,
where the guide is silent: ``!=`` too holds if one differs, ``NOT EXISTS`` if there is none at all; a selector with a
wildcard names no single value, so nothing is extracted by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from kit.emulator.logs.conditions import MISSING, Conditions, Operand, Select, Test, single
from kit.emulator.protocol import AwsError

_STEP = re.compile(r"""\.?\[\s*(?:(\d+|\*)|'([^']*)'|"([^"]*)")\s*\]|\.(\*|[\w\-:@/]+)""")
_SELECTOR = re.compile(rf"""\$(?:{_STEP.pattern})+""", re.VERBOSE)
_PLAIN = re.compile(r"[\w\-:@/]+")
_MOST_WILDCARDS_OF_A_SELECTOR = 1
_MOST_WILDCARDS_OF_A_PATTERN = 3

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Every(Enum):
    """A step of a selector to all there is."""

    ELEMENT = "[*]"
    FIELD = ".*"


Step = int | str | Every


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """A pattern in braces; ``selects`` are its selectors without a wildcard."""

    test: Test
    selects: Mapping[str, Select]
    regexes: int

    @property
    def names(self) -> frozenset[str]:
        """Its selectors without a wildcard, in one spelling."""
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
        self._wildcards = 0
        super().__init__(text)

    def operand(self) -> Operand:
        selector = self.pop("selector")
        steps = _steps(selector)
        wildcards = [place for place, step in enumerate(steps) if isinstance(step, Every)]
        self._wildcards += len(wildcards)
        if len(wildcards) > _MOST_WILDCARDS_OF_A_SELECTOR:
            raise _too_many("property selector", _MOST_WILDCARDS_OF_A_SELECTOR)
        if self._wildcards > _MOST_WILDCARDS_OF_A_PATTERN:
            raise _too_many("filter pattern", _MOST_WILDCARDS_OF_A_PATTERN)
        if wildcards:
            return _any_of(steps, wildcards[0])
        return single(self.selects.setdefault(canonical(selector), _select(steps)))

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


def _step_text(step: Step) -> str:
    if isinstance(step, Every):
        return step.value
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.fullmatch(step) else f"['{step}']"


def _steps(selector: str) -> list[Step]:
    steps: list[Step] = []
    for index, quoted, double, plain in _STEP.findall(selector):
        if index:
            steps.append(Every.ELEMENT if index == "*" else int(index))
        else:
            steps.append(Every.FIELD if plain == "*" else quoted or double or plain)
    return steps


def _select(steps: Sequence[Step]) -> Select:
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


def _any_of(steps: Sequence[Step], wildcard: int) -> Operand:
    """The operand that is any of the values that steps with a wildcard at this place lead to."""
    whole, every, part = _select(steps[:wildcard]), steps[wildcard], _select(steps[wildcard + 1 :])

    def values(document: Any) -> list[Any]:
        holder = whole(document)
        held: Iterable[Any] = ()
        if every is Every.ELEMENT and isinstance(holder, list):
            held = holder
        elif every is Every.FIELD and isinstance(holder, dict):
            held = holder.values()
        found = (part(item) for item in held)
        return [value for value in found if value is not MISSING] or [MISSING]

    return lambda test: lambda document: any(test(value) for value in values(document))


def _too_many(where: str, most: int) -> AwsError:
    text = f"Invalid filter pattern: a {where} can hold wildcard selectors up to {most}."
    return AwsError("InvalidParameterException", text)


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
