"""GetMetricStatistics: statistics of one metric, each unit's data by itself, at most 1440 datapoints."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.ranges import time_range
from kit.emulator.protocol import AwsError, Context
from kit.evaluation.query import MetricRef, MetricStat, QueryError, checked_period, dimensions_from_api
from kit.evaluation.series import slots
from kit.evaluation.statistics import Statistic, StatisticError, parse_statistic

POINTS_A_CALL = 1440


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    statistics = _statistics(params)
    period = _period(params)
    start, end = _range(params, period, context.clock.now())
    metric = MetricRef(params["Namespace"], params["MetricName"], _dimensions(params))
    widest = next((statistic for statistic in statistics if statistic.needs_values), statistics[0])
    points = []
    for unit in [params["Unit"]] if "Unit" in params else engine.metrics.units(metric):
        stat = MetricStat(metric, period, widest, unit)
        for index, distribution in enumerate(engine.metrics.distributions(stat, start, end)):
            if distribution is None:
                continue
            values = {s.text: value for s in statistics if (value := s.of(distribution)) is not None}
            if values:
                points.append(_datapoint(start + index * period, unit, values, "ExtendedStatistics" in params))
    return {"Label": metric.name, "Datapoints": points}


def _datapoint(timestamp: int, unit: str, values: dict[str, float], extended: bool) -> dict[str, Any]:
    return {"Timestamp": timestamp, "Unit": unit, **({"ExtendedStatistics": values} if extended else values)}


def _statistics(params: dict[str, Any]) -> list[Statistic]:
    plain, extended = params.get("Statistics"), params.get("ExtendedStatistics")
    if bool(plain) == bool(extended):
        text = "Must specify either Statistics or ExtendedStatistics" + (", but not both." if plain else ".")
        raise AwsError("InvalidParameterCombination", text)
    try:
        return [parse_statistic(text) for text in plain or extended or ()]
    except StatisticError as error:
        raise AwsError("InvalidParameterValue", str(error)) from None


def _period(params: dict[str, Any]) -> int:
    try:
        return checked_period(params["Period"], "GetMetricStatistics")
    except QueryError:
        text = "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        raise AwsError("InvalidParameterValue", text) from None


def _dimensions(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    try:
        return dimensions_from_api(params.get("Dimensions", ()))
    except QueryError as error:
        raise AwsError("InvalidParameterValue", str(error)) from None


def _range(params: dict[str, Any], period: int, now: float) -> tuple[int, int]:
    start, end = time_range(params, [period], now, "InvalidParameterValue")
    asked = slots(start, end, period)
    if asked > POINTS_A_CALL:
        text = (
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of {POINTS_A_CALL:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
        raise AwsError("InvalidParameterCombination", text)
    return start, end
