"""Filter patterns of all three kinds, told apart by their first character.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log
events, and Live Tail".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from kit.emulator.logs.fields import parse_fields
from kit.emulator.logs.selectors import parse_selector
from kit.emulator.logs.terms import parse_terms
from kit.emulator.protocol import AwsError

_MOST_REGEXES = 2


class Pattern(Protocol):
    """What a filter pattern can do with an event's message (UTF-8)."""

    @property
    def regexes(self) -> int:
        """How many regular expressions it holds."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """What it gives names to: ``$.member`` or ``$field``."""
        ...

    def matches(self, message: bytes) -> bool:
        """Whether it matches."""
        ...

    def extract(self, message: bytes) -> dict[str, str] | None:
        """The values of ``names`` that a matching event holds; None for an event that doesn't match."""
        ...

    def name_of(self, selector: str) -> str | None:
        """The key in what ``extract`` returns that ``selector`` means, None if there is none."""
        ...


def parse_pattern(text: str) -> Pattern:
    """Read a filter pattern. Raises InvalidParameterException."""
    stripped = text.strip()
    kinds: Mapping[str, Callable[[str], Pattern]] = {"{": parse_selector, "[": parse_fields}
    pattern = kinds.get(stripped[:1], parse_terms)(stripped)
    if pattern.regexes > _MOST_REGEXES:
        wrong = f"A filter pattern can hold up to {_MOST_REGEXES} regular expressions."
        raise AwsError("InvalidParameterException", wrong)
    return pattern
