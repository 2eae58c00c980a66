"""Filter patterns: terms, quoted phrases, exclusions, optional terms, and selectors into JSON events.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax". Matching is case-sensitive. Space-delimited
patterns (``[a, b]``) and regular expressions (``%...%``) are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kit.emulator.logs.selectors import parse_selector
from kit.emulator.protocol import AwsError

Matcher = Callable[[bytes], bool]

_TERM = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_BARE = re.compile(r"\w+")


def parse_pattern(text: str) -> Matcher:
    """What tells whether an event's message (UTF-8) matches. Raises InvalidParameterException."""
    stripped = text.strip()
    if stripped.startswith("["):
        raise invalid("Space-delimited filter patterns ([...]) are not supported by this emulator.")
    if stripped.startswith("{"):
        return parse_selector(stripped)
    return _terms(stripped)


def _terms(text: str) -> Matcher:
    required: list[bytes] = []
    excluded: list[bytes] = []
    optional: list[bytes] = []
    lists = {"": required, "-": excluded, "?": optional}
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise invalid(f"Invalid filter pattern: unclosed quote in '{text}'")
        sign, quoted, bare = found.groups()
        if bare is not None:
            _check_bare(bare)
        term = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        lists[sign].append(term.encode())
        position = found.end()
    if required:
        optional = []  # the guide: beside a required term, optional ones are ignored

    def matches(message: bytes) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _check_bare(term: str) -> None:
    if term.startswith("%"):
        raise invalid("Regular expressions (%...%) in filter patterns are not supported by this emulator.")
    if not _BARE.fullmatch(term):
        raise invalid(f"Invalid character(s) in term '{term}'")


def invalid(message: str) -> AwsError:
    """A pattern that can't be read."""
    return AwsError("InvalidParameterException", message)
