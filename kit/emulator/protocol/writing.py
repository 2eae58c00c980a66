"""From a handler's answer to a tree that a codec can encode, by the shapes of the model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kit.emulator.protocol.model import Ref, ServiceModel, Shape

Writer = Callable[[Any], Any]


class OutLeaves(Protocol):
    """How a codec represents scalars on the way out."""

    def double(self, value: float) -> Any: ...
    def timestamp(self, value: float) -> Any: ...
    def blob(self, value: bytes) -> Any: ...


class WriterCompiler:
    """Compiles and keeps the writers of one model for one codec's leaves."""

    def __init__(self, model: ServiceModel, leaves: OutLeaves) -> None:
        self._shapes = model.shapes
        self._compiled: dict[str, Writer] = {}
        self._open: set[str] = set()
        self._lock = threading.RLock()
        self._leaves: Mapping[str, Writer] = {
            "float": leaves.double,
            "double": leaves.double,
            "timestamp": leaves.timestamp,
            "blob": leaves.blob,
        }

    def writer(self, ref: Ref) -> Writer:
        """The writer of a shape. A member that the model lacks is a KeyError: the handler is wrong."""
        name = ref.shape
        found = self._compiled.get(name)
        if found is not None:
            return found
        with self._lock:
            if name in self._open:
                return self._later(name)
            self._open.add(name)
            self._compiled[name] = self._compile(self._shapes[name])
            self._open.discard(name)
            return self._compiled[name]

    def _later(self, name: str) -> Writer:
        def write(value: Any) -> Any:
            return self._compiled[name](value)

        return write

    def _compile(self, shape: Shape) -> Writer:
        if shape.type == "structure":
            writers = {name: self.writer(ref) for name, ref in shape.members.items()}
            return lambda value: {name: writers[name](inner) for name, inner in value.items() if inner is not None}
        if shape.type == "list" and shape.member is not None:
            member = self.writer(shape.member)
            return list if member is _same else lambda value: [member(inner) for inner in value]
        if shape.type == "map" and shape.value is not None:
            inner_writer = self.writer(shape.value)
            return lambda value: {str(key): inner_writer(inner) for key, inner in value.items()}
        return self._leaves.get(shape.type, _same)


def _same(value: Any) -> Any:
    return value
