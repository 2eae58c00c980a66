"""The time range of a read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from kit.emulator.protocol import AwsError

DAY = 86_400
# The first moment of the year 10000: what lies beyond is no date.
END_OF_TIME = 253_402_300_800


def time_range(params: Mapping[str, Any], periods: Collection[int], now: float, code: str) -> tuple[int, int]:
    """StartTime rounded down as CloudWatch does, and EndTime rounded up to a second; epoch seconds.

    The start is rounded to the minute below 15 days of age, to 5 minutes below 63 days, to the hour beyond; with
    periods below a minute only, to a whole such period (API Reference, GetMetricData, "StartTime"). AwsError with
    this code if the start isn't before the end.
    """
    start, end = params["StartTime"], params["EndTime"]
    if not 0 <= start < end:
        raise AwsError(code, "The parameter StartTime must be less than the parameter EndTime.")
    if not end < END_OF_TIME:
        raise AwsError(code, f"The value {end} for parameter EndTime is invalid.")
    age = now - start
    step = 60 if age < 15 * DAY else 300 if age < 63 * DAY else 3600
    shortest, longest = min(periods, default=60), max(periods, default=60)
    if longest < 60 and age < 15 * DAY:
        step = shortest
    return math.floor(start / step) * step, math.ceil(end)
