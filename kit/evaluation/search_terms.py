"""A search cut into its parts, and the rule by which a word of it matches a name (User Guide, "CloudWatch search
expression syntax": "Tokenization", "Partial matches", "Non-alphanumeric characters").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

SearchTokenKind = Literal["word", "exact", "operator", "punctuation", "end"]


class SearchError(ValueError):
    """A search that can't be used; ``position`` is the zero-based character at which it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} (at character {position + 1} of the search)")


@dataclass(frozen=True, slots=True)
class SearchToken:
    """``text`` of an exact term is what stands between the double quotes, escapes resolved."""

    kind: SearchTokenKind
    text: str
    position: int

    def __str__(self) -> str:
        return "the end of the search" if self.kind == "end" else f"'{self.text}'"


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<exact>"(?:[^"\\]|\\.)+")
      | (?P<punctuation>[(){},=])
      | (?P<word>(?:[^\s"(){},=\\]|\\.)+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def tokenize(text: str) -> list[SearchToken]:
    """The parts of a search, closed by one of kind "end". Raises SearchError."""
    tokens: list[SearchToken] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SearchError(_stray(text[position]), position)
        found, position = match.group(), match.end()
        if match.lastgroup == "exact":
            tokens.append(SearchToken("exact", _ESCAPE.sub(r"\1", found[1:-1]), match.start()))
        elif match.lastgroup == "word":
            kind: SearchTokenKind = "operator" if found in ("AND", "OR", "NOT") else "word"
            tokens.append(SearchToken(kind, _ESCAPE.sub(r"\1", found), match.start()))
        elif match.lastgroup == "punctuation":
            tokens.append(SearchToken("punctuation", found, match.start()))
    tokens.append(SearchToken("end", "", position))
    return tokens


def _stray(character: str) -> str:
    if character == '"':
        return "expected a text and a closing double quote for the exact term that begins here"
    return "expected a character after the backslash"


# Capitals are a token of their own but for the last one before a small letter, which begins the next: SDBFailure is
# SDB, Failure.
_PIECE = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Name:
    """``pieces`` with their case and in small letters, and ``tokens``: the small ones and all of it joined."""

    pieces: tuple[str, ...]
    small: tuple[str, ...]
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Word:
    """``pieces``, each with whether its case counts, and all of it joined in small letters."""

    pieces: tuple[tuple[str, bool], ...]
    joined: str


def _runs(text: str) -> list[list[str]]:
    """The pieces of every stretch of letters and digits: ``Project2-trial333`` is (Project, 2), (trial, 333)."""
    return [_PIECE.findall(run) for run in _RUN.findall(text)]


@lru_cache(maxsize=65_536)
def _name(text: str) -> _Name:
    pieces = tuple(piece for run in _runs(text) for piece in run)
    small = tuple(piece.lower() for piece in pieces)
    return _Name(pieces, small, frozenset([*small, "".join(small)]) if small else frozenset())


@lru_cache(maxsize=4096)
def _word(text: str) -> _Word:
    runs = _runs(text)
    pieces = tuple((piece if len(run) > 1 else piece.lower(), len(run) > 1) for run in runs for piece in run)
    return _Word(pieces, "".join(piece for piece, _ in pieces).lower())


def tokens_of(name: str) -> frozenset[str]:
    """The tokens that CloudWatch generates from a name: its pieces in small letters, and all of it joined."""
    return _name(name).tokens


def word_matches(word: str, name: str) -> bool:
    """Whether a word of a search, not in quotes, matches a name.

    A word of one token matches a token of the name, or all of it joined, in any case. A word of several matches where
    they follow each other in the name. The documents call that case-sensitive, yet find NetworkErrors2 by
    ``network-errors`` and not CustomCount1 by ``count1``: so here tokens that capitals or digits part are compared
    with their case, those that other characters part without.
    """
    wanted, known = _word(word), _name(name)
    if len(wanted.pieces) <= 1:
        return wanted.joined in known.tokens
    if wanted.joined == "".join(known.small):
        return True
    return any(_follow(wanted, known, at) for at in range(len(known.pieces) - len(wanted.pieces) + 1))


def _follow(wanted: _Word, known: _Name, at: int) -> bool:
    """Whether the word's pieces follow each other in the name from this piece on."""
    return all(
        (known.pieces if with_case else known.small)[at + i] == piece
        for i, (piece, with_case) in enumerate(wanted.pieces)
    )
