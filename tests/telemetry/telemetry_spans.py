"""Providers of both kinds on a list, as the tests of spans use them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from service.telemetry.origin import Route
from service.telemetry.providers import make_provider
from service.telemetry.sampling import sampler
from service.telemetry.settings import Settings
from service.telemetry.span_data import SpanData
from service.telemetry.traces.segments import Segments

RESOURCE = Resource({"service.name": "shop", "service.version": "1.2", "deployment.environment.name": "local"})
GROUP = "/shop/local/shop/logs"
KINDS = ("light", "sdk")
REMOTE = SpanContext(1 << 127, 7, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")]))
UNSAMPLED = SpanContext(1 << 127, 7, is_remote=True)


def below(context: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(context), Context())


@dataclass
class Traced:
    """A provider, and the spans that have ended in it."""

    kind: str = "light"
    decides: Sampler = field(default_factory=lambda: sampler(Settings("shop")))
    ended: list[SpanData] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.route = Route(self.ended.append)
        self.provider = make_provider(self.kind, self.decides, RESOURCE, self.route)
        self.tracer: Any = self.provider.get_tracer("test", "1.0")

    def documents(self) -> list[dict[str, Any]]:
        segments = Segments(RESOURCE, GROUP)
        return [json.loads(segments.document(span)) for span in self.ended]
