"""Every name this telemetry emits stands here, and only here: metrics, dimensions, log fields, annotations.

``catalogue.json`` is generated from this module (``python -m <package>.catalogue``). To emit an event metric of your
own (``telemetry.count("Refund")``), add a line to METRICS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAMESPACE = "Shop"  # the default of TELEMETRY_NAMESPACE

SERVICE = ("Service", "Environment")
OPERATION = ("Service", "Environment", "Operation")
REMOTE = ("Service", "Environment", "RemoteService")
CAUSE = ("Service", "Environment", "Signal", "Cause")

OVERFLOW = "OVERFLOW"  # the value of every dimension of the one series that takes what comes beyond the cap
UNMATCHED = "UNMATCHED"  # the Operation of requests that no route takes: a raw path would be a series each


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its CloudWatch unit and dimension sets.

    ``sli``: at storage resolution 1 for an app's SLI operations (60 otherwise), because alarms on periods below a
    minute need it. ``event``: counted by the app through ``Telemetry.count``. ``idle``: for a metric of your own, the
    series that send a zero while nothing happens: values of its last dimension set, beyond Service and Environment.
    """

    name: str
    unit: str
    kind: Literal["counter", "gauge", "histogram"]
    dimensions: tuple[tuple[str, ...], ...]
    meaning: str
    sli: bool = False
    event: bool = False
    idle: tuple[tuple[str, ...], ...] = ()


METRICS = (
    Metric("Requests", "Count", "counter", (SERVICE, OPERATION), "Requests answered.", sli=True),
    Metric("Fault", "Count", "counter", (SERVICE, OPERATION), "Requests answered with a 5xx status.", sli=True),
    Metric("Error", "Count", "counter", (SERVICE, OPERATION), "Requests answered with a 4xx status.", sli=True),
    Metric("Slow", "Count", "counter", (SERVICE, OPERATION), "Requests over the latency objective.", sli=True),
    Metric("Latency", "Milliseconds", "histogram", (SERVICE, OPERATION), "Time to the end of the answer."),
    Metric("DependencyCalls", "Count", "counter", (REMOTE,), "Calls to another service."),
    Metric("DependencyFault", "Count", "counter", (REMOTE,), "Such calls that raised or got a 5xx status."),
    Metric("DependencyLatency", "Milliseconds", "histogram", (REMOTE,), "Time of such calls."),
    Metric("InFlight", "Count", "gauge", (SERVICE,), "The most requests at once in one process."),
    Metric("PoolInUse", "Count", "gauge", (SERVICE,), "The most pooled database connections in use in one process."),
    Metric("ProcessMemory", "Bytes", "gauge", (SERVICE,), "Resident memory of one process."),
    Metric("Heartbeat", "Count", "counter", (SERVICE,), "One a minute from each living process."),
    Metric("TelemetryDropped", "Count", "counter", (SERVICE, CAUSE), "Log lines, metric records and spans dropped."),
    Metric("TelemetryLost", "Count", "counter", (SERVICE, CAUSE), "The same, lost with a process that was killed."),
    Metric("TelemetryDuplicates", "Count", "counter", (SERVICE,), "Records sent again after a call without an answer."),
    Metric(
        "TelemetryWaiting", "Count", "gauge", (SERVICE,), "Records waiting in one process's memory and on its disk."
    ),
    Metric(
        "CheckoutMismatch", "Count", "counter", (SERVICE,), "Orders whose total is not that of their lines.", event=True
    ),
)
# What others than the instrumented app emit, under the same dimensions: its canary, a program of its own.
OF_THE_CANARY = (
    Metric("CanaryFault", "Count", "gauge", (SERVICE,), "1 for a failed probe of the service's main path, else 0."),
)
BY_NAME = {metric.name: metric for metric in METRICS}
EVENTS = frozenset(metric.name for metric in METRICS if metric.event)

# Fields of a log line. A line's own extras may not take these names; ACCESS_FIELDS are those of the access line.
LOG_FIELDS = (
    "timestamp",
    "level",
    "logger",
    "message",
    "service",
    "environment",
    "release",
    "trace_id",
    "span_id",
    "xray_trace_id",
    "request_id",
    "exception",
    "record_id",
    "repeated",
    "truncated",
)
# Those of them that the app tells by Telemetry.annotate: which version answered, with less than all, or not at all.
ACCESS_ATTRIBUTES = ("version", "degraded", "shed")
ACCESS_FIELDS = ("operation", "method", "status", "duration_ms", "error_type", *ACCESS_ATTRIBUTES)
ACCESS_LOGGER = "access"

# X-Ray annotation -> span attribute. Annotations are indexed and searched by; anything else becomes metadata.
ANNOTATIONS = {name: name for name in ("operation", "order_id", "version", "degraded", "shed", "attempt")}
# The same from the resource, on segments only.
RESOURCE_ANNOTATIONS = {
    "service": "service.name",
    "environment": "deployment.environment.name",
    "release": "service.version",
}
# Fields that stand beside the metrics of an EMF document: the slowest sampled request of its interval, and its own id.
EMF_FIELDS = ("trace_id", "xray_trace_id", "record_id")

TRACE_HEADER = "X-Amzn-Trace-Id"
REQUEST_ID_HEADER = "X-Request-Id"


def xray_trace_id(trace: str) -> str:
    """An OpenTelemetry trace id, 32 hexadecimal digits, in X-Ray's form 1-8-24 (AWS X-Ray API: PutTraceSegments)."""
    return f"1-{trace[:8]}-{trace[8:]}"
