"""One case run: what failed, and what the case showed of its alarms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from kit.backtest.claims import Failure, failures_of
from kit.backtest.pictures import Picture, pictures_of
from kit.backtest.timeline import Timeline
from kit.definitions.cases import Case, CaseFile, Kind
from kit.evaluation.alarm import Judgement, judge, window


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure with its pictures."""

    failure: Failure
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case. ``took_s`` are seconds of this machine; ``shown`` are (alarm, kind) that it truly shows."""

    file: str
    case: Case
    failed: tuple[Failed, ...]
    shown: frozenset[tuple[str, Kind]]
    took_s: float

    @property
    def passed(self) -> bool:
        return not self.failed


def run_case(file: CaseFile, case: Case) -> Outcome:
    """Run the case and compare. Pictures are drawn for failures only."""
    began = time.perf_counter()
    timeline = Timeline(case, file.alarms[case.scale])
    tracks = timeline.run()
    failures = [failure for expected in case.expect for failure in failures_of(expected, tracks[expected.alarm])]
    failed = tuple(Failed(failure, tuple(pictures_of(failure, timeline))) for failure in failures)
    names = {expected.alarm for expected in case.expect}
    shown = frozenset((name, case.kind) for name in names if case.kind and not failed and _shows(name, timeline))
    return Outcome(file.file, case, failed, shown, time.perf_counter() - began)


def _shows(name: str, timeline: Timeline) -> bool:
    """Whether the case does what its kind says, for this alarm: a label alone proves nothing.

    firing: it went into ALARM. quiet: it never did, on real data. missing: data was missing, for it or for an alarm
    below it, at some evaluation; what lies before the case began doesn't count, unless nothing came at all.
    """
    fired = any(change.state == "ALARM" for change in timeline.tracks[name].changes)
    leaves = timeline.alarms.leaves(name)
    match timeline.case.kind:
        case "firing":
            return fired
        case "quiet":
            return not fired and any(judged.real for leaf in leaves for _, judged in _judged(leaf, timeline))
        case _:
            return any(_lacks(leaf, timeline) for leaf in leaves)


def _lacks(name: str, timeline: Timeline) -> bool:
    alarm = timeline.alarms.metric[name]
    whole = alarm.period * alarm.evaluation_periods
    return any(judged.filled and (tick >= whole or not judged.real) for tick, judged in _judged(name, timeline))


def _judged(name: str, timeline: Timeline) -> Iterator[tuple[int, Judgement]]:
    alarm, case = timeline.alarms.metric[name], timeline.case
    for tick in range(alarm.cadence_s, case.lasts + 1, alarm.cadence_s):
        yield tick, judge(alarm, window(alarm, timeline.source, case.starts + tick))
