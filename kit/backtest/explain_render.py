"""An explanation as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kit.backtest.explanation import Evaluation, Explained
from kit.backtest.slots import Slot

STYLES = {"ALARM": "bold red", "OK": "green", "INSUFFICIENT_DATA": "dim"}


def parts(explained: Explained, depth: int = 0) -> Iterator[RenderableType]:
    """The alarm, its window or its rule, why, and below it its children."""
    indent = 4 * depth
    yield _at(indent, _headline(explained))
    if explained.evaluation is not None:
        evaluation = explained.evaluation
        yield _at(indent + 2, Text(evaluation.condition))
        yield _at(indent + 2, Text(f"evaluated at {_moment(evaluation.end)} over {_range(evaluation)}"))
        yield _at(indent + 2, _table(evaluation))
    if explained.rule is not None:
        yield _at(indent + 2, Text(explained.rule))
    yield _at(indent + 2, Text(f"why: {explained.why}"))
    if explained.reported is not None and explained.reported.reason:
        yield _at(indent + 2, Text(f"CloudWatch says: {explained.reported.reason}"))
    for note in explained.notes:
        yield _at(indent + 2, Text(f"note: {note}"))
    if explained.differs:
        yield _at(indent + 2, Text(difference(explained), "bold yellow"))
    for child in explained.children:
        yield Text()
        yield from parts(child, depth + 1)


def difference(explained: Explained) -> str:
    """One line for an alarm whose reported state isn't the one found here; "" for any other."""
    if not explained.differs or explained.reported is None:
        return ""
    causes = "data that came late, a state set by hand, or a changed definition can be the cause"
    return (
        f"differs: CloudWatch reports {explained.reported.value}, evaluated again it is {explained.evaluated}; {causes}"
    )


def as_json(explained: Explained) -> dict[str, Any]:
    """The whole tree; moments are RFC 3339."""
    reported, evaluation = explained.reported, explained.evaluation
    document: dict[str, Any] = {
        "alarm": explained.name,
        "reported": {
            "state": reported.value,
            "reason": reported.reason,
            "since": _rfc(reported.since) if reported.since is not None else None,
        }
        if reported is not None
        else None,
        "evaluated": explained.evaluated,
        "differs": explained.differs,
        "why": explained.why,
        "notes": list(explained.notes),
    }
    if evaluation is not None:
        document["evaluation"] = {
            "condition": evaluation.condition,
            "at": _rfc(evaluation.end),
            "period_s": evaluation.period,
            "datapoints": [
                {
                    **asdict(slot),
                    "timestamp": _rfc(slot.timestamp),
                    "queries": {name: values[index] for name, values in evaluation.columns.items()},
                }
                for index, slot in enumerate(evaluation.slots)
            ],
        }
    if explained.rule is not None:
        document |= {"rule": explained.rule, "children": [as_json(child) for child in explained.children]}
    return document


def _at(indent: int, part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, indent), expand=False)


def _headline(explained: Explained) -> Text:
    line = Text(explained.name, "bold")
    if explained.reported is not None:
        reported = explained.reported
        line.append(f"  {reported.value}", STYLES.get(reported.value, ""))
        if reported.since is not None:
            line.append(f"  since {_moment(reported.since)}", "not bold")
    return line


def _table(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    counted = any(slot.samples is not None for slot in evaluation.slots)
    for title in ("period from", *evaluation.columns, *(["samples"] if counted else []), "what became of it"):
        table.add_column(Text(title), overflow="fold")
    for index, slot in enumerate(evaluation.slots):
        values = [_value(column[index]) for column in evaluation.columns.values()]
        samples = [_value(slot.samples)] if counted else []
        style = "bold" if slot.breaching else "" if slot.role != "not needed" else "dim"
        table.add_row(*map(Text, (_moment(slot.timestamp), *values, *samples, _role(slot))), style=style)
    return table


def _role(slot: Slot) -> str:
    if slot.role == "filled":
        return f"missing, TreatMissingData {slot.filled_as}"
    if slot.role == "evaluated":
        return "evaluated, breaching" if slot.breaching else "evaluated, not breaching"
    return "missing" if slot.value is None else "not needed"


def _range(evaluation: Evaluation) -> str:
    count = len(evaluation.slots)
    return f"the {count} periods of {evaluation.period} s before"


def _value(value: float | None) -> str:
    return "_" if value is None else f"{value:g}"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rfc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
