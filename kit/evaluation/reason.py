"""StateReason and StateReasonData in CloudWatch's own wording.

Composed after the samples in the User Guide, "Alarm events and EventBridge", and published notifications.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

LISTED = 5
"""From this many crossing datapoints on, only the newest are listed, in a sentence of their own."""
# StateReasonData has at most 4000 characters.
MAX_RECENT = 30
MAX_EVALUATED = 25

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A slot of the evaluation range: its beginning (epoch seconds), its value and, where known, its sample count."""

    timestamp: int
    value: float | None
    samples: float | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a reason tells: ``points`` (newest first) support ``state``, ``real`` were received, ``filled`` were not.

    ``policy`` is set when TreatMissingData counted the filled ones. ``minimum`` is set for an M-out-of-N alarm.
    """

    state: Literal["OK", "ALARM"]
    points: Sequence[Point]
    real: int
    filled: int
    periods: int
    comparison: str
    threshold: float
    policy: Literal["Breaching", "NonBreaching"] | None
    minimum: int | None


def insufficient(periods: int) -> str:
    return f"Insufficient Data: {_counted(periods, 'datapoint', 'was', 'were')} unknown."


def crossed(told: Crossing) -> str:
    """``Threshold Crossed: …``, whichever way it was crossed."""
    missing = ""
    if told.policy is not None and told.filled:
        missing = f" and {_counted(told.filled, 'missing datapoint', 'was', 'were')} treated as [{told.policy}]"
    if not told.points:
        received = _counted(told.real, "datapoint", "was", "were")
        periods = "1 period" if told.periods == 1 else f"{told.periods} periods"
        return f"Threshold Crossed: {received} received for {periods}{missing}."
    count = len(told.points)
    minimum = ""
    if told.minimum is None:
        which = "1 datapoint" if count == 1 else f"{count} datapoints"
    else:
        which = f"{count} out of the last {told.periods} datapoints"
        change = "OK -> ALARM" if told.state == "ALARM" else "ALARM -> OK"
        minimum = f" (minimum {_plural(told.minimum, 'datapoint')} for {change} transition)"
    negation = "" if told.state == "ALARM" else "not "
    verb = f"{'was' if count == 1 else 'were'} {negation}{told.comparison} the threshold ({number(told.threshold)})"
    shown = ", ".join(f"{number(point.value or 0.0)} ({_short(point.timestamp)})" for point in told.points[:LISTED])
    if count < LISTED:
        return f"Threshold Crossed: {which} [{shown}] {verb}{missing}{minimum}."
    newest = f"The most recent datapoints which crossed the threshold: [{shown}]"
    return f"Threshold Crossed: {which} {verb}{missing}. {newest}{minimum}."


def metric_data(
    now: float,
    points: Sequence[Point],
    *,
    period: int,
    threshold: float,
    statistic: str | None,
    unit: str | None,
) -> dict[str, Any]:
    """StateReasonData of a metric alarm; ``points`` are the evaluated slots, newest first, missing ones included."""
    real = [point for point in points if point.value is not None]
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso(now)}
    if real:
        data["startDate"] = iso(real[-1].timestamp)
    if unit is not None:
        data["unit"] = unit
    if statistic is not None:
        data["statistic"] = statistic
    data["period"] = period
    data["recentDatapoints"] = [point.value for point in reversed(real[:MAX_RECENT])]
    data["threshold"] = threshold
    data["evaluatedDatapoints"] = [_evaluated(point) for point in points[:MAX_EVALUATED]]
    return data


def _evaluated(point: Point) -> dict[str, Any]:
    shown: dict[str, Any] = {"timestamp": iso(point.timestamp)}
    if point.value is not None:
        if point.samples is not None:
            shown["sampleCount"] = point.samples
        shown["value"] = point.value
    return shown


def iso(moment: float) -> str:
    """``2026-11-22T10:05:00.000+0000``, as CloudWatch writes epoch seconds in JSON."""
    at = datetime.fromtimestamp(round(moment, 3), UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def long_date(moment: float) -> str:
    """``Friday 22 July, 2022 15:57:45 UTC``; in English whatever the locale."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{_DAYS[at.weekday()]} {at.day:02d} {_MONTHS[at.month - 1]}, {at:%Y %H:%M:%S} UTC"


def _short(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%d/%m/%y %H:%M:%S}"


def number(value: float) -> str:
    """The value as CloudWatch prints it (Java's rule): from 10 million on, and below 0.001, in the form 1.5E7."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value))
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{len(digits) - 1 + int(exponent)}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _counted(count: int, noun: str, one: str, many: str) -> str:
    if count == 0:
        return f"no {noun}s {many}"
    return f"{_plural(count, noun)} {one if count == 1 else many}"
