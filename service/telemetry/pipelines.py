"""The pumps of one process: log lines, metrics and spans, and the way out for each.

lines ─────────────▶ Delivery …/logs ─┐
records ─▶ MetricPump ─▶ Delivery …/emf ─┴▶ one CloudWatch Logs client        spans ─▶ SpanPump ─▶ X-Ray daemon
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable

from opentelemetry.sdk.resources import Resource

from .cloudwatch import CloudWatchLogs
from .delivery import Delivery
from .emf import Declared, Flush, documents
from .metrics import Gauges, MetricPump
from .settings import Settings
from .spans import SpanPump

LOG_LINGER = 0.5
EMF_LINGER = 0.02
FLUSH_SHARE = 0.2


class Pipelines:
    """Made after the fork, once per process; ``declared`` is asked at each flush, as routes may come late."""

    def __init__(
        self,
        settings: Settings,
        resource: Resource,
        gauges: Gauges,
        declared: Callable[[], Declared],
        latency_objective_ms: float,
    ) -> None:
        logs, stream = CloudWatchLogs(settings), stream_name()
        self.logs = Delivery(logs, settings.log_group, stream, max_bytes=settings.log_queue_bytes, linger=LOG_LINGER)
        self.emf = Delivery(logs, settings.emf_group, stream, max_bytes=settings.emf_queue_bytes, linger=EMF_LINGER)
        self.spans = SpanPump(settings.daemon.udp, settings.log_group, settings.span_queue)
        self.metrics = MetricPump(resource, gauges, self._flushed, self._dropped, latency_objective_ms)
        self._settings = settings
        self._declared = declared

    def start(self) -> None:
        """Start the ticker; the other threads start with the first thing they have to send."""
        self.metrics.start()

    def close(self, seconds: float) -> None:
        """Send what waits and stop all threads, within that time."""
        deadline = time.monotonic() + seconds
        self.logs.begin_close(seconds)
        self.metrics.close(time.monotonic() + seconds * FLUSH_SHARE)  # its last flush goes to emf
        self.emf.begin_close(deadline - time.monotonic())
        self.spans.close(deadline)
        self.emf.close()
        self.logs.close()

    def _dropped(self) -> int:
        return self.logs.dropped + self.emf.dropped + self.spans.dropped

    def _flushed(self, flush: Flush) -> None:
        about = self._settings
        for document in documents(flush, self._declared(), about.namespace, about.service, about.environment):
            self.emf.put(flush.start * 1000, document)


def stream_name() -> str:
    """A log stream of this process alone (CloudWatch Logs API: CreateLogStream: no ':' and no '*')."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()) or "host"
    return f"{host}/{os.getpid()}-{int(time.time())}"
