"""By when an alarm must have seen a failure: its detection bound, worked out from the alarm's own definition.

From a clean history and under steady traffic a window needs *window × threshold / e* of an error ratio e before the
ratio over it crosses the threshold (The Site Reliability Workbook, "Alerting on SLOs"). The alarm sees it at its next
evaluation: every 10 s for periods below a minute, else once a minute (CloudWatch User Guide, "Evaluating an alarm").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from kit.definitions.model import AlarmFile, CompositeFile, Definitions, Json, alarm_name, children_of

TICK_S = 60
FAST_TICK_S = 10
FLUSH_S = 5
"""The service writes its metrics of high resolution every five seconds of the wall clock, the others each minute."""

SLI_METRICS = frozenset({"Requests", "Fault", "Error", "Slow"})


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds from the start of a failure: at ``latest`` it is ALARM; ``sum`` shows how that comes about.

    ``told`` is when somebody hears of it at the latest: a suppressed composite waits first.
    """

    latest: float
    told: float
    sum: str

    @property
    def whole(self) -> int:
        """``latest`` in whole seconds, rounded up, but not for the last bit of a float."""
        return ceil(round(self.latest, 6))


@dataclass(frozen=True, slots=True)
class _Part:
    fill: float
    tick: int
    flush: int
    text: str


def bound(definitions: Definitions, name: str, error_ratio: float | None) -> Bound | None:
    """The bound of one alarm; None when it never fires at this error ratio, or needs one and has none.

    ``definitions`` are at the scale that is played. An AND of burn-rate windows, and a count of periods, are known;
    anything else that the set may hold is judged by the slowest of its children.
    """
    alarms: dict[str, AlarmFile | CompositeFile] = {one.name: one for one in definitions.alarms}
    alarms |= {one.name: one for one in definitions.composites}
    parts: list[_Part] = []
    for leaf in _needed(_leaves(alarms, name)):
        part = _part(leaf.request, error_ratio)
        if part is None:
            return None
        parts.append(part)
    if not parts:
        return None
    slowest = max(parts, key=lambda part: part.fill + part.tick)
    # Once the slowest has seen it, an alarm on shorter periods may have to look again.
    again = max((part.tick for part in parts if part is not slowest and part.tick < TICK_S), default=0)
    latest = slowest.fill + slowest.tick + again + slowest.flush
    terms = [slowest.text, f"{slowest.tick} (tick)", *([f"{again} (short tick)"] if again else [])]
    terms.append(f"{slowest.flush} (flush)")
    wait = alarms[name].request.get("ActionsSuppressorWaitPeriod", 0)
    return Bound(latest, latest + wait, f"{' + '.join(terms)} = {latest:.1f}")


def _leaves(alarms: dict[str, AlarmFile | CompositeFile], name: str) -> list[AlarmFile]:
    found = alarms.get(alarm_name(name))
    if found is None:
        return []
    if isinstance(found, AlarmFile):
        return [found]
    return [leaf for child in sorted(children_of(found.request["AlarmRule"])) for leaf in _leaves(alarms, child)]


def _needed(leaves: list[AlarmFile]) -> list[AlarmFile]:
    """Without those that hold before the failure: "there was some" beside "there is too little" of one metric."""
    falls = {_metrics(leaf.request)[1] for leaf in leaves if leaf.request["ComparisonOperator"].startswith("Less")}
    return [
        leaf
        for leaf in leaves
        if leaf.request["ComparisonOperator"].startswith("Less") or _metrics(leaf.request)[1] not in falls
    ]


def _part(request: Json, error_ratio: float | None) -> _Part | None:
    period, metrics = _metrics(request)
    tick = FAST_TICK_S if period < TICK_S else TICK_S
    flush = FLUSH_S if metrics <= SLI_METRICS or period < TICK_S else TICK_S
    if _is_ratio(request):
        threshold = request["Threshold"]
        if error_ratio is None or error_ratio <= threshold:
            return None
        fill = period * threshold / error_ratio
        return _Part(fill, tick, FLUSH_S, f"{period:g} × {threshold:g} / {error_ratio:g}")
    wanted = request.get("DatapointsToAlarm", request["EvaluationPeriods"])
    spans = wanted + 1 + ("DIFF(" in str(request.get("Metrics", "")))
    return _Part(spans * period, tick, flush, f"{spans} × {period:g}")


def _metrics(request: Json) -> tuple[float, frozenset[str]]:
    stats = [one["MetricStat"] for one in request.get("Metrics", ()) if "MetricStat" in one]
    if not stats:
        return request["Period"], frozenset({request["MetricName"]})
    return max(one["Period"] for one in stats), frozenset(one["Metric"]["MetricName"] for one in stats)


def _is_ratio(request: Json) -> bool:
    """A share of failures: an expression that divides, against a threshold below 1."""
    returned = (one.get("Expression", "") for one in request.get("Metrics", ()) if one.get("ReturnData", True))
    return any("/" in expression for expression in returned) and 0 < request["Threshold"] < 1
