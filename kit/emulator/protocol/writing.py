"""From a handler's answer to a tree that a codec can encode, by the shapes of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kit.emulator.protocol.compiling import ShapeCompiler
from kit.emulator.protocol.model import ServiceModel, Shape

Writer = Callable[[Any], Any]


class OutLeaves(Protocol):
    """How a codec represents scalars on the way out."""

    def double(self, value: float) -> Any: ...
    def timestamp(self, value: float) -> Any: ...
    def blob(self, value: bytes) -> Any: ...


class WriterCompiler(ShapeCompiler[Writer]):
    """The writers of one model for one codec's leaves. A member that the model lacks is a KeyError: a wrong handler."""

    def __init__(self, model: ServiceModel, leaves: OutLeaves) -> None:
        super().__init__(model)
        self._leaves: Mapping[str, Writer] = {
            "float": leaves.double,
            "double": leaves.double,
            "timestamp": leaves.timestamp,
            "blob": leaves.blob,
        }

    def compile(self, shape: Shape) -> Writer:
        """See ShapeCompiler."""
        if shape.type == "structure":
            writers = {name: self.of(ref) for name, ref in shape.members.items()}
            return lambda value: {name: writers[name](inner) for name, inner in value.items() if inner is not None}
        if shape.type == "list" and shape.member is not None:
            member = self.of(shape.member)
            return list if member is _same else lambda value: [member(inner) for inner in value]
        if shape.type == "map" and shape.value is not None:
            inner_writer = self.of(shape.value)
            return lambda value: {str(key): inner_writer(inner) for key, inner in value.items()}
        return self._leaves.get(shape.type, _same)


def _same(value: Any) -> Any:
    return value
