"""Read a file of cases with the alarms that it is about; every complaint about it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.definitions.cases import STARTS, Alarms, Case, CaseFile, Expectation, Scale, SeriesGiven, duration, seconds
from kit.definitions.cases_alarms import AlarmReader, Found, at_scale, gathered, needed_alarms, unknown
from kit.definitions.cases_expect import expectation_of
from kit.definitions.cases_schema import schema_flaws
from kit.definitions.cases_series import metrics_read, series_of, twins, unanswered, unread
from kit.definitions.cases_yaml import Document, read_yaml
from kit.definitions.complaints import Complaint
from kit.definitions.model import Definitions
from kit.definitions.structure import Flaw, step
from kit.evaluation.request import MetricRef

LONGEST_S = 35 * 86_400
"""A case lasts at most so long: a month and what leads up to it."""


def read_cases(path: Path, reader: AlarmReader) -> CaseFile | list[Complaint]:
    """The cases of a file, or all that is wrong with it and with the alarms it names."""
    file = reader.told(path)
    document = read_yaml(path, file)
    if isinstance(document, Complaint):
        return [document]
    reading = _Reading(path, file, document, reader)
    return reading.read()


@dataclass
class _Reading:
    """One file on its way; ``complaints`` grow, and any of them ends it."""

    path: Path
    file: str
    document: Document
    reader: AlarmReader
    complaints: list[Complaint] = field(default_factory=list)
    scales: dict[Scale, Alarms] = field(default_factory=dict)

    def flaw(self, flaw: Flaw, below: str = "") -> None:
        self.complaints.append(self.document.complaint(self.file, below + flaw.pointer, flaw.problem, flaw.remedy))

    def flaw_all(self, flaws: Any, below: str = "") -> None:
        for flaw in flaws:
            self.flaw(flaw, below)

    def read(self) -> CaseFile | list[Complaint]:
        raw = self.document.value
        self.flaw_all(schema_flaws("cases", raw))
        if "/alarms/0" not in self.document.lines or any(c.pointer.startswith("/alarms") for c in self.complaints):
            return self.complaints
        definitions = self._definitions(raw["alarms"])
        if not self.complaints:
            self._expected(raw["cases"], definitions)
        if self.complaints:
            return self.complaints
        read = metrics_read([alarm.request for alarm in definitions.alarms])
        cases = [self._case(case, step("/cases", index), read) for index, case in enumerate(raw["cases"])]
        self._names(raw["cases"])
        if self.complaints:
            return self.complaints
        return CaseFile(self.path, self.file, tuple(case for case in cases if case is not None), self.scales)

    def _definitions(self, patterns: Sequence[str]) -> Definitions:
        found: dict[Path, None] = {}
        for index, pattern in enumerate(patterns):
            paths = self.reader.matching(self.path.parent, pattern)
            if not paths:
                problem = f"{pattern} matches no file"
                remedy = f"It is looked for from {self.reader.told(self.path.parent)}/."
                self.flaw(Flaw(step("/alarms", index), problem, remedy))
            found |= dict.fromkeys(paths)
        alarms: list[Found] = []
        for path in found:
            read = self.reader.read(path)
            if isinstance(read, list):
                self.complaints += read
            else:
                alarms.append(read)
        definitions, complaints = gathered(alarms)
        self.complaints += complaints
        return definitions

    def _expected(self, cases: Sequence[Mapping[str, Any]], definitions: Definitions) -> None:
        """Make the alarms ready, once for each scale, for all cases together."""
        names: dict[Scale, set[str]] = {}
        for index, case in enumerate(cases):
            for number, entry in enumerate(case["expect"]):
                if entry["alarm"] not in definitions.alarm_names:
                    pointer = f"/cases/{index}/expect/{number}/alarm"
                    self.flaw(Flaw(pointer, *unknown(entry["alarm"], definitions)))
                names.setdefault(case.get("scale", "production"), set()).add(entry["alarm"])
        if self.complaints:
            return
        for scale, expected in names.items():
            needed = needed_alarms(at_scale(definitions, scale), sorted(expected))
            if isinstance(needed, list):
                self.complaints += needed
            else:
                self.scales[scale] = needed

    def _names(self, cases: Sequence[Mapping[str, Any]]) -> None:
        seen: set[str] = set()
        for index, case in enumerate(cases):
            if case["name"] in seen:
                self.flaw(Flaw(f"/cases/{index}/name", f"{case['name']!r} is the name of two cases", "Rename one."))
            seen.add(case["name"])

    def _case(self, raw: Mapping[str, Any], pointer: str, read: frozenset[MetricRef]) -> Case | None:
        before = len(self.complaints)
        alarms = self.scales[raw.get("scale", "production")]
        interval = seconds(raw.get("interval", "1m"))
        series = self._series(raw.get("series", ()), f"{pointer}/series", read)
        if not interval:
            self.flaw(Flaw("/interval", "must be a second or more"), pointer)
        lasts = self._lasts(raw, pointer, interval * max(map(len, series), default=0))
        if lasts is None or len(series) < len(raw.get("series", ())) or not interval:
            return None
        for index, flaw in unanswered(series, interval, alarms):
            self.flaw(flaw, f"{pointer}/series/{index}")
        expect = self._expect(raw["expect"], f"{pointer}/expect", lasts, alarms)
        starts = self._starts(raw, pointer, alarms)
        if len(self.complaints) > before:
            return None
        return Case(
            name=raw["name"],
            kind=raw.get("kind"),
            scale=raw.get("scale", "production"),
            starts=starts,
            interval=interval,
            lasts=lasts,
            series=series,
            expect=expect,
        )

    def _series(
        self, entries: Sequence[Mapping[str, Any]], pointer: str, read: frozenset[MetricRef]
    ) -> tuple[SeriesGiven, ...]:
        found: list[SeriesGiven] = []
        for index, entry in enumerate(entries):
            one = series_of(entry, read)
            if isinstance(one, list):
                self.flaw_all(one, step(pointer, index))
                continue
            found.append(one)
            flaw = unread(one, read)
            if flaw is not None:
                self.flaw(flaw, step(pointer, index))
        if len(found) == len(entries):
            for index, flaw in twins(found):
                self.flaw(flaw, step(pointer, index))
        return tuple(found)

    def _lasts(self, raw: Mapping[str, Any], pointer: str, given: int) -> int | None:
        lasts = seconds(raw["lasts"]) if "lasts" in raw else given
        if 0 < lasts <= LONGEST_S:
            return lasts
        if lasts:
            self.flaw(Flaw("", f"lasts {duration(lasts)}; {duration(LONGEST_S)} is the most"), pointer)
        elif not any(complaint.pointer.startswith(f"{pointer}/") for complaint in self.complaints):
            self.flaw(Flaw("", "has no values, so its length is unknown", "Set lasts:, such as lasts: 10m."), pointer)
        return None

    def _expect(
        self, entries: Sequence[Mapping[str, Any]], pointer: str, lasts: int, alarms: Alarms
    ) -> tuple[Expectation, ...]:
        found: list[Expectation] = []
        for index, entry in enumerate(entries):
            one = expectation_of(entry, lasts, alarms)
            if isinstance(one, list):
                self.flaw_all(one, step(pointer, index))
            else:
                found.append(one)
        return tuple(found)

    def _starts(self, raw: Mapping[str, Any], pointer: str, alarms: Alarms) -> int:
        if "starts" not in raw:
            return STARTS
        try:
            starts = int(datetime.fromisoformat(raw["starts"]).timestamp())
        except ValueError as error:
            self.flaw(Flaw("/starts", f"{raw['starts']} is no moment: {error}"), pointer)
            return STARTS
        slowest = max((alarm.cadence_s for alarm in alarms.metric.values()), default=60)
        if starts % max(60, slowest):
            grain = "hour" if slowest > 60 else "minute"
            self.flaw(Flaw("/starts", f"must be a whole {grain}, since the alarms are evaluated on these"), pointer)
        return starts
