"""Alarms that one failure sets off."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor

from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.shares import Share, shares
from kit.definitions.checks.watch import COUNTS, Watch
from kit.definitions.model import AlarmFile
from kit.definitions.structure import Flaw
from kit.evaluation.expression import Number
from kit.evaluation.statistics import parse_statistic

FAILURES_WANTED = 3
"""So many failures at least should it take: SRE Workbook, "Alerting on SLOs", low-traffic services."""

FAILING = ("fault", "error", "fail", "5xx", "throttle", "timeout", "mismatch", "reject")
MANY = 1_000_000


@rule(
    "alarm/thin-traffic",
    "warning",
    "metric alarm",
    finds="a share of failures that a single failure lifts over the threshold when there is little traffic: "
    "no guard, or one below 1/(burn rate × budget) requests",
    why="at night one failed request wakes somebody",
)
def thin_traffic(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None or watch.definition.datapoints_to_alarm > 1:
        return
    for share in shares(watch):
        traffic = _fewest(watch, share)
        if traffic is not None:
            problem = f"one failure among {traffic} request{'s' * (traffic > 1)} sets it off"
            yield Flaw("", problem, _guard(watch, share))
            return


def _fewest(watch: Watch, share: Share) -> int | None:
    """Traffic at which one failure breaches and none would not, the highest that was found; None if there is none."""
    found = None
    for traffic in _traffics(watch):
        value, without = (watch.value(share.with_failures(count, traffic)) for count in (1, 0))
        if value is not None and watch.breaches(value) and not (without is not None and watch.breaches(without)):
            found = traffic
    return found


def _traffics(watch: Watch) -> list[int]:
    """Some from 1 on, and both sides of each number in the expressions: a guard is one of them."""
    numbers = {
        floor(node.value)
        for expression in watch.expressions.values()
        for node in expression.steps
        if isinstance(node, Number) and 1 <= node.value < MANY
    }
    return sorted({1, 2, 3, 5, 10, 20, 50, *numbers, *(number + 1 for number in numbers)})


def _guard(watch: Watch, share: Share) -> str:
    """How many requests it should take: k failures over the share that breaches, found by halving."""
    low, high = 0, MANY
    while high - low > 1:
        middle = (low + high) // 2
        value = watch.value(share.with_failures(middle, MANY))
        low, high = (low, middle) if value is not None and watch.breaches(value) else (middle, high)
    names = " + ".join(share.whole)
    least = max(1, floor(FAILURES_WANTED * MANY / max(high, 1)))
    fine = watch.value(share.with_failures(0, MANY)) or 0.0
    return f"Guard it: IF({names} > {least}, …, {fine:g}), so that it takes {FAILURES_WANTED} failures at least."


@rule(
    "alarm/thin-percentile",
    "warning",
    "metric alarm",
    finds="a high percentile that is evaluated however few samples there are",
    why="User Guide, Percentile-based alarms and low data samples: below 10/(1−p) samples it is little more than "
    "the maximum",
)
def thin_percentile(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None or not watch.upwards or watch.definition.ignore_low_samples:
        return
    for use in watch.uses.values():
        percentile = parse_statistic(use.stat).percentile
        if percentile is None or not 50 < percentile < 100 or watch.definition.datapoints_to_alarm > 1:
            continue
        needed = ceil(1000 / (100 - percentile) - 1e-6)
        if watch.definition.metric is not None:
            remedy = "Set EvaluateLowSampleCountPercentile to ignore, or ask for more than one datapoint."
        else:
            remedy = "Guard it by the number of samples, or ask for more than one datapoint."
        problem = f"{use.stat} of {use.name} counts even below the {needed} samples that make it significant"
        yield Flaw("", problem, remedy)
        return


@rule(
    "alarm/one-failure",
    "note",
    "metric alarm",
    finds="a count of failures of which one is enough",
    why="right for what must never happen, noise for what happens now and then",
)
def one_failure(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if (
        watch is None
        or watch.definition.metric is None
        or not watch.upwards
        or watch.definition.datapoints_to_alarm > 1
    ):
        return
    use = next(iter(watch.uses.values()))
    if use.stat in COUNTS and any(part in use.name.lower() for part in FAILING) and watch.breaches(1.0):
        yield Flaw("/Threshold", f"one {use.name} is enough to set it off", "Watch a share, if one may happen.")
