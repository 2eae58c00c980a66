"""The answers of GetMetricData as lines to draw: coloured, with gaps where data is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kit.charts.queries import Plan
from kit.charts.rows import Axis
from kit.charts.theme import Theme
from kit.charts.timerange import TimeRange

SETTLING_S = 2.0
"""A period that just ended still receives its last data for about this long."""

GAP = 1.5
"""Points further apart than this many periods are not joined."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One result of GetMetricData, oldest point first. ``times`` are epoch seconds at the start of each period."""

    id: str
    label: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """What is drawn: ``times`` in epoch milliseconds, and values, None where the line breaks.

    ``key`` stays the same from one refresh to the next; ``unit`` is CloudWatch's name for it, or None.
    """

    key: str
    label: str
    color: str
    axis: Axis
    period: int
    times: tuple[int, ...]
    values: tuple[float | None, ...]
    unit: str | None = None

    @property
    def points(self) -> int:
        """How many real points there are."""
        return sum(value is not None for value in self.values)

    @property
    def latest(self) -> float | None:
        """The newest real value."""
        return next((value for value in reversed(self.values) if value is not None), None)


def lines_of(plans: Iterable[Plan], answers: Sequence[Answer], theme: Theme, *, live_data: bool) -> tuple[Line, ...]:
    """Lines in the order of the widget's rows.

    A period that still runs is left out, as its Sum would look like a fall; ``live_data`` (the widget property
    ``liveData``) keeps it, and so does a line that has fewer than two whole periods yet.
    """
    by_id: dict[str, list[Answer]] = {}
    for answer in answers:
        by_id.setdefault(answer.id, []).append(answer)
    lines: list[Line] = []
    plain = 0
    for plan in plans:
        for id_, row in plan.rows.items():
            found = by_id.get(id_, ()) if row.visible else ()
            for number, answer in enumerate(found):
                if row.color and number == 0:
                    color = theme.own(row.color)
                else:
                    color, plain = theme.series[plain % len(theme.series)], plain + 1
                period = plan.periods[id_]
                times, values = _kept(
                    answer, plan.shown, period, whole=plan.whole_range is not None, live_data=live_data
                )
                name = answer.label or row.label or (row.cells[1] if row.cells else row.expression) or id_
                lines.append(Line(f"{id_}.{number}", name, color, row.axis, period, times, values))
    return tuple(lines)


def stacked(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines on one common row of times, with 0 where one of them has no point, as a stack needs it."""
    every = sorted({time for line in lines for time in line.times})
    full: list[Line] = []
    for line in lines:
        at = dict(zip(line.times, line.values, strict=True))
        full.append(replace(line, times=tuple(every), values=tuple(at.get(time) or 0.0 for time in every)))
    return tuple(full)


def with_units(lines: Iterable[Line], units: Mapping[str, str | None]) -> tuple[Line, ...]:
    """Lines with the units that are known for their keys."""
    return tuple(replace(line, unit=units.get(line.key)) for line in lines)


def _kept(
    answer: Answer, shown: TimeRange, period: int, *, whole: bool, live_data: bool
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    points = [
        (time, value)
        for time, value in zip(answer.times, answer.values, strict=True)
        if math.isfinite(value) and (whole or time + period > shown.start)
    ]
    if not whole and not live_data:
        complete = [point for point in points if point[0] + period <= shown.end - SETTLING_S or not shown.live]
        points = complete if len(complete) > 1 else points
    return _with_gaps(points, period)


def _with_gaps(points: Sequence[tuple[float, float]], period: int) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    times: list[int] = []
    values: list[float | None] = []
    before: float | None = None
    for time, value in points:
        if before is not None and time - before > GAP * period:
            times.append(round((before + time) * 500))
            values.append(None)
        times.append(round(time * 1000))
        values.append(value)
        before = time
    return tuple(times), tuple(values)
