"""Values as a Java service writes them into its complaints: ``[a, b]``, ``{k=v}``, ``Tag(key=a, value=null)``.

Known from answers of AWS: ``Value '[KeySchemaElement(attributeName=a, keyType=HASH)]' at 'keySchema'`` of DynamoDB,
``PutRecordsRequestEntry(data=java.nio.HeapByteBuffer[pos=0 lim=503 cap=503], explicitHashKey=null, ...)`` of Kinesis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.emulator.protocol.model import Ref, Shape

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Double.toString writes numbers from the first to the second without an exponent.
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-3, 1e7


class JavaText:
    """Writes what a reader has read, by the shapes of one model."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes

    def of(self, value: Any, shape: Shape) -> str:
        """``value``, which is of ``shape``, as a text. A structure has its name from who refers to it, so not here."""
        if shape.type == "list" and shape.member is not None:
            member = shape.member
            return f"[{', '.join(self._of_ref(item, member) for item in value)}]"
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            key, held = shape.key, shape.value
            entries = (f"{self._of_ref(name, key)}={self._of_ref(inner, held)}" for name, inner in value.items())
            return f"{{{', '.join(entries)}}}"
        return _leaf(value, shape.type)

    def _of_ref(self, value: Any, ref: Ref) -> str:
        if value is None:
            return "null"
        shape = self._shapes[ref.shape]
        if shape.type != "structure":
            return self.of(value, shape)
        members = (
            f"{name[:1].lower()}{name[1:]}={self._of_ref(value.get(name), inner)}"
            for name, inner in shape.members.items()
        )
        return f"{ref.shape}({', '.join(members)})"


def _leaf(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if kind == "timestamp":
        return _date(value)
    return double_text(value) if isinstance(value, float) else str(value)


def double_text(value: float) -> str:
    """As ``Double.toString``: ``5.0``, ``1.0E10``, ``Infinity``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    if not value or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        plain = f"{Decimal(repr(value)):f}"
        return plain if "." in plain else f"{plain}.0"
    first, rest = digits[0], "".join(map(str, digits[1:])).rstrip("0") or "0"
    return f"{'-' * sign}{first}.{rest}E{Decimal(repr(value)).adjusted()}"


def _date(seconds: float) -> str:
    """As ``Date.toString`` in UTC: ``Sun Nov 22 10:00:00 UTC 2026``."""
    try:
        return f"{_EPOCH + timedelta(seconds=seconds):%a %b %d %H:%M:%S UTC %Y}"
    except OverflowError:  # Java's years go further
        return double_text(seconds)
