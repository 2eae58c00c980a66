"""NextToken: where the last page ended, opaque to the caller and good for the operation that made it only."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from kit.emulator.protocol import AwsError


def token(operation: str, position: Any) -> str:
    """A token that says where this operation's next page begins; ``position`` is any JSON value."""
    return base64.urlsafe_b64encode(json.dumps([operation, position]).encode()).decode()


def position(operation: str, text: str | None, invalid: str = "InvalidNextToken") -> Any:
    """The position in a token, None without one; ``invalid`` is the error code for one that it never gave."""
    if text is None:
        return None
    try:
        made_by, where = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        made_by, where = None, None
    if made_by != operation:
        raise AwsError(invalid, "The next token specified is invalid.")
    return where


def page_after(
    operation: str, items: Sequence[tuple[Any, Any]], text: str | None, size: int, invalid: str = "InvalidNextToken"
) -> tuple[list[Any], str | None]:
    """One page of sorted (key, item) pairs and the next page's token.

    The token holds the last key, so that what is created or deleted between two calls neither repeats nor hides an
    item.
    """
    last = position(operation, text, invalid)
    if last is not None:
        try:
            items = [(key, item) for key, item in items if json.loads(json.dumps(key)) > last]
        except TypeError:
            raise AwsError(invalid, "The next token specified is invalid.") from None
    page = items[:size]
    more = token(operation, page[-1][0]) if len(items) > size else None
    return [item for _, item in page], more
