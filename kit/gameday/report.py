"""What a run came to: as words for a terminal, as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from kit.definitions.gamedays import Scenario
from kit.gameday.course import Course, Row, Verdict
from kit.gameday.journal import Line, stamp


def document(run: str, scenario: Scenario, course: Course, verdict: Verdict, lines: Sequence[Line]) -> dict[str, Any]:
    """The report of a run as JSON. Seconds count from the first step of the schedule."""
    ended = course.ended
    rolled = next((line for line in reversed(lines) if line.kind == "rollback"), None)
    return {
        "run": run,
        "scenario": scenario.name,
        "outcome": outcome(course, verdict),
        "started": stamp(lines[0].t) if lines else None,
        "trouble": stamp(course.trouble.t) if course.trouble else None,
        "ended": stamp(ended.t) if ended else None,
        "error": ended.data.get("error") if ended else None,
        "detected_after_s": _rounded(verdict.detected),
        "pages": verdict.pages,
        "rows": [
            {
                "alarm": row.alarm,
                "expected": row.expected,
                "bound_s": row.bound,
                "fired_after_s": _rounded(row.fired),
                "told_after_s": _rounded(row.told),
                "good": row.good,
                "found": row.found,
            }
            for row in verdict.rows
        ],
        "rollback": dict(rolled.data) if rolled else None,
    }


def outcome(course: Course, verdict: Verdict) -> str:
    """The verdict's word; going on, killed, failed or stopped where there is none."""
    if course.ended is None:
        return "without an end"
    return str(course.ended.data.get("outcome", verdict.outcome))


def table(verdict: Verdict) -> Table:
    """The expectations and what came of them."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("", "alarm", "expected", "found", "told after"):
        made.add_column(title, overflow="fold")
    for row in verdict.rows:
        sign = Text("ok", "green") if row.good else Text("no", "bold red")
        made.add_row(sign, Text(row.alarm), row.expected, row.found, _told(row))
    return made


def sentence(scenario: Scenario, course: Course, verdict: Verdict) -> str:
    """The verdict in a line."""
    match outcome(course, verdict):
        case "expected":
            detected = "" if verdict.detected is None else f" Detected after {verdict.detected:.0f} s."
            return f"{scenario.name}: as expected.{detected}"
        case "differs":
            wrong = sum(not row.good for row in verdict.rows)
            return f"{scenario.name}: {wrong} of {len(verdict.rows)} expectations did not hold."
        case other:
            error = course.ended.data.get("error", "") if course.ended else ""
            return f"{scenario.name}: {other}, so there is no verdict. {error}".rstrip()


def telling(line: Line, *, blind: bool) -> str | None:
    """A line of the journal in words; None for one that players of a blind round don't see, or nobody needs."""
    data = line.data
    text: str | None = None
    match line.kind:
        case "load.started":
            text = f"the load begins: {data.get('users', '?')} customers"
        case "load.changed" if not blind:
            text = f"load: {_pairs(data)}"
        case "fault.set" if not blind:
            text = f"{data['fault']} is set in {data.get('service', '?')} {_dials(data)}".rstrip()
        case "fault.lifted" if not blind:
            text = f"{data['fault']} is lifted in {data.get('service', '?')} ({data.get('by', '?')})"
        case "alarm.changed":
            text = f"{data['alarm']}: {data['from']} → {data['to']}"
        case "page.sent":
            text = f"{data['topic']}: {data['alarm']}"
        case "note":
            text = str(data.get("text", ""))
        case "rollback":
            text = rolled_back(data)
    return text


def rolled_back(data: Any) -> str:
    """What `rollback.take_back` answered, in words."""
    parts = [f"every fault is lifted in {' and '.join(data['lifted'])}" if data["lifted"] else "no control answered"]
    parts += [f"still set: {', '.join(data['left'])}"] if data["left"] else []
    parts += data["unreachable"]
    if data["paused"]:
        parts.append(f"the steady load {'goes on' if data['resumed'] else 'did not come back'}")
    return "; ".join(parts)


def _dials(data: Any) -> str:
    found = [f"{data[key]:g} {unit}" for key, unit in (("percent", "%"), ("ms", "ms")) if data.get(key) is not None]
    return f"({', '.join(found)})" if found else ""


def _pairs(data: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in data.items() if value not in (None, []))


def _told(row: Row) -> str:
    return "" if row.told is None else f"{row.told:.0f} s"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
