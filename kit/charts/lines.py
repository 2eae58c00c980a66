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

    ``key`` stays the same from one refresh to the next; ``unit`` is CloudWatch's name for it, or None. ``base`` is
    what a stacked line stands on. ``running`` says that the last point's period has not ended, so it may still grow.
    """

    key: str
    label: str
    color: str
    axis: Axis
    period: int
    times: tuple[int, ...]
    values: tuple[float | None, ...]
    unit: str | None = None
    base: tuple[float, ...] = ()
    running: bool = False

    @property
    def points(self) -> int:
        """How many real points there are."""
        return sum(value is not None for value in self.values)

    @property
    def latest(self) -> float | None:
        """The newest real value of a period that has ended; without one, that of the period that runs."""
        whole = self.values[:-1] if self.running else self.values
        newest = next((value for value in reversed(whole) if value is not None), None)
        return self.values[-1] if newest is None and self.running else newest


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
                whole = plan.whole_range is not None
                points, running = _kept(answer, plan.shown, period, whole=whole, live_data=live_data)
                times, values = _with_gaps(points, period)
                name = answer.label or row.label or (row.cells[1] if row.cells else row.expression) or id_
                lines.append(Line(f"{id_}.{number}", name, color, row.axis, period, times, values, running=running))
    return tuple(lines)


def stacked(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines that stand on each other: on one common row of times, with 0 where one of them has no point."""
    points = [{t: v for t, v in zip(line.times, line.values, strict=True) if v is not None} for line in lines]
    times = tuple(sorted({time for each in points for time in each}))
    running = any(line.running for line in lines)
    bases: dict[Axis, tuple[float, ...]] = {"left": (0.0,) * len(times), "right": (0.0,) * len(times)}
    piled: list[Line] = []
    for line, at in zip(lines, points, strict=True):
        values = tuple(at.get(time, 0.0) for time in times)
        base = bases[line.axis]
        piled.append(replace(line, times=times, values=values, base=base, running=running))
        bases[line.axis] = tuple(below + value for below, value in zip(base, values, strict=True))
    return tuple(piled)


def with_units(lines: Iterable[Line], units: Mapping[str, str | None]) -> tuple[Line, ...]:
    """Lines with the units that are known for their keys."""
    return tuple(replace(line, unit=units.get(line.key)) for line in lines)


def _kept(
    answer: Answer, shown: TimeRange, period: int, *, whole: bool, live_data: bool
) -> tuple[list[tuple[float, float]], bool]:
    """The points to draw, and whether the last one's period still runs."""
    points = [
        (time, value)
        for time, value in zip(answer.times, answer.values, strict=True)
        if math.isfinite(value) and (whole or time + period > shown.start)
    ]
    if whole or not shown.live:
        return points, False
    ended = [point for point in points if point[0] + period <= shown.end - SETTLING_S]
    kept = points if live_data or len(ended) < 2 else ended
    return kept, len(kept) > len(ended)


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
