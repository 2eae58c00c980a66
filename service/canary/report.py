"""How a walk is told: one log line that is an embedded-metric document too, and one trace.

Sources: "Specification: Embedded metric format"; "AWS X-Ray segment documents".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from service.canary.settings import NAMESPACE, CanarySettings
from service.canary.walk import Outcome, Step

METRIC = "CanaryFault"


def line(settings: CanarySettings, outcome: Outcome) -> dict[str, Any]:
    """The log line of a walk."""
    last = outcome.steps[-1] if outcome.steps else None
    return {
        "timestamp": datetime.fromtimestamp(outcome.ended, UTC).isoformat(timespec="milliseconds"),
        "level": "WARNING" if outcome.fault else "INFO",
        "logger": "canary",
        "message": f"probe failed: {outcome.reason}" if outcome.fault else "probe passed",
        "service": settings.name,
        "environment": settings.environment,
        "release": settings.release,
        "trace_id": outcome.trace_id[2:].replace("-", ""),
        "span_id": outcome.id,
        "xray_trace_id": outcome.trace_id,
        "operation": last.operation if last else "",
        "status": last.status if last else 0,
        "duration_ms": round((outcome.ended - outcome.started) * 1000, 1),
        **({"order_id": outcome.order_id} if outcome.order_id else {}),
    }


def document(settings: CanarySettings, outcome: Outcome, slot: float) -> str:
    """The line as CloudWatch Logs gets it: with CanaryFault, 0 or 1, at ``slot`` (epoch seconds)."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Service", "Environment"]],
        # Alarms on windows of less than a minute need it at resolution 1.
        "Metrics": [{"Name": METRIC, "Unit": "Count", "StorageResolution": 1}],
    }
    metric = {"Service": settings.service, "Environment": settings.environment, METRIC: int(outcome.fault)}
    head = {"_aws": {"Timestamp": int(slot * 1000), "CloudWatchMetrics": [directive]}}
    return json.dumps({**head, **metric, **line(settings, outcome)}, separators=(",", ":"))


def segment(settings: CanarySettings, outcome: Outcome) -> str:
    """The trace's root: the walk, with a subsegment for each request, whose callee is the shop."""
    return json.dumps(
        {
            "name": settings.name,
            "id": outcome.id,
            "trace_id": outcome.trace_id,
            "start_time": outcome.started,
            "end_time": outcome.ended,
            "fault": outcome.fault,
            "annotations": {
                "service": settings.name,
                "environment": settings.environment,
                "release": settings.release,
                **({"order_id": outcome.order_id} if outcome.order_id else {}),
            },
            "aws": {"cloudwatch_logs": [{"log_group": settings.log_group}]},
            "subsegments": [_subsegment(settings, outcome, step) for step in outcome.steps],
        },
        separators=(",", ":"),
    )


def _subsegment(settings: CanarySettings, outcome: Outcome, step: Step) -> dict[str, Any]:
    method, _, route = step.operation.partition(" ")
    sent = {"method": method, "url": settings.url + route}
    return {
        "name": settings.service,
        "id": step.id,
        "namespace": "remote",
        "start_time": step.started,
        "end_time": step.ended or outcome.ended,
        "error": 400 <= step.status < 500,
        "fault": step.status >= 500 or not step.status,
        "http": {"request": sent, "response": {"status": step.status}} if step.status else {"request": sent},
    }
