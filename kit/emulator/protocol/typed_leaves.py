"""Scalars of a protocol whose values carry their own types, as JSON's and CBOR's do and a form's do not."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.reading import mistyped


class TypedLeaves:
    """What AWS JSON and CBOR read alike; timestamps and blobs are each protocol's own."""

    def string(self, value: Any) -> str:
        if not isinstance(value, str):
            raise mistyped(value, "a String")
        return value

    def integer(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise mistyped(value, "an Integer")
        if isinstance(value, float) and not value.is_integer():
            raise AwsError("SerializationException", f"{value} can not be converted to an Integer")
        return int(value)

    def double(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise mistyped(value, "a Double")
        try:
            return float(value)
        except OverflowError as error:
            raise AwsError("SerializationException", "NUMBER_VALUE is out of range for a Double") from error

    def boolean(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise mistyped(value, "a Boolean")
        return value
