"""A metric alarm as PutMetricAlarm takes it (API Reference, "PutMetricAlarm")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.evaluation.expression import parse
from kit.evaluation.kinds import SERIES
from kit.evaluation.plan import Plan, plan
from kit.evaluation.query import Query, QueryError, checked_period, dimensions_from_api, queries_from_api
from kit.evaluation.reason import COMPARISONS
from kit.evaluation.request import MetricRef, MetricStat
from kit.evaluation.statistics import SIMPLE, StatisticError, parse_statistic

DAY = 86_400
TreatMissingData = Literal["missing", "ignore", "breaching", "notBreaching"]

_MISSING: dict[str, TreatMissingData] = {
    "missing": "missing",
    "ignore": "ignore",
    "breaching": "breaching",
    "notBreaching": "notBreaching",
}
_ONE_METRIC = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_NOT_AVAILABLE = {
    "EvaluationCriteria": "PromQL alarms are not available here",
    "ThresholdMetricId": "anomaly detection alarms are not available here",
    "WarmUpConfiguration": "warm-up periods are not available here",
}
_LOW_SAMPLES = ("evaluate", "ignore")


class AlarmError(ValueError):
    """An alarm that CloudWatch would refuse; the text names the member and says why."""


class NotAvailableError(AlarmError):
    """An alarm that CloudWatch would take and this evaluation can't judge."""


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """What an evaluation needs of an alarm; names as in the API.

    ``plan`` answers the queries, ``watched`` is the id whose data is returned. ``metric`` is set when that is a metric
    itself. ``period`` is in seconds. ``m_out_of_n`` tells whether DatapointsToAlarm was given, which words the reason.
    """

    name: str
    plan: Plan
    watched: str
    metric: MetricStat | None
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    m_out_of_n: bool
    comparison_operator: str
    threshold: float
    treat_missing_data: TreatMissingData
    ignore_low_samples: bool

    @classmethod
    def from_api(cls, alarm: Mapping[str, Any]) -> AlarmDefinition:
        """The alarm out of PutMetricAlarm's input; members that don't bear on the state are not read.

        Raises AlarmError.
        """
        given = {key: value for key, value in alarm.items() if value not in (None, "", [], {})}
        for key, reason in _NOT_AVAILABLE.items():
            if key in given:
                raise NotAvailableError(f"{key}: {reason}")
        if "WallClockWindow" in given.get("EvaluationWindow", {}):
            raise NotAvailableError("EvaluationWindow: wall-clock windows are not available here")
        if not given.get("AlarmName"):
            raise AlarmError("AlarmName is required")
        try:
            queries = _queries(given)
            _no_search(queries)
            planned = plan(queries)
        except (QueryError, StatisticError) as error:
            raise AlarmError(str(error)) from None
        watched = _watched(queries, planned)
        period = planned.periods[watched.id]
        periods, to_alarm = _periods(given, period)
        return cls(
            name=given["AlarmName"],
            plan=planned,
            watched=watched.id,
            metric=watched.metric_stat,
            period=period,
            evaluation_periods=periods,
            datapoints_to_alarm=to_alarm,
            m_out_of_n="DatapointsToAlarm" in given,
            comparison_operator=_one_of(given, "ComparisonOperator", tuple(COMPARISONS), None),
            threshold=_threshold(given),
            treat_missing_data=_treat_missing_data(given, queries),
            ignore_low_samples=_one_of(given, "EvaluateLowSampleCountPercentile", _LOW_SAMPLES, "evaluate") == "ignore",
        )

    @property
    def cadence_s(self) -> int:
        """Seconds from one evaluation to the next (User Guide, "Using Amazon CloudWatch alarms").

        60, or 10 for a period below a minute; once an hour when it looks back more than a day, which is what AWS is
        known to do, though no document at hand says so.
        """
        if self.period < 60:
            return 10
        return 3600 if self.period * self.evaluation_periods > DAY else 60

    @property
    def samples_needed(self) -> float | None:
        """With EvaluateLowSampleCountPercentile=ignore, how many samples make the percentile significant, else None.

        User Guide, "Percentile-based alarms and low data samples": 10 / (1 - p) from p50 on, 10 / p below. No rule is
        given for p0 and p100.
        """
        percentile = self.metric.statistic.percentile if self.metric is not None else None
        if not self.ignore_low_samples or percentile is None or not 0 < percentile < 100:
            return None
        # in percent, so that p99 needs 1000 and not 999.9999999999991
        return 1000 / (100 - percentile if percentile >= 50 else percentile)


def _queries(given: Mapping[str, Any]) -> tuple[Query, ...]:
    sources = [key for key in ("MetricName", "Metrics") if key in given]
    if len(sources) != 1:
        raise AlarmError("exactly one of MetricName and Metrics is required")
    if sources == ["MetricName"]:
        return (Query("m1", None, True, _metric(given), None),)
    for key in _ONE_METRIC:
        if key in given:
            raise AlarmError(f"{key} can't be used together with Metrics")
    return _math_queries(given["Metrics"])


def _metric(given: Mapping[str, Any]) -> MetricStat:
    for key in ("Namespace", "Period"):
        if key not in given:
            raise AlarmError(f"{key} is required with MetricName")
    if ("Statistic" in given) == ("ExtendedStatistic" in given):
        raise AlarmError("exactly one of Statistic and ExtendedStatistic is required with MetricName")
    if "Statistic" in given and given["Statistic"] not in SIMPLE:
        raise AlarmError(f"Statistic must be one of {', '.join(SIMPLE)}, not {given['Statistic']!r}")
    return MetricStat(
        MetricRef(given["Namespace"], given["MetricName"], dimensions_from_api(given.get("Dimensions", ()))),
        _alarm_period(given["Period"]),
        parse_statistic(given.get("Statistic") or given["ExtendedStatistic"]),
        given.get("Unit"),
    )


def _math_queries(items: Sequence[Mapping[str, Any]]) -> tuple[Query, ...]:
    queries = queries_from_api(items)
    metrics = [query.metric_stat for query in queries if query.metric_stat is not None]
    if len(metrics) > 10 or len(queries) - len(metrics) > 10:
        found = f"{len(metrics)} metrics and {len(queries) - len(metrics)} expressions"
        raise AlarmError(f"Metrics of an alarm may hold up to 10 metrics and up to 10 expressions, not {found}")
    periods = {stat.period for stat in metrics} | {query.period for query in queries if query.period is not None}
    if len(periods) != 1:
        found = ", ".join(str(period) for period in sorted(periods)) or "none"
        raise AlarmError(f"all Metrics of an alarm must have one and the same Period; found {found}")
    _alarm_period(periods.pop())
    return queries


def _no_search(queries: Sequence[Query]) -> None:
    """User Guide, "Using search expressions in graphs": not in alarms, whichever query holds them."""
    for query in queries:
        for call in parse(query.expression).calls("SEARCH") if query.expression else ():
            where = f"Error in expression '{query.id}': SEARCH is not supported on Metric Alarms"
            raise AlarmError(f"{where}; name each metric (at character {call.position + 1})")


def _watched(queries: Sequence[Query], planned: Plan) -> Query:
    returned = [query for query in queries if query.return_data]
    if len(returned) != 1:
        names = ", ".join(query.id for query in returned) or "none"
        raise AlarmError(f"Exactly one element of the metrics list should return data; found {names}")
    if planned.kinds[returned[0].id] != SERIES:
        raise AlarmError(f"the expression '{returned[0].id}' must give a single time series, not an array of them")
    return returned[0]


def _alarm_period(period: object) -> int:
    seconds = checked_period(period, "alarm")
    if seconds < 10:
        raise AlarmError(f"Period of an alarm must be 10, 20, 30 or a multiple of 60 seconds, not {seconds}")
    return seconds


def _periods(given: Mapping[str, Any], period: int) -> tuple[int, int]:
    periods = _count(given, "EvaluationPeriods", None)
    to_alarm = _count(given, "DatapointsToAlarm", periods)
    if to_alarm > periods:
        text = "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
        raise AlarmError(f"{text}, but it is {to_alarm} of {periods}")
    longest = DAY if period < 3600 else 7 * DAY
    if period * periods > longest:
        raise AlarmError(f"Period times EvaluationPeriods is {period * periods} s; the limit is {longest} s here")
    return periods, to_alarm


def _count(given: Mapping[str, Any], key: str, default: int | None) -> int:
    number = given.get(key, default)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise AlarmError(f"{key} must be a whole number from 1 on, not {number!r}")
    return number


def _threshold(given: Mapping[str, Any]) -> float:
    number = given.get("Threshold")
    # 2^360 is the largest value that CloudWatch stores
    if not isinstance(number, int | float) or isinstance(number, bool) or not abs(number) <= 2**360:
        raise AlarmError(f"Threshold must be a number from -2^360 to 2^360, not {str(number)[:40]!r}")
    return float(number)


def _one_of(given: Mapping[str, Any], key: str, choices: Sequence[str], default: str | None) -> str:
    value = given.get(key, default)
    if value not in choices:
        raise AlarmError(f"{key} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _treat_missing_data(given: Mapping[str, Any], queries: Sequence[Query]) -> TreatMissingData:
    """Alarms on AWS/DynamoDB always ignore missing data (API Reference, "PutMetricAlarm")."""
    choice = _MISSING[_one_of(given, "TreatMissingData", tuple(_MISSING), "missing")]
    stats = [query.metric_stat for query in queries if query.metric_stat is not None]
    return "ignore" if any(stat.metric.namespace == "AWS/DynamoDB" for stat in stats) else choice
