"""What spans share: those of a process where they go, those of a tracer their limits, and some their attributes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind

from .span_data import SpanData

PLAIN = frozenset({str, int, float, bool, type(None)})
NO_LIMITS = SpanLimits(*[SpanLimits.UNSET] * 8)


class Prepared(dict[str, Any]):
    """Attributes that all spans of one name and kind share, such as those of a statement.

    They never change, so what is made of them is kept in ``made``. ``number`` is the place among PREPARED, None where
    it is full.
    """

    __slots__ = ("kind", "made", "name", "number")

    def __init__(self, name: str, kind: SpanKind, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.name = name
        self.kind = kind
        self.made: Any = None
        self.number: int | None = None
        with _lock:
            if len(PREPARED) < MOST_PREPARED:
                self.number = len(PREPARED)
                PREPARED.append(self)


_lock = threading.Lock()
os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.Lock()))
MOST_PREPARED = 4_096
PREPARED: list[Prepared] = []
"""By their numbers. Who makes more of them, of values in statements say, has spans that cost a little more."""


class Route:
    """Where a process's ended spans go: one object that all its tracers share, as a fork or a close changes it.

    ``append`` takes what each ended and sampled span is; ``processors`` are those that the app has added.
    """

    __slots__ = ("append", "processors")

    def __init__(self, append: Callable[[SpanData], object]) -> None:
        self.append = append
        self.processors: tuple[SpanProcessor, ...] = ()


class Origin:
    """What all spans of one tracer have in common. ``most`` and ``length`` are the limits of attributes.

    ``number`` is its place among ORIGINS, once it is there.
    """

    __slots__ = ("length", "limits", "most", "number", "resource", "route", "scope")

    number: int

    def __init__(
        self, resource: Resource, scope: InstrumentationScope | None, limits: SpanLimits, route: Route
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.route = route
        self.length = limits.max_span_attribute_length
        most = limits.max_span_attributes
        self.most = 1 << 62 if most is None else most


ORIGINS: list[Origin] = []
"""Those of this process's light tracers."""


def numbered(origin: Origin) -> Origin:
    """The same, with its place among ORIGINS."""
    with _lock:
        origin.number = len(ORIGINS)
        ORIGINS.append(origin)
    return origin


def plain(attributes: Mapping[str, Any]) -> bool:
    """Whether all keys are texts and all values of types that cannot change and need no cleaning."""
    for key, value in attributes.items():  # noqa: SIM110 - a generator would cost thrice as much
        if type(value) not in PLAIN or type(key) is not str or not key:
            return False
    return True
