"""Providers: of our light tracers, or the SDK's (``TELEMETRY_SPANS=sdk``); ended spans of both go the same route."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TracerProvider as ApiTracerProvider
from opentelemetry.util.types import Attributes

from .origin import Origin, Route, numbered
from .readable import from_readable
from .tracer import LightTracer, XRayIds


def make_provider(
    kind: str, sampler: Sampler, resource: Resource, route: Route
) -> LightTracerProvider | TracerProvider:
    """The provider for TELEMETRY_SPANS: ``light`` or ``sdk``. Ended and sampled spans go to ``route``."""
    if kind == "light":
        return LightTracerProvider(sampler, resource, route)
    provider = TracerProvider(sampler, resource, shutdown_on_exit=False, id_generator=XRayIds())
    provider.add_span_processor(EndedSpans(route))
    return provider


class EndedSpans(SpanProcessor):
    """Hands the SDK's ended, sampled spans to the route."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span on if it is sampled."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._route.append(from_readable(span, self._route))


class LightTracerProvider(ApiTracerProvider):
    """OpenTelemetry's TracerProvider for light spans. Limits come from OTEL_SPAN_* and OTEL_ATTRIBUTE_* variables."""

    def __init__(
        self, sampler: Sampler, resource: Resource, route: Route, id_generator: IdGenerator | None = None
    ) -> None:
        self.sampler = sampler
        self.resource = resource
        self.id_generator = id_generator or XRayIds()
        self._route = route
        self._limits = SpanLimits()
        self._tracers: dict[InstrumentationScope, LightTracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> LightTracer:
        """The tracer of one instrumentation scope; the same one each time."""
        scope = InstrumentationScope(
            instrumenting_module_name or "", instrumenting_library_version or "", schema_url, attributes
        )
        found = self._tracers.get(scope)
        if found is None:
            origin = numbered(Origin(self.resource, scope, self._limits, self._route))
            found = self._tracers.setdefault(scope, LightTracer(origin, self.sampler, self.id_generator))
        return found

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have this processor told of every recorded span too: on_start with the span, on_end with a ReadableSpan."""
        self._route.processors += (span_processor,)

    def shutdown(self) -> None:
        """Shut down the processors that were added; the telemetry's own way out is closed by its ``close``."""
        processors, self._route.processors = self._route.processors, ()
        for processor in processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the processors that were added."""
        return all(processor.force_flush(timeout_millis) for processor in self._route.processors)
