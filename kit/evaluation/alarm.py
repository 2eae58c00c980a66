"""From datapoints to an alarm's state (User Guide, "Using Amazon CloudWatch alarms": "Evaluating an alarm").

``window`` fetches the evaluation range, ``evaluate`` judges it. Time and data are parameters.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kit.evaluation import reason
from kit.evaluation.alarm_definition import AlarmDefinition, AlarmError
from kit.evaluation.reason import Point
from kit.evaluation.request import MetricSource
from kit.evaluation.series import Series
from kit.evaluation.state import AlarmState, StateValue, Verdict
from kit.evaluation.statistics import parse_statistic

__all__ = [
    "AlarmDefinition",
    "AlarmError",
    "AlarmState",
    "Judgement",
    "Verdict",
    "Window",
    "evaluate",
    "explain",
    "judge",
    "next_due",
    "window",
]

EXTRA_PERIODS = 2
"""How many periods beyond EvaluationPeriods are fetched. AWS gives one example (N 3, range 5) and no rule."""

_SAMPLE_COUNT = parse_statistic("SampleCount")
BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_POLICIES: dict[str, Literal["Breaching", "NonBreaching"]] = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


@dataclass(frozen=True, slots=True)
class Window:
    """The evaluation range: the watched series and, for a single metric, the samples behind each of its points."""

    series: Series
    samples: tuple[float | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the points of a window amount to, before the previous state is considered.

    ``state`` None means: keep the previous one. ``real`` are the evaluated datapoints and ``breaching`` those of them
    beyond the threshold, newest first; ``filled`` counts the missing ones among the evaluation periods.
    """

    state: StateValue | None
    real: tuple[Point, ...]
    breaching: tuple[Point, ...]
    filled: int


def window(definition: AlarmDefinition, source: MetricSource, now: int, extra: int = EXTRA_PERIODS) -> Window:
    """The last N + ``extra`` periods before ``now`` (epoch seconds).

    The window slides: its grid ends at ``now``, wherever the marks of the clock are. The caller chooses ``now``, a
    whole multiple of the cadence.
    """
    start = now - (definition.evaluation_periods + extra) * definition.period
    if definition.metric is None:
        return Window(definition.plan.run(source, start, now, only=definition.watched)[0].series)
    series = source.series(definition.metric, start, now)
    counted = replace(definition.metric, statistic=_SAMPLE_COUNT)
    return Window(series, source.series(counted, start, now).values)


def evaluate(definition: AlarmDefinition, window: Window, previous: AlarmState, now: float) -> Verdict:
    """The alarm's state after looking at ``window`` at ``now`` (epoch seconds).

    While the state stands, so do its reason and data, as in CloudWatch; an alarm without any gets its first.
    """
    due = next_due(definition, now)
    judged = judge(definition, window)
    if judged.state is None or (judged.state == previous.value and previous.data):
        return Verdict(previous.value, previous.reason, previous.data, due)
    text, data = explain(definition, window, judged, judged.state, now)
    return Verdict(judged.state, text, data, due)


def next_due(definition: AlarmDefinition, now: float) -> int:
    """The next whole multiple of the cadence after ``now``, in epoch seconds."""
    cadence = definition.cadence_s
    return (int(now // cadence) + 1) * cadence


def judge(definition: AlarmDefinition, window: Window) -> Judgement:
    """The state that the points call for.

    1. The newest N real points of the range are evaluated; only what they lack of N is missing.
    2. With EvaluateLowSampleCountPercentile=ignore, too few samples behind them keep the state.
    3. Without any real point, TreatMissingData alone decides.
    4. ``breaching`` and ``notBreaching`` count the missing ones that way, M of N decides.
    5. ``missing`` and ``ignore`` see real points only: M breaching ones alarm, any other one is OK.
    6. What is left are fewer than M points, all breaching, beside missing ones: see ``_premature``.
    """
    breaches = BREACHES[definition.comparison_operator]
    real = _newest_real(window, definition.evaluation_periods)
    breaching = tuple(point for point in real if breaches(point.value or 0.0, definition.threshold))
    filled = definition.evaluation_periods - len(real)
    state = _decide(definition, window, real, breaching)
    return Judgement(state, real, breaching, filled)


def _newest_real(window: Window, wanted: int) -> tuple[Point, ...]:
    values, samples = window.series.values, window.samples
    found: list[Point] = []
    for index in range(len(values) - 1, -1, -1):
        value = values[index]
        if value is not None:
            timestamp = window.series.start + index * window.series.period
            found.append(Point(timestamp, value, samples[index] if samples is not None else None))
            if len(found) == wanted:
                break
    return tuple(found)


def _decide(
    definition: AlarmDefinition, window: Window, real: Sequence[Point], breaching: Sequence[Point]
) -> StateValue | None:
    policy, needed = definition.treat_missing_data, definition.datapoints_to_alarm
    filled = definition.evaluation_periods - len(real)
    if not real:
        without: dict[str, StateValue] = {"missing": "INSUFFICIENT_DATA", "breaching": "ALARM", "notBreaching": "OK"}
        return without.get(policy)
    if _too_few_samples(definition, real):
        return None
    if policy == "breaching":
        return "ALARM" if len(breaching) + filled >= needed else "OK"
    if policy == "notBreaching" or len(breaching) >= needed or len(breaching) < len(real):
        return "ALARM" if len(breaching) >= needed else "OK"
    return _premature(definition, window, breaching)


def _premature(definition: AlarmDefinition, window: Window, breaching: Sequence[Point]) -> StateValue | None:
    """Only breaching points, fewer than M, beside missing ones ("Avoiding premature transitions to alarm state").

    With ``missing`` they alarm once the oldest of them is M periods old (the newest period is 1 old); before that, and
    with ``ignore``, the state is kept. Keeping it before is our reading: the User Guide says only that it is too early.
    """
    if definition.treat_missing_data == "ignore":
        return None
    age = (window.series.end - breaching[-1].timestamp) // window.series.period
    return "ALARM" if age >= definition.datapoints_to_alarm else None


def _too_few_samples(definition: AlarmDefinition, real: Sequence[Point]) -> bool:
    """Counted over all evaluated datapoints. No datapoint at all is missing data, not a low sample."""
    needed = definition.samples_needed
    return needed is not None and sum(point.samples or 0.0 for point in real) < needed * (1 - 1e-12)


def explain(
    definition: AlarmDefinition, window: Window, judged: Judgement, state: StateValue, now: float
) -> tuple[str, Mapping[str, Any]]:
    """StateReason and StateReasonData (as a mapping) of a judgement that led to ``state`` at ``now``."""
    stat = definition.metric
    data = reason.metric_data(
        now,
        _evaluated(window, judged),
        period=definition.period,
        threshold=definition.threshold,
        statistic=stat.statistic.text if stat is not None else None,
        unit=stat.unit if stat is not None else None,
    )
    if state == "INSUFFICIENT_DATA":
        return reason.insufficient(definition.evaluation_periods), data
    periods, needed = definition.evaluation_periods, definition.datapoints_to_alarm
    beyond = {point.timestamp for point in judged.breaching}
    within = [point for point in judged.real if point.timestamp not in beyond]
    minimum = needed if state == "ALARM" else periods - needed + 1
    told = reason.Crossing(
        state=state,
        points=judged.breaching if state == "ALARM" else within,
        real=len(judged.real),
        filled=judged.filled,
        periods=periods,
        comparison=reason.COMPARISONS[definition.comparison_operator],
        threshold=definition.threshold,
        policy=_POLICIES.get(definition.treat_missing_data),
        minimum=minimum if definition.m_out_of_n else None,
    )
    return reason.crossed(told), data


def _evaluated(window: Window, judged: Judgement) -> list[Point]:
    """The evaluated datapoints and the newest of the missing slots that were filled, newest first."""
    series = window.series
    stamps = zip(reversed(series.timestamps()), reversed(series.values), strict=True)
    missing = [Point(timestamp, None) for timestamp, value in stamps if value is None][: judged.filled]
    return sorted([*judged.real, *missing], key=lambda point: -point.timestamp)
