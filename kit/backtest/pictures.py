"""A failure, made visible: what arrived, what the alarm had in its window, and what it made of that.

A picture is plain data; ``render`` draws it and ``--json`` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.backtest.claims import Failure
from kit.backtest.slots import Slot, condition, slots_of, why
from kit.backtest.timeline import Timeline
from kit.definitions.cases import duration
from kit.definitions.cases_notation import write_values
from kit.definitions.model import alarm_name
from kit.evaluation.alarm import judge, window
from kit.evaluation.request import MetricRef

AROUND = 2
"""So many evaluations are shown before the moment in question, and after it."""
MOST_LEAVES = 6
"""Below a composite at most so many metric alarms are shown, those that changed last before the moment first."""
MOST_INTERVALS = 24


@dataclass(frozen=True, slots=True)
class Row:
    """One evaluation. ``cells`` are what arrived since the one before, or the states of the children."""

    time: str
    cells: tuple[str, ...]
    window: str
    filled: str
    breaching: str
    verdict: str
    here: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One alarm around one moment. A composite has children in its columns, and no window."""

    alarm: str
    condition: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    why: str


def pictures_of(failure: Failure, timeline: Timeline) -> list[Picture]:
    """The alarm of the failure, and below a composite the metric alarms that decide it."""
    name = failure.expected.alarm
    if name in timeline.alarms.metric:
        return [_metric(name, failure.moment, timeline)]
    leaves = [_metric(leaf, failure.moment, timeline) for leaf in _leaves(name, failure.moment, timeline)]
    return [_composite(name, failure.moment, timeline), *leaves]


def _leaves(name: str, moment: int, timeline: Timeline) -> list[str]:
    def changed(leaf: str) -> int:
        return max(change.moment for change in timeline.tracks[leaf].changes if change.moment <= moment)

    return sorted(sorted(timeline.alarms.leaves(name), key=changed, reverse=True)[:MOST_LEAVES])


def _metric(name: str, moment: int, timeline: Timeline) -> Picture:
    alarm, case, source = timeline.alarms.metric[name], timeline.case, timeline.source
    stats = [query.metric_stat for query in alarm.plan.queries if query.metric_stat is not None]
    metrics = list(dict.fromkeys(stat.metric for stat in stats))
    rows, reason = [], "never evaluated"
    for tick, here in _ticks(moment, alarm.cadence_s, case.lasts):
        seen = window(alarm, source, case.starts + tick)
        judged = judge(alarm, seen)
        slots = slots_of(alarm, seen, judged)
        if here:
            reason = why(alarm, seen, judged)
        rows.append(
            Row(
                time=duration(tick),
                cells=tuple(_arrived(timeline, metric, tick - alarm.cadence_s, tick) for metric in metrics),
                window=" ".join(map(_cell, slots)),
                filled=str(judged.filled) if judged.filled else "",
                breaching=f"{len(judged.breaching)} of {len(judged.real)}",
                verdict=_verdict(name, tick, timeline, judged.state is None),
                here=here,
            )
        )
    columns = tuple(f"{metric.namespace}/{metric.name}" for metric in metrics)
    return Picture(name, condition(alarm), columns, tuple(rows), reason)


def _composite(name: str, moment: int, timeline: Timeline) -> Picture:
    rule = timeline.alarms.composite[name]
    children = sorted({alarm_name(child) for child in rule.children})
    below = timeline.alarms.below(name)
    shown = [*children, *(child for child in below if child not in children)]
    rows = [
        Row(
            time=duration(tick),
            cells=tuple(timeline.tracks[child].at(tick) for child in shown),
            window="",
            filled="",
            breaching="",
            verdict=_verdict(name, tick, timeline, False),
            here=here,
        )
        for tick, here in _ticks(moment, timeline.alarms.cadence(name), timeline.case.lasts)
    ]
    reasons = [change.reason for change in timeline.tracks[name].changes if change.moment <= moment]
    return Picture(name, rule.text, tuple(shown), tuple(rows), reasons[-1])


def _ticks(moment: int, cadence: int, lasts: int) -> list[tuple[int, bool]]:
    """The evaluations around the moment, and which of them it is about: the last one not after it."""
    centre = max(moment // cadence, 1)
    ticks = range(max(centre - AROUND, 1), min(centre + AROUND, lasts // cadence) + 1)
    return [(tick * cadence, tick == centre) for tick in ticks]


def _arrived(timeline: Timeline, metric: MetricRef, after: int, until: int) -> str:
    starts = timeline.case.starts
    found = timeline.source.given(metric, starts + after, starts + until)
    if found is None:
        return ""
    series, first, last = found
    if series.stat is not None:
        return write_values(series.values[first : min(last, first + MOST_INTERVALS)])
    return " ".join(f"[{' '.join(f'{v:g}' for v in samples)}]" for samples in series.samples[first:last])[:60]


def _cell(slot: Slot) -> str:
    """``7!`` breaching, ``(7)`` not needed, ``_`` missing, ``_→breaching`` filled."""
    text = "_" if slot.value is None else f"{slot.value:g}"
    if slot.role == "filled":
        return f"_→{slot.filled_as}"
    if slot.role == "not needed":
        return f"({text})"
    return f"{text}!" if slot.breaching else text


def _verdict(name: str, tick: int, timeline: Timeline, kept: bool) -> str:
    track = timeline.tracks[name]
    before, after = track.before(tick), track.at(tick)
    if before != after:
        return f"{before} → {after}"
    return f"{after} (kept)" if kept else after
