"""One timeline from all that was written down: the journal, the load, the alarms, pages and people. Pure.

Nothing is told twice: what alarms did comes from their history where there is one, what pages and people did from the
inbox, and a fault that both the journal and the load generator noted is one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.gameday.journal import Line
from kit.gameday.postmortem.model import Change, Entry, Missing
from kit.gameday.postmortem.sentences import sentence
from kit.incidents.model import Incident

SAME_S = 5.0
_FROM_ELSEWHERE = ("alarm.changed", "page.sent", "page.acked")
_SETTLING = ("INSUFFICIENT_DATA", "OK")
"""What every new alarm does."""
_LONGEST = 300


def merged(
    journal: Sequence[Line],
    load: Sequence[Line],
    changes: Sequence[Change] | Missing,
    incidents: Iterable[Incident],
    *,
    hide_faults: bool = False,
) -> list[Entry]:
    """All entries, oldest first. Alarms that tell nobody are told only where none told anybody.

    ``hide_faults``: a blind round that still goes on must not be given away.
    """
    lines = [line for line in journal if line.kind not in _FROM_ELSEWHERE]
    lines += [line for line in load if not _told(line, lines)]
    if isinstance(changes, Missing):
        alarms = [_change_of(line) for line in journal if line.kind == "alarm.changed"]
    else:
        telling = any(change.severity and change.after == "ALARM" for change in changes)
        news = [change for change in changes if (change.before, change.after) != _SETTLING]
        alarms = [_change(change) for change in news if change.severity or not telling]
    entries = [_entry(line) for line in lines if not (hide_faults and _is_secret(line))]
    entries += alarms
    entries += [entry for incident in incidents for entry in _of(incident)]
    return sorted(entries, key=lambda entry: entry.at)


def _told(line: Line, lines: Iterable[Line]) -> bool:
    """Whether the journal has what the load generator noted."""
    kinds = {"load.stage": ("load.started", "load.changed"), "end": ("load.changed", "run.ended")}
    wanted = kinds.get(line.kind, (line.kind,))
    return any(
        other.kind in wanted and abs(other.t - line.t) <= SAME_S and other.data.get("fault") == line.data.get("fault")
        for other in lines
    )


def _is_secret(line: Line) -> bool:
    return line.kind.startswith("fault.") or line.kind in ("load.stage", "load.changed", "rollback")


def _entry(line: Line) -> Entry:
    source = "fault" if line.kind.startswith("fault.") else "load" if line.kind.startswith(("load.", "end")) else "run"
    words = str(line.data["text"]) if line.kind == "note" and "text" in line.data else sentence(line.kind, line.data)
    return Entry(line.t, "people" if line.kind == "note" else source, words[:_LONGEST], line.actor)


def _change(change: Change) -> Entry:
    told = f" ({change.severity})" if change.severity and change.after == "ALARM" else ""
    return Entry(change.at, "alarm", f"{change.alarm}: {change.before} → {change.after}{told}", "CloudWatch")


def _change_of(line: Line) -> Entry:
    data = line.data
    return Entry(line.t, "alarm", f"{data.get('alarm')}: {data.get('from', '?')} → {data.get('to')}", "CloudWatch")


def _of(incident: Incident) -> Iterable[Entry]:
    name = f"Incident {incident.id}"
    for entry in incident.timeline:
        match entry.kind:
            case "page" | "ticket":
                yield Entry(entry.at, "page", f"{name}: a {entry.kind} came in for {entry.actor}", "kit")
            case "ack":
                words = f"{name} acknowledged" + (f": {entry.text}" if entry.text else "")
                yield Entry(entry.at, "people", words[:_LONGEST], entry.actor)
            case "note":
                yield Entry(entry.at, "people", entry.text[:_LONGEST], entry.actor)
            case "resolve":
                words = f"{name} resolved" + (f": {entry.text}" if entry.text else "")
                yield Entry(entry.at, "people", words[:_LONGEST], entry.actor)
            case "opened again":
                yield Entry(entry.at, "page", f"{name} opened again: {entry.text}", "kit")
