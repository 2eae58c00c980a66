"""Cutting an answer into pages: what may change in between by its last key, the rest by how many were given."""

from __future__ import annotations

import base64
import binascii
import operator
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from kit.emulator.protocol import AwsError

T = TypeVar("T")
Key = str | list[str | int]
_decode_key = msgspec.json.Decoder(Key).decode


def page_after(
    items: Iterable[tuple[Key, T]], token: str | None, limit: int, *, descending: bool = False
) -> tuple[list[T], str | None]:
    """A page of items sorted by key, and the token of what follows. Raises InvalidParameterException.

    The token holds the last key, so that what is created or deleted between two calls neither repeats nor hides an
    item.
    """
    rest = list(items)
    if token is not None:
        last, follows = _key_in(token), operator.lt if descending else operator.gt
        try:
            rest = [(key, item) for key, item in rest if follows(key, last)]
        except TypeError:  # a key of another operation's
            raise _invalid() from None
    more = _token_of_key(rest[limit - 1][0]) if len(rest) > limit else None
    return [item for _, item in rest[:limit]], more


def _token_of_key(key: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _key_in(token: str) -> Key:
    try:
        key: Key = _decode_key(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise _invalid() from None
    return key


def page(items: Sequence[T], token: str | None, limit: int) -> tuple[Sequence[T], str | None]:
    """``limit`` items from where ``token`` says, and the token of what follows. Raises InvalidParameterException."""
    start = offset_in(token) if token is not None else 0
    rest = items[start : start + limit]
    more = start + limit < len(items)
    return rest, token_of(start + limit) if more else None


def token_of(offset: int) -> str:
    """An opaque token for an offset."""
    return base64.urlsafe_b64encode(f"n{offset}".encode()).decode()


def offset_in(token: str) -> int:
    """The offset in a token. Raises InvalidParameterException for one that isn't ours."""
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
        if text[:1] == "n" and text[1:].isascii() and text[1:].isdigit() and len(text) < 12:
            return int(text[1:])
    except (binascii.Error, UnicodeError, ValueError):
        pass
    raise _invalid()


def _invalid() -> AwsError:
    return AwsError("InvalidParameterException", "The specified nextToken is invalid.")
