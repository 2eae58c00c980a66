"""Which charts a write-up has, and which marks stand on them. Pure."""

from __future__ import annotations

from kit.gameday.postmortem.facts import Facts, Promise
from kit.gameday.postmortem.model import Missing
from kit.gameday.postmortem.pictures import Chart, Curve, Marked, numbered

MOST_MOVERS = 3
UNITS = {"Latency": "Milliseconds", "DependencyLatency": "Milliseconds", "ProcessMemory": "Bytes"}


def charts(facts: Facts) -> list[Chart]:
    """What customers felt, how many there were, and the series that moved first."""
    found: list[Chart] = []
    if not isinstance(facts.promises, Missing):
        promises = facts.promises
        shares = tuple(Curve(each.objective.title, each.period, _share(each)) for each in promises)
        widest = 100 * max(each.objective.budget for each in promises)
        found.append(Chart("hurt", "Share that was bad", "Percent", shares, (widest, f"budget {widest:.3g} %")))
        first = promises[0]
        rate = {at: value / first.period for at, value in first.total.points.items()}
        curve = Curve(first.objective.events, first.period, rate)
        found.append(Chart("traffic", f"Traffic: {first.objective.events} a second", "Count", (curve,)))
    if not isinstance(facts.movers, Missing):
        for number, moved in enumerate(facts.movers[:MOST_MOVERS]):
            series = moved.series
            curve = Curve(f"{series.metric.stat} of {series.metric}", series.period, series.points)
            title = f"{'Moved first' if number == 0 else 'Moved too'}: {series.metric}"
            found.append(Chart(f"moved-{number + 1}", title, UNITS.get(series.metric.name, "Count"), (curve,)))
    return found


def marks(facts: Facts) -> list[Marked]:
    """Faults, the detection, who took it, and the ends."""
    moments = facts.moments
    found = [(entry.at, entry.text) for entry in facts.timeline if entry.source == "fault"]
    named = (
        (moments.detected, "detected: the first alarm that told somebody"),
        (moments.acknowledged, "acknowledged"),
        (moments.mitigated, "mitigated: no objective is hurt any more"),
        (moments.restored, "restored: the alarms are OK again"),
    )
    found += [(at, words) for at, words in named if not isinstance(at, Missing)]
    return numbered(found, facts.window)


def _share(promise: Promise) -> dict[int, float]:
    """In percent, of the periods in which anything happened."""
    bad, total = promise.bad.points, promise.total.points
    good = promise.objective.counts_good
    counted = {at: (total[at] - bad.get(at, 0.0) if good else bad.get(at, 0.0)) for at in total}
    return {at: 100 * max(0.0, counted[at]) / total[at] for at in total if total[at] > 0}
