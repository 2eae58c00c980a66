"""Read alarms/*.json and dashboards/*.json: every file before anything is done, every complaint at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.composite_rules import composite_flaws, family_complaints
from kit.definitions.dashboard_members import all_dashboard_flaws
from kit.definitions.dashboard_rules import NAME
from kit.definitions.json_file import read_object
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.model import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.definitions.practice import PREFIX
from kit.definitions.stage import stand_in_flaws
from kit.definitions.structure import Flaw, flaws
from kit.errors import KitError


def read(root: Path) -> Definitions:
    """The definitions in ``root``/alarms and ``root``/dashboards.

    Raises DefinitionsError with every complaint, and KitError when there is no such folder.
    """
    complaints: list[Complaint] = []
    alarms: list[AlarmFile] = []
    composites: list[CompositeFile] = []
    dashboards: list[DashboardFile] = []
    for path in _json_files(root, "alarms"):
        match _read_alarm(path, f"alarms/{path.name}"):
            case AlarmFile() as alarm:
                alarms.append(alarm)
            case CompositeFile() as composite:
                composites.append(composite)
            case found:
                complaints.extend(found)
    for path in _json_files(root, "dashboards"):
        match _read_dashboard(path, f"dashboards/{path.name}"):
            case DashboardFile() as dashboard:
                dashboards.append(dashboard)
            case found:
                complaints.extend(found)
    definitions = Definitions(
        alarms=tuple(sorted(alarms, key=lambda alarm: alarm.name)),
        composites=tuple(sorted(composites, key=lambda composite: composite.name)),
        dashboards=tuple(sorted(dashboards, key=lambda dashboard: dashboard.name)),
    )
    complaints.extend(_twice([*alarms, *composites]))
    # A child whose own file is unreadable would be complained of twice; its file says enough.
    if not complaints:
        complaints.extend(family_complaints(composites, definitions.alarm_names))
    if complaints:
        raise DefinitionsError(complaints)
    return definitions


def _json_files(root: Path, folder: str) -> list[Path]:
    if not (root / folder).is_dir():
        raise KitError(f"{folder}/", f"no such folder in {root}", "Change to the project's folder.")
    return sorted((root / folder).glob("*.json"))


def _read_alarm(path: Path, file: str) -> AlarmFile | CompositeFile | list[Complaint]:
    request = read_object(path, file)
    if isinstance(request, Complaint):
        return [request]
    composite = "AlarmRule" in request
    found = list(flaws(COMPOSITE_ALARM if composite else METRIC_ALARM, request))
    if not found:
        found += composite_flaws(request) if composite else alarm_flaws(request)
        found += _reserved(request["AlarmName"], "/AlarmName")
        found += stand_in_flaws(request)
    if found:
        return _in_file(file, found)
    return CompositeFile(file, request) if composite else AlarmFile(file, request)


def _read_dashboard(path: Path, file: str) -> DashboardFile | list[Complaint]:
    body = read_object(path, file)
    if isinstance(body, Complaint):
        return [body]
    found = [*all_dashboard_flaws(body), *_reserved(path.stem, ""), *stand_in_flaws(body)]
    if not re.fullmatch(NAME, path.stem):
        found.append(Flaw("", "its name is the dashboard's: letters, digits, - and _ only", "Rename the file."))
    return _in_file(file, found) if found else DashboardFile(file, path.stem, body)


def _in_file(file: str, found: Iterable[Flaw]) -> list[Complaint]:
    return [Complaint(file, flaw.pointer, flaw.problem, flaw.remedy) for flaw in found]


def _reserved(name: Any, pointer: str) -> Iterator[Flaw]:
    if name.startswith(PREFIX):
        yield Flaw(pointer, f"{name}: the prefix {PREFIX} belongs to practice scale, which is made from these files")


def _twice(alarms: Iterable[AlarmFile | CompositeFile]) -> Iterator[Complaint]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    for alarm in alarms:
        files[alarm.name].append(alarm.file)
    for name, places in files.items():
        for file in places[1:]:
            yield Complaint(file, "/AlarmName", f"{name} is defined in {places[0]} too", "Rename one of them.")
