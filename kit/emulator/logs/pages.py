"""Cutting an answer into pages, with tokens that name the last item given."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from kit.emulator.protocol import AwsError

T = TypeVar("T")


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
    raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
