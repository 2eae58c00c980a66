"""The query protocol's answers: XML by the shapes of the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kit.emulator.protocol.model import Ref, ServiceModel, Shape
from kit.emulator.protocol.plain import escape

_Text = Callable[[Any], str]


class XmlWriter:
    """Writes values of one model's shapes. A member that the model lacks is a KeyError: the handler is wrong."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes

    def members(self, ref: Ref, value: dict[str, Any]) -> str:
        """The members of a structure, one element each."""
        out: list[str] = []
        self._members(self._shapes[ref.shape], value, out)
        return "".join(out)

    def _members(self, shape: Shape, value: dict[str, Any], out: list[str]) -> None:
        for name, inner in value.items():
            if inner is not None:
                self._element(name, shape.members[name], inner, out)

    def _element(self, name: str, ref: Ref, value: Any, out: list[str]) -> None:
        shape = self._shapes[ref.shape]
        out.append(f"<{name}>")
        if shape.type == "structure":
            self._members(shape, value, out)
        elif shape.type == "list" and shape.member is not None:
            self._list(shape.member, value, out)
        elif shape.type == "map" and shape.key is not None and shape.value is not None:
            for key, inner in value.items():
                out.append("<entry>")
                self._element("key", shape.key, key, out)
                self._element("value", shape.value, inner, out)
                out.append("</entry>")
        else:
            out.append(_TEXTS.get(shape.type, _string)(value))
        out.append(f"</{name}>")

    def _list(self, member: Ref, values: list[Any], out: list[str]) -> None:
        text = _TEXTS.get(self._shapes[member.shape].type)
        if text is not None:  # a GetMetricData answer is mostly this
            out.extend([f"<member>{text(value)}</member>" for value in values])
            return
        for value in values:
            self._element("member", member, value, out)


def _string(value: Any) -> str:
    return escape(str(value))


def _double(value: float) -> str:
    number = float(value)
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _timestamp(value: float) -> str:
    """ISO 8601 in UTC, with milliseconds where there are any."""
    moment = datetime.fromtimestamp(round(value, 3), UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


_TEXTS: dict[str, _Text] = {
    "string": _string,
    "integer": str,
    "long": str,
    "float": _double,
    "double": _double,
    "boolean": _boolean,
    "timestamp": _timestamp,
}
