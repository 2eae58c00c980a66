"""The periods of an evaluation range, each with what became of it, and the sentence that sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kit.evaluation.alarm import AlarmDefinition, Judgement, Window
from kit.evaluation.reason import COMPARISONS, number

Role = Literal["evaluated", "filled", "not needed"]

_SYMBOLS = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One period, beginning at ``timestamp`` (epoch seconds). ``value`` None means that no datapoint was there.

    ``evaluated`` ones are among the newest N datapoints, ``filled`` ones stand in for those that lack of N, ``not
    needed`` is the rest of the range. ``filled_as`` is what TreatMissingData made of a filled one.
    """

    timestamp: int
    value: float | None
    samples: float | None
    role: Role
    breaching: bool
    filled_as: str | None = None


def slots_of(alarm: AlarmDefinition, window: Window, judged: Judgement) -> tuple[Slot, ...]:
    """The periods of the window, oldest first."""
    real = {point.timestamp for point in judged.real}
    breaching = {point.timestamp for point in judged.breaching}
    samples = window.samples or (None,) * len(window.series.values)
    left = judged.filled
    found: list[Slot] = []
    pairs = list(zip(window.series.timestamps(), window.series.values, samples, strict=True))
    for timestamp, value, counted in reversed(pairs):
        if timestamp in real:
            found.append(Slot(timestamp, value, counted, "evaluated", timestamp in breaching))
        elif value is None and left:
            left -= 1
            as_breaching = alarm.treat_missing_data == "breaching"
            found.append(Slot(timestamp, None, None, "filled", as_breaching, alarm.treat_missing_data))
        else:
            found.append(Slot(timestamp, value, counted, "not needed", False))
    return tuple(reversed(found))


def condition(alarm: AlarmDefinition) -> str:
    """``Sum of Shop/Fault > 5 in 2 of 3 periods of 60 s, missing data: notBreaching``; of math, the expression."""
    periods = f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods} periods of {alarm.period} s"
    symbol = _SYMBOLS[alarm.comparison_operator]
    return f"{_watched(alarm)} {symbol} {alarm.threshold:g} in {periods}, missing data: {alarm.treat_missing_data}"


def _watched(alarm: AlarmDefinition) -> str:
    if alarm.metric is not None:
        return f"{alarm.metric.statistic.text} of {alarm.metric.metric.namespace}/{alarm.metric.metric.name}"
    return next(query.expression or "" for query in alarm.plan.queries if query.id == alarm.watched)


def why(alarm: AlarmDefinition, window: Window, judged: Judgement) -> str:
    """Why the judgement is what it is, in the order of the rules that ``judge`` follows."""
    needed, policy = alarm.datapoints_to_alarm, alarm.treat_missing_data
    breaching, real, filled = len(judged.breaching), len(judged.real), judged.filled
    missing = f", {filled} missing" if filled else ""
    if not real:
        verdict = judged.state or "the state is kept"
        return f"no datapoint in the last {len(window.series.values)} periods; TreatMissingData {policy}: {verdict}"
    seen = f"{breaching} of {real} evaluated {'datapoint is' if real == 1 else 'datapoints are'} "
    seen += f"{COMPARISONS[alarm.comparison_operator]} {number(alarm.threshold)}{missing}"
    if judged.state is None:
        return f"{seen}; {_kept(alarm, judged)}: the state is kept"
    if policy == "breaching" and filled:
        seen += " and counted as breaching"
    counted = breaching + (filled if policy == "breaching" else 0)
    if judged.state == "ALARM" and counted < needed:
        age = (window.series.end - judged.breaching[-1].timestamp) // window.series.period
        return f"{seen}; nothing but breaching ones, the oldest {age} periods old, {needed} are enough: ALARM"
    return f"{seen}; {needed} needed: {judged.state}"


def _kept(alarm: AlarmDefinition, judged: Judgement) -> str:
    counted = sum(point.samples or 0.0 for point in judged.real)
    if alarm.samples_needed is not None and counted < alarm.samples_needed:
        return f"{counted:g} samples are too few for this percentile, which takes {alarm.samples_needed:g}"
    if alarm.treat_missing_data == "ignore":
        return "TreatMissingData is ignore"
    return f"none of them {alarm.datapoints_to_alarm} periods old yet, so it is too early to tell"
