"""Shapes of a model compiled to functions, each once; a shape may refer to itself."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from kit.emulator.protocol.model import Ref, ServiceModel, Shape

F = TypeVar("F", bound=Callable[..., Any])


class ShapeCompiler(ABC, Generic[F]):
    """Compiles a shape when it is first asked for, and keeps the function. Safe to use from several threads."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._compiled: dict[str, F] = {}
        self._open: set[str] = set()
        self._lock = threading.RLock()

    def of(self, ref: Ref) -> F:
        """The function of a shape."""
        name = ref.shape
        found = self._compiled.get(name)
        if found is not None:
            return found
        with self._lock:
            if name in self._open:  # it is being compiled, and has come upon itself
                return self._later(name)
            self._open.add(name)
            self._compiled[name] = self.compile(self._shapes[name])
            self._open.discard(name)
            return self._compiled[name]

    def _later(self, name: str) -> F:
        def call(*given: Any) -> Any:
            return self._compiled[name](*given)

        return cast("F", call)

    @abstractmethod
    def compile(self, shape: Shape) -> F:
        """The function of a shape, made of those of the shapes that it refers to."""
