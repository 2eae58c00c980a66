"""The alarms that a file of cases is about: PutMetricAlarm and PutCompositeAlarm inputs, from anywhere.

Nothing but the files that it names is looked at: no project around them is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError
from pathlib import Path

from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.cases import Alarms, Scale
from kit.definitions.complaints import Complaint
from kit.definitions.composite_rules import composite_flaws, in_order
from kit.definitions.json_file import read_object
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.model import AlarmFile, CompositeFile, Definitions
from kit.definitions.practice import PREFIX, at_practice_scale
from kit.definitions.structure import flaws
from kit.evaluation.alarm_definition import AlarmDefinition, AlarmError
from kit.evaluation.rule import parse_rule

Found = AlarmFile | CompositeFile


class AlarmReader:
    """Reads each file of alarms once, however many files of cases name it. ``root`` is what paths are told from."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, Found | list[Complaint]] = {}

    def told(self, path: Path) -> str:
        """The path as complaints and reports name it."""
        path = Path(os.path.normpath(path))
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)

    def matching(self, folder: Path, pattern: str) -> list[Path]:
        """The files that a glob matches, seen from ``folder``; none for what is no glob.

        ``**`` goes down any number of folders.
        """
        anchor = Path(pattern).anchor
        try:
            found = list(Path(anchor or folder).glob(pattern[len(anchor) :] or "."))
        except ValueError:
            return []
        return sorted({Path(os.path.normpath(path)) for path in found if path.is_file()})

    def read(self, path: Path) -> Found | list[Complaint]:
        """The alarm in a file, or all that AWS would refuse in it."""
        if path not in self._read:
            self._read[path] = _alarm(path, self.told(path))
        return self._read[path]


def _alarm(path: Path, file: str) -> Found | list[Complaint]:
    request = read_object(path, file)
    if isinstance(request, Complaint):
        return [request]
    composite = "AlarmRule" in request
    found = list(flaws(COMPOSITE_ALARM if composite else METRIC_ALARM, request))
    if not found:
        found = list(composite_flaws(request) if composite else alarm_flaws(request))
    if found:
        return [Complaint(file, flaw.pointer, flaw.problem, flaw.remedy) for flaw in found]
    return CompositeFile(file, request) if composite else AlarmFile(file, request)


def gathered(read: Iterable[Found]) -> tuple[Definitions, list[Complaint]]:
    """The set of alarms, and complaints about names that two files give."""
    by_name: dict[str, Found] = {}
    complaints = []
    for alarm in read:
        other = by_name.setdefault(alarm.name, alarm)
        if other is not alarm:
            complaints.append(
                Complaint(
                    alarm.file, "/AlarmName", f"{alarm.name} is defined in {other.file} too", "Rename one of them."
                )
            )
    ordered = sorted(by_name.values(), key=lambda alarm: alarm.name)
    alarms = tuple(alarm for alarm in ordered if isinstance(alarm, AlarmFile))
    composites = tuple(alarm for alarm in ordered if isinstance(alarm, CompositeFile))
    return Definitions(alarms, composites), complaints


def at_scale(definitions: Definitions, scale: Scale) -> Definitions:
    """The set at a scale, every alarm under the name that its file gives it."""
    if scale == "production":
        return definitions
    shrunk = at_practice_scale(replace(definitions, dashboards=()))
    # The prefix keeps both scales apart in one account; here they never meet, and a case shall read the same at both.
    names = {PREFIX + name for name in definitions.alarm_names}
    alarms = tuple(replace(alarm, request=_without_prefix(alarm, names)) for alarm in shrunk.alarms)
    composites = []
    for before, after in zip(definitions.composites, shrunk.composites, strict=True):
        kept = {key: before.request[key] for key in ("AlarmRule", "ActionsSuppressor") if key in before.request}
        composites.append(replace(after, request={**_without_prefix(after, names), **kept}))
    return Definitions(alarms, tuple(composites))


def _without_prefix(alarm: Found, names: set[str]) -> dict[str, object]:
    name = alarm.name.removeprefix(PREFIX) if alarm.name in names else alarm.name
    return {**alarm.request, "AlarmName": name}


def needed_alarms(definitions: Definitions, expected: Sequence[str]) -> Alarms | list[Complaint]:
    """What it takes to know the states of the ``expected`` alarms; the names must be known ones."""
    by_name: dict[str, Found] = {alarm.name: alarm for alarm in definitions.alarms}
    by_name |= {alarm.name: alarm for alarm in definitions.composites}
    needed: dict[str, Found] = {}
    waiting = list(expected)
    complaints: list[Complaint] = []
    while waiting:
        alarm = by_name[waiting.pop()]
        if alarm.name in needed:
            continue
        needed[alarm.name] = alarm
        if isinstance(alarm, CompositeFile):
            complaints += [_childless(alarm, child) for child in sorted(alarm.needs - by_name.keys())]
            waiting += alarm.needs & by_name.keys()
    composites = [alarm for alarm in needed.values() if isinstance(alarm, CompositeFile)]
    complaints += _rings(composites)
    metric = dict(_evaluable([a for a in needed.values() if isinstance(a, AlarmFile)], complaints))
    if complaints:
        return complaints
    rules = {alarm.name: parse_rule(alarm.request["AlarmRule"]) for alarm in in_order(composites)}
    return Alarms(definitions, dict(sorted(metric.items())), rules)


def unknown(name: str, definitions: Definitions) -> tuple[str, str]:
    """Problem and remedy where an expectation names an alarm that isn't there."""
    known = sorted(definitions.alarm_names)
    near = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:5])}{', …' * (len(known) > 5)}."
    return f"no file under alarms: defines {name}", remedy


def _childless(alarm: CompositeFile, child: str) -> Complaint:
    problem = f"reads {child}, which no file under alarms: of the cases defines"
    return Complaint(alarm.file, "/AlarmRule", problem, "Add its file to alarms:, or correct the name.")


def _rings(composites: Sequence[CompositeFile]) -> Iterator[Complaint]:
    try:
        in_order(composites)
    except CycleError as error:
        ring = " -> ".join(error.args[1])
        file = next(alarm.file for alarm in composites if alarm.name in error.args[1])
        yield Complaint(file, "/AlarmRule", f"waits for itself: {ring}", "Break the ring.")


def _evaluable(alarms: Sequence[AlarmFile], complaints: list[Complaint]) -> Iterator[tuple[str, AlarmDefinition]]:
    for alarm in alarms:
        try:
            yield alarm.name, AlarmDefinition.from_api(alarm.request)
        except AlarmError as error:
            complaints.append(Complaint(alarm.file, "", str(error), "Leave the alarm out of the cases."))
