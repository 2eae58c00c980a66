"""OTEL_TRACES_SAMPLER -> an OpenTelemetry sampler; ``xray`` is X-Ray's centralised sampling."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from .settings import Settings


def sampler(settings: Settings) -> Sampler:
    """The sampler that the settings name. ``xray`` decides for root spans, and follows the caller for others."""
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.sampler_ratio),
    }
    roots |= {f"parentbased_{name}": ParentBased(root) for name, root in roots.items()}
    return ParentBased(XRaySampler(settings)) if settings.sampler == "xray" else roots[settings.sampler]


class XRaySampler(Sampler):
    """The X-Ray SDK's sampler: rules and quotas from the daemon, its own 1/s and 5 % until they are there.

    (AWS X-Ray: "Using sampling rules with the X-Ray API".) The SDK's sampler starts two polling threads, which a fork
    loses without its noticing: so one is made in each process, at its first decision.
    """

    def __init__(self, settings: Settings) -> None:
        self._service = settings.service
        self._daemon = settings.daemon
        self._lock = threading.Lock()
        self._sampler: Any = None
        # At INFO it logs a line for each request that no rule matches.
        logging.getLogger("aws_xray_sdk").setLevel(logging.WARNING)
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Match the request against the rules."""
        del parent_context, trace_id, name, kind, links, trace_state  # OpenTelemetry's signature
        known = attributes or {}
        request = {
            "host": known.get("server.address"),
            "method": known.get("http.request.method"),
            "path": known.get("url.path"),
            "service": self._service,
        }
        if (self._sampler or self._make()).should_trace(request):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """For OpenTelemetry's diagnostics."""
        return "XRaySampler"

    def _make(self) -> Any:
        with self._lock:
            if self._sampler is None:
                # Not at the top: the SDK reads AWS_XRAY_DAEMON_ADDRESS when it is imported, before Settings could.
                made = import_module("aws_xray_sdk.core.sampling.sampler").DefaultSampler()
                context = import_module("aws_xray_sdk.core.context").Context()
                host, port = self._daemon.tcp
                # Without a Context of its own the rule poller dies silently at its first call.
                made.load_settings(SimpleNamespace(tcp_ip=host, tcp_port=port), context)
                self._sampler = made
            return self._sampler

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._sampler = None
