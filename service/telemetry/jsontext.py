"""JSON as it is written to logs: one line of printable ASCII, whatever is in it; and the ids of records."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec

VALUE_LENGTH = 4_096
COPY_LENGTH = 16_384
SHORT = frozenset({int, bool, type(None)})


class RecordIds:
    """``record_ids()``: an id that no other record of any process has, short because every record carries it."""

    def __init__(self) -> None:
        self._prefix = f"{random.getrandbits(48):012x}-"  # to be unlike others is enough
        self._number = count(1)

    def __call__(self) -> str:
        """The next id."""
        return f"{self._prefix}{next(self._number):x}"


def to_json(fields: Mapping[str, Any] | str) -> str:
    """JSON in which no terminal and no reader of lines finds anything that it might obey."""
    try:
        line = _encode(fields)
        if line.isascii() and b"\x7f" not in line:
            return line.decode("ascii")
    except (TypeError, ValueError, RecursionError):  # surrogates, numbers beyond 64 bits
        pass
    return json.dumps(fields, separators=(",", ":"), default=to_text).replace("\x7f", "\\u007f")


@lru_cache(maxsize=1_024)
def quoted(text: str) -> str:
    """A text that comes often, as JSON."""
    return to_json(text)


def to_text(value: Any) -> str:
    """Any object as text of at most VALUE_LENGTH characters; never raises."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        return str(value)[:VALUE_LENGTH]
    except Exception:  # noqa: BLE001 - any object may be logged, and its __str__ may do anything
        return f"<{type(value).__name__} that cannot be written>"


_encode = msgspec.json.Encoder(enc_hook=to_text).encode


def frozen(value: Any) -> Any:
    """A copy that nobody else can change."""
    kind = value.__class__
    if kind in SHORT:
        return value
    if kind is str:
        return value if len(value) <= VALUE_LENGTH else value[:VALUE_LENGTH]
    if kind is float:
        return value if math.isfinite(value) else str(value)  # JSON has no infinity and no NaN
    try:
        copy = msgspec.to_builtins(value, str_keys=True, enc_hook=to_text)
        return copy if len(msgspec.json.encode(copy)) <= COPY_LENGTH else to_text(value)
    except Exception:  # noqa: BLE001 - circles, keys that are no strings, and whatever an object does when asked
        return to_text(value)
