"""Filter patterns of plain terms: ``ERROR -"Exiting now"``, ``?ERROR ?WARN``, ``%AUTHORI[SZ]ED%``.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", matching terms in unstructured log events. What its
examples show: a term matches anywhere, inside of a word too (``ERROR`` matches "Exiting with ERRORCODE: -1",
``ERROR Exception`` matches "Caught IllegalArgumentException", ``%AUTHORIZED%`` matches "UNAUTHORIZED"); case counts;
all terms must be there, none with ``-``, and one of those with ``?``. The guide also says that ``?`` can't be combined
with other kinds of terms and is then ignored, which is what happens here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kit.emulator.logs.regexes import parse_regex
from kit.emulator.protocol import AwsError

_TERM = re.compile(r'\s*(?:(-)\s*|(\?)|)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))', re.DOTALL)
_BARE = re.compile(r"\w+")
_REGEX = re.compile(r"%[^%]+%")


@dataclass(frozen=True, slots=True)
class TermsPattern:
    """Terms as UTF-8: those that must all be there, those that mustn't, and those of which one must."""

    required: Sequence[bytes]
    excluded: Sequence[bytes]
    optional: Sequence[bytes]
    regexes = 0
    names: frozenset[str] = frozenset()

    def matches(self, message: bytes) -> bool:
        """Whether an event matches."""
        return (
            all(term in message for term in self.required)
            and not any(term in message for term in self.excluded)
            and (not self.optional or any(term in message for term in self.optional))
        )

    def extract(self, message: bytes) -> dict[str, str] | None:
        """Nothing, for an event that matches: terms extract no values. None if it doesn't match."""
        return {} if self.matches(message) else None

    def name_of(self, selector: str) -> str | None:  # noqa: ARG002 - as the other kinds of pattern
        """None: terms select nothing."""
        return None


@dataclass(frozen=True, slots=True)
class RegexPattern:
    """A regular expression on its own."""

    matches: Callable[[bytes], bool]
    regexes = 1
    names: frozenset[str] = frozenset()

    def extract(self, message: bytes) -> dict[str, str] | None:
        """Nothing, for an event that matches; None if it doesn't match."""
        return {} if self.matches(message) else None

    def name_of(self, selector: str) -> str | None:  # noqa: ARG002 - as the other kinds of pattern
        """None: it selects nothing."""
        return None


def parse_terms(text: str) -> TermsPattern | RegexPattern:
    """Read terms, or a regular expression on its own. Raises InvalidParameterException."""
    if _REGEX.fullmatch(text):
        return RegexPattern(parse_regex(text))
    lists: dict[str, list[bytes]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise _invalid(f"Invalid filter pattern: unclosed quote in '{text}'")
        minus, question, quoted, bare = found.groups()
        if bare is not None and not _BARE.fullmatch(bare):
            raise _invalid(f"Invalid character(s) in term '{bare}'")
        term = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else bare
        lists[minus or question or ""].append(term.encode(errors="replace"))
        position = found.end()
    required, excluded, optional = lists[""], lists["-"], lists["?"]
    return TermsPattern(required, excluded, () if required or excluded else optional)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
