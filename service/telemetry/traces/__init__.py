"""Ended spans on their way out: to segment documents and X-Ray, or to OTLP and whoever takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from opentelemetry.sdk.resources import Resource

from ..delivery import Transport
from ..settings import Settings
from ..span_data import SpanData
from ..waiting import Bundled

Take = Callable[[SpanData], tuple[str, int] | None]


@dataclass(frozen=True, slots=True)
class WayOut:
    """``take(span)`` writes a span: (text, how many spans it holds), or None for one that waits for others.

    ``bundle(request)``: a usual request with all its spans at once, or None where ``take`` is to be asked for each.
    ``left()``: those that have waited in vain; ``alone(span)`` writes such a one by itself.
    """

    take: Take
    bundle: Callable[[Bundled], tuple[str, int] | None]
    alone: Callable[[SpanData], str]
    left: Callable[[], list[SpanData]]
    transport: Transport


def way_out(settings: Settings, resource: Resource) -> WayOut | None:
    """How to write spans, and the transport for what is written; None when nobody wants spans.

    Modules are imported as they are chosen: each brings a library with it that the others do without.
    """
    if settings.traces_exporter == "none":
        return None
    if settings.traces_exporter == "otlp":
        otlp = import_module(".otlp", __package__)
        return WayOut(lambda span: (otlp.record(span), 1), lambda _: None, otlp.record, list, otlp.Otlp(settings.otlp))
    segments = import_module(".segments", __package__).Segments(resource, settings.log_group)
    trees = import_module(".trees", __package__).Trees(segments)
    if settings.xray_delivery == "api":
        transport = import_module(".api", __package__).Api(settings)
    else:
        transport = import_module(".daemon", __package__).Daemon(settings.daemon.udp)
    return WayOut(trees.take, trees.bundle, segments.document, trees.left, transport)
