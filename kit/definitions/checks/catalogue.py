"""The metrics that a service sends: a catalogue as ``service/telemetry/catalogue.json`` holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.definitions.complaints import Complaint
from kit.definitions.json_file import read_object
from kit.errors import KitError

USUAL = Path("service/telemetry/catalogue.json")


@dataclass(frozen=True, slots=True)
class Sent:
    """One metric: its unit, its complete dimension sets, and its storage resolutions in seconds.

    ``sli_resolution`` is that of the operations that the service declares as an SLI.
    """

    name: str
    unit: str
    kind: str
    dimensions: frozenset[frozenset[str]]
    resolution: int
    sli_resolution: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All metrics of one namespace, by name, and the log groups with their ``<placeholders>``."""

    namespace: str
    metrics: Mapping[str, Sent]
    log_groups: tuple[str, ...] = ()


def nearest_catalogue(start: Path) -> Path | None:
    """The catalogue of the project around ``start``, if there is one."""
    for folder in (start, *start.parents):
        if (folder / USUAL).is_file():
            return folder / USUAL
    return None


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue in a file. Raises KitError."""
    value = read_object(path, str(path))
    if isinstance(value, Complaint):
        raise KitError(value.file, value.problem, value.remedy)
    try:
        metrics = {str(metric["name"]): _sent(metric) for metric in value["metrics"]}
        groups = tuple(str(group) for group in value.get("log_groups", ()))
        return Catalogue(str(value["namespace"]), metrics, groups)
    except (KeyError, TypeError, ValueError) as error:
        remedy = f"It needs namespace and metrics, as {USUAL} has them."
        raise KitError(str(path), f"is no catalogue of metrics: {error!r}", remedy) from error


def _sent(metric: Any) -> Sent:
    return Sent(
        name=str(metric["name"]),
        unit=str(metric["unit"]),
        kind=str(metric.get("kind", "")),
        dimensions=frozenset(frozenset(map(str, names)) for names in metric["dimensions"]),
        resolution=int(metric.get("resolution", 60)),
        sli_resolution=int(metric.get("sli_resolution", 60)),
    )
