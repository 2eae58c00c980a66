"""Ended spans on their way out: to segment documents and X-Ray, or to OTLP and whoever takes it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from opentelemetry.sdk.resources import Resource

from ..delivery import Transport
from ..settings import Settings
from ..spans import LightSpan

Encode = Callable[[LightSpan], str]


def way_out(settings: Settings, resource: Resource) -> tuple[Encode, Transport] | None:
    """How to write a span, and the transport for what is written; None when nobody wants spans.

    Modules are imported as they are chosen: each brings a library with it that the others do without.
    """
    if settings.traces_exporter == "none":
        return None
    if settings.traces_exporter == "otlp":
        otlp = import_module(".otlp", __package__)
        return otlp.record, otlp.Otlp(settings.otlp)
    encode = import_module(".segments", __package__).Segments(resource, settings.log_group).document
    if settings.xray_delivery == "api":
        return encode, import_module(".api", __package__).Api(settings)
    return encode, import_module(".daemon", __package__).Daemon(settings.daemon.udp)
