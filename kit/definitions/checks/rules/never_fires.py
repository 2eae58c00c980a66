"""Alarms whose threshold lies outside what they can ever see."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite

from kit.definitions.checks.family import Family
from kit.definitions.checks.reach import Reach
from kit.definitions.checks.registry import rule
from kit.definitions.checks.watch import Watch
from kit.definitions.model import AlarmFile
from kit.definitions.structure import Flaw


@rule(
    "alarm/never-fires",
    "error",
    "metric alarm",
    finds="a threshold that the watched value can't cross: a share of failures above 1 (burn rate × budget ≥ 1), "
    "a count below 0, a percentage above 100",
    why="it looks like protection and is none",
)
def never(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is not None and cannot_fire(watch):
        remedy = f"Choose a Threshold {_bounds(watch.reach)}."
        yield Flaw("/Threshold", f"can never be crossed: {_said(watch)}", remedy)


@rule(
    "alarm/always-fires",
    "error",
    "metric alarm",
    finds="a threshold that every value crosses, such as a count of at least 0",
    why="an alarm that is always on says nothing",
)
def always(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None or any(use.stat == "SampleCount" for use in watch.uses.values()):
        return  # that there is any sample at all may well be what is watched for
    good = watch.reach.low if watch.upwards else watch.reach.high
    if isfinite(good) and watch.breaches(good):
        remedy = f"Choose a Threshold {_bounds(watch.reach)}."
        yield Flaw("/Threshold", f"is crossed by every value: {_said(watch)}", remedy)


def cannot_fire(watch: Watch) -> bool:
    """Whether no value crosses the threshold, and missing data doesn't count as crossing it."""
    if watch.definition.treat_missing_data == "breaching":
        return False
    return not watch.breaches(watch.reach.high if watch.upwards else watch.reach.low)


def _said(watch: Watch) -> str:
    low, high = watch.reach.low, watch.reach.high
    if low == high:
        reach = f"is always {low:g}"
    elif high == inf:
        reach = f"is {low:g} or more"
    elif low == -inf:
        reach = f"is {high:g} or less"
    else:
        reach = f"lies within {low:g} and {high:g}"
    return f"the watched value {reach}, and the alarm wants {watch.definition.comparison_operator}"


def _bounds(reach: Reach) -> str:
    if isfinite(reach.low) and isfinite(reach.high):
        return f"between {reach.low:g} and {reach.high:g}"
    return f"above {reach.low:g}" if isfinite(reach.low) else f"below {reach.high:g}"
