"""Which alarms lack a case of a kind. Each shall have one that fires, a quiet one and one with missing data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.backtest.outcome import Outcome
from kit.definitions.cases import KINDS, CaseFile, Kind


@dataclass(frozen=True, slots=True)
class Gap:
    """``alarm`` has no case that passes and truly shows ``kind``; ``file`` defines the alarm."""

    file: str
    alarm: str
    kind: Kind


def gaps(files: Iterable[CaseFile], outcomes: Sequence[Outcome]) -> list[Gap]:
    """What is lacking among all alarms that the files of cases name, by alarm."""
    shown = {pair for outcome in outcomes for pair in outcome.shown}
    alarms: dict[str, str] = {}
    for file in files:
        for scale in file.alarms.values():
            alarms |= {alarm.name: alarm.file for alarm in scale.definitions.alarms}
            alarms |= {alarm.name: alarm.file for alarm in scale.definitions.composites}
    return [Gap(alarms[name], name, kind) for name in sorted(alarms) for kind in KINDS if (name, kind) not in shown]
