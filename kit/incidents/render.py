"""Incidents as JSON for other programs, and their times for reading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kit.incidents.model import Incident


def utc(moment: float) -> str:
    """``2026-11-22 10:05:00``, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def rfc3339(moment: float) -> str:
    """``2026-11-22T10:05:00.000Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(incident: Incident) -> dict[str, Any]:
    """Times in RFC 3339, lengths in seconds."""

    def moment(at: float | None) -> str | None:
        return None if at is None else rfc3339(at)

    return {
        "id": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "title": incident.title,
        "about": incident.about,
        "opened": moment(incident.opened),
        "acknowledged": moment(incident.acknowledged),
        "acknowledged_by": incident.acknowledged_by,
        "time_to_acknowledge_s": incident.time_to_acknowledge_s,
        "resolved": moment(incident.resolved),
        "resolved_by": incident.resolved_by,
        "pages": incident.pages,
        "reopened": incident.reopened,
        "alarms": dict(incident.alarms),
        "timeline": [
            {"t": rfc3339(entry.at), "kind": entry.kind, "actor": entry.actor, "text": entry.text}
            for entry in incident.timeline
        ],
    }
