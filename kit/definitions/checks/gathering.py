"""Find and read what is to be checked: any JSON file that holds an alarm or a dashboard body, wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.checks.findings import Finding
from kit.definitions.checks.registry import Severity, found_while_reading
from kit.definitions.complaints import Complaint
from kit.definitions.composite_rules import composite_flaws
from kit.definitions.dashboard_members import all_dashboard_flaws
from kit.definitions.json_file import read_json
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.model import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.definitions.structure import Flaw, flaws
from kit.errors import KitError

SKIPPED = ("node_modules", "__pycache__")
ENVELOPES = {
    "MetricAlarms": "an answer of describe-alarms; each alarm belongs into a file of its own",
    "DashboardBody": "a request or an answer with a DashboardBody; a file holds the body itself",
    "AWSTemplateFormatVersion": "a CloudFormation template",
}

found_while_reading(
    "file/unreadable",
    "error",
    finds="a file that is no JSON: a comma too many, a key that stands twice, NaN",
    why="AWS takes none of it, or silently only the last of the keys",
)
found_while_reading(
    "file/unknown",
    "note",
    finds="a JSON file in the folder that holds neither an alarm nor a dashboard body; it is left alone",
    why="an alarm with a misspelt AlarmName would otherwise be left out unseen",
)
_SOURCE = {
    "metric": ("alarm/refused", "a metric alarm", "API Reference, PutMetricAlarm"),
    "composite": ("composite/refused", "a composite alarm", "API Reference, PutCompositeAlarm"),
    "dashboard": ("dashboard/refused", "a dashboard body", "API Reference, Dashboard Body Structure and Syntax"),
}
for _rule, _what, _where in _SOURCE.values():
    found_while_reading(
        _rule,
        "error",
        finds=f"what AWS would refuse in {_what}: unknown keys, types, limits, keys that exclude or need each other",
        why=_where,
    )


@dataclass(slots=True)
class Gathered:
    """What was read. ``asked`` are the files that findings may be about; others are only there to be referred to."""

    base: Path
    alarms: list[AlarmFile] = field(default_factory=list)
    composites: list[CompositeFile] = field(default_factory=list)
    dashboards: list[DashboardFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unsound: set[str] = field(default_factory=set)
    paths: dict[str, Path] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    @property
    def definitions(self) -> Definitions:
        """The sound ones, each kind sorted by name."""
        return Definitions(
            tuple(sorted(self.alarms, key=lambda one: (one.name, one.file))),
            tuple(sorted(self.composites, key=lambda one: (one.name, one.file))),
            tuple(sorted(self.dashboards, key=lambda one: (one.name, one.file))),
        )

    def add(self, path: Path, *, asked: bool) -> None:
        """Read one file, once."""
        file = str(path.relative_to(self.base)) if path.is_relative_to(self.base) else str(path)
        if asked:
            self.asked.add(file)
        if file in self.paths:
            return
        self.paths[file] = path
        value = read_json(path, file)
        if isinstance(value, Complaint):
            self._found(file, "file/unreadable", [Flaw(value.pointer, value.problem, value.remedy)])
        elif (kind := _kind(value, path)) is None:
            self._found(file, "file/unknown", [_unknown(value)], "note")
        elif found := list(_flaws(kind, value)):
            self._found(file, _SOURCE[kind][0], found)
            if isinstance(value, dict) and isinstance(value.get("AlarmName"), str):
                self.unsound.add(value["AlarmName"])
        else:
            self._keep(kind, file, path, value)

    def _keep(self, kind: str, file: str, path: Path, value: dict[str, Any]) -> None:
        if kind == "metric":
            self.alarms.append(AlarmFile(file, value))
        elif kind == "composite":
            self.composites.append(CompositeFile(file, value))
        else:
            self.dashboards.append(DashboardFile(file, path.stem, value))

    def _found(self, file: str, rule: str, found: Iterable[Flaw], severity: Severity = "error") -> None:
        self.findings += [Finding(file, one.pointer, rule, severity, one.problem, one.remedy) for one in found]


def gather(paths: Iterable[Path], base: Path) -> Gathered:
    """Read files and folders. A file's neighbours are read too, so that its references can be followed.

    Paths are named in findings as seen from ``base``. Raises KitError for a path that is not there.
    """
    gathered = Gathered(base)
    neighbours: set[Path] = set()
    for path in paths:
        # Not resolve(): a link keeps the name that a person knows it by.
        path = Path(os.path.abspath(path))  # noqa: PTH100, PLW2901
        if path.is_dir():
            for file in _json_below(path):
                gathered.add(file, asked=True)
        elif path.is_file():
            gathered.add(path, asked=True)
            neighbours.add(path.parent)
        else:
            raise KitError(str(path), "no such file or folder", "Name files or folders with alarms or dashboards.")
    for folder in sorted(neighbours):
        for file in sorted(folder.glob("*.json")):
            gathered.add(file, asked=False)
    return gathered


def _json_below(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in SKIPPED)
        yield from (Path(place) / name for name in sorted(files) if name.endswith(".json"))


def _kind(value: object, path: Path) -> str | None:
    """What a JSON value seems meant as; None if neither alarm nor dashboard."""
    keys = value.keys() if isinstance(value, dict) else set()
    kind = None
    if "AlarmRule" in keys:
        kind = "composite"
    elif "widgets" in keys:
        kind = "dashboard"
    elif keys & ENVELOPES.keys():
        kind = None
    elif "AlarmName" in keys or len(keys & METRIC_ALARM.members.keys()) > 2 or path.parent.name == "alarms":
        kind = "metric"
    elif path.parent.name == "dashboards":
        kind = "dashboard"
    return kind


def _unknown(value: object) -> Flaw:
    for key, meaning in ENVELOPES.items():
        if isinstance(value, dict) and key in value:
            return Flaw("", f"is left alone: it looks like {meaning}")
    return Flaw("", "is left alone: it has neither AlarmName nor widgets")


def _flaws(kind: str, value: object) -> Iterator[Flaw]:
    if kind == "dashboard":
        if not isinstance(value, dict):
            yield Flaw("", "must hold one JSON object")
            return
        yield from all_dashboard_flaws(value)
        return
    found = list(flaws(COMPOSITE_ALARM if kind == "composite" else METRIC_ALARM, value))
    if not found and isinstance(value, dict):
        found = list(composite_flaws(value) if kind == "composite" else alarm_flaws(value))
    yield from found
