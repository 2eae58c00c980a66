"""What the SLOs make, beside what stands in alarms/ and dashboards/."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.json_file import read_object
from kit.definitions.structure import shown, step
from kit.slo.alarms import GENERATED_FROM, alarms_of
from kit.slo.dashboard import MARK, dashboard
from kit.slo.model import Slo

DASHBOARD = "dashboards/slo.json"

Files = Mapping[str, Any]
"""File, relative to the project -> the object that it holds."""

Action = Literal["write", "rewrite", "remove"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that isn't as the SLOs make it; ``fields`` tell how, a line each, and are empty unless it's rewritten."""

    file: str
    action: Action
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The files that stand there. ``generated`` are those that ``kit slo generate`` may touch."""

    files: Files
    generated: frozenset[str]


def generated(slos: Sequence[Slo]) -> dict[str, Any]:
    """Every file that these SLOs make: alarms in the order of their names, then the dashboard, if there are any."""
    suppressors = {
        slo.name: other.alarm(other.policies[0]) for slo in slos for other in slos if other.name == slo.suppressed_by
    }
    made = [alarm for slo in slos for alarm in alarms_of(slo, suppressors)]
    files = {f"alarms/{alarm['AlarmName']}.json": alarm for alarm in made}
    files = dict(sorted(files.items()))
    if slos:
        files[DASHBOARD] = dashboard(slos)
    return files


def standing(root: Path) -> Standing:
    """The JSON files in ``root``/alarms and the SLO dashboard.

    Raises DefinitionsError with a complaint about each that cannot be read: what is unreadable can't be told apart.
    """
    files: dict[str, Any] = {}
    complaints = []
    for path in sorted((root / "alarms").glob("*.json")) + sorted(root.glob(DASHBOARD)):
        file = path.relative_to(root).as_posix()
        found = read_object(path, file)
        if isinstance(found, Complaint):
            complaints.append(found)
        else:
            files[file] = found
    if complaints:
        raise DefinitionsError(complaints)
    return Standing(files, frozenset(file for file, value in files.items() if _is_generated(value)))


def differences(wanted: Files, there: Standing) -> list[Difference]:
    """What must be done so that the files are as the SLOs make them.

    Raises DefinitionsError when a file of that name stands there and isn't generated: it is somebody's work.
    """
    in_the_way = sorted((wanted.keys() & there.files.keys()) - there.generated)
    if in_the_way:
        remedy = "Rename or delete it, and generate again."
        raise DefinitionsError(
            Complaint(file, "", "stands where an SLO makes a file, and was written by hand", remedy)
            for file in in_the_way
        )
    found = []
    for file, value in wanted.items():
        if file not in there.files:
            found.append(Difference(file, "write"))
        elif fields := tuple(_fields(there.files[file], value)):
            found.append(Difference(file, "rewrite", fields))
    found += [Difference(file, "remove") for file in sorted(there.generated - wanted.keys())]
    return found


def _is_generated(value: Mapping[str, Any]) -> bool:
    match value:
        case {"Tags": [*tags]}:
            return any(isinstance(tag, dict) and tag.get("Key") == GENERATED_FROM for tag in tags)
        case {"widgets": [{"properties": {"markdown": str(text)}}, *_]}:
            return MARK in text
    return False


def _fields(there: Any, wanted: Any, pointer: str = "") -> Iterator[str]:
    """A line for each place where two values differ, with its JSON pointer."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(key for key in there if key not in wanted)]:
            yield from _member(there, wanted, key, step(pointer, key))
    elif isinstance(there, list) and isinstance(wanted, list):
        pairs = dict(enumerate(there)), dict(enumerate(wanted))
        for index in range(max(len(there), len(wanted))):
            yield from _member(*pairs, index, step(pointer, index))
    elif there != wanted or isinstance(there, bool) != isinstance(wanted, bool):
        yield f"{pointer}: {shown(there)}, by the SLO {shown(wanted)}"


def _member(there: Mapping[Any, Any], wanted: Mapping[Any, Any], key: Any, pointer: str) -> Iterable[str]:
    if key not in there:
        return [f"{pointer}: missing, by the SLO {shown(wanted[key])}"]
    if key not in wanted:
        return [f"{pointer}: {shown(there[key])}, by the SLO not there"]
    return _fields(there[key], wanted[key], pointer)
