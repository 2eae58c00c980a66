"""`kit check`: what is wrong with alarms and dashboards, found without asking anybody.

``check(paths, …)`` reads any files or folders and gives a Report: every finding with its rule, and what it would cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kit.definitions.checks.allowed import read_allowances, unused, without_allowed
from kit.definitions.checks.catalogue import Catalogue, nearest_catalogue, read_catalogue
from kit.definitions.checks.cost import Cost, cost
from kit.definitions.checks.family import Alarm, Family, follows_conventions
from kit.definitions.checks.findings import Finding
from kit.definitions.checks.gathering import Gathered, gather
from kit.definitions.checks.registry import Rule, all_rules
from kit.definitions.model import DashboardFile, Definitions
from kit.definitions.structure import Flaw

__all__ = ["Family", "Finding", "Report", "all_rules", "check"]


@dataclass(frozen=True, slots=True)
class Report:
    """``findings`` by file, place and rule; ``files`` is how many were looked at."""

    findings: tuple[Finding, ...]
    files: int
    allowed: int
    cost: Cost

    @property
    def clean(self) -> bool:
        """Whether there is neither an error nor a warning; notes are allowed."""
        return all(finding.severity == "note" for finding in self.findings)


def check(
    paths: Sequence[Path],
    base: Path,
    *,
    catalogue: Path | None = None,
    conventions: bool | None = None,
    fit: Callable[[Definitions], Definitions] | None = None,
) -> Report:
    """Check files and folders, named as seen from ``base``, which may hold `.kit-check.yaml`.

    ``catalogue`` is that of the project around the first path unless given; ``conventions`` None means they hold if an
    alarm carries the tag kit:set. ``fit`` makes of the definitions what a stage gets. Raises KitError for a path that
    isn't there and for files beside the definitions that can't be read.
    """
    gathered = gather(paths, base)
    everything = gathered.definitions
    family = Family(
        definitions=fit(everything) if fit else everything,
        ours=follows_conventions((*everything.alarms, *everything.composites)) if conventions is None else conventions,
        catalogue=_catalogue(catalogue, paths),
        unsound=frozenset(gathered.unsound),
        paths=gathered.paths,
        root=base,
        staged=fit is not None,
    )
    # Files beside the definitions, such as scenarios, are judged with a folder, not with single files.
    beside = any(path.is_dir() for path in paths)
    found = {
        one
        for one in (*gathered.findings, *findings(family))
        if one.file in gathered.asked or (beside and one.file not in gathered.paths)
    }
    allowances = read_allowances(base)
    kept = set(without_allowed(found, allowances))
    told = sorted({*kept, *unused(found, allowances, gathered.asked)})
    return Report(tuple(told), len(gathered.asked), len(found) - len(kept), cost(_asked(family.definitions, gathered)))


def findings(family: Family) -> Iterator[Finding]:
    """What all rules find in a family."""
    definitions = family.definitions
    subjects: dict[str, Sequence[Alarm | DashboardFile]] = {
        "metric alarm": definitions.alarms,
        "composite alarm": definitions.composites,
        "alarm": (*definitions.alarms, *definitions.composites),
        "dashboard": definitions.dashboards,
    }
    for one in all_rules().values():
        if one.look is None or (one.ours and not family.ours):
            continue
        if one.of == "set":
            yield from (_finding(one, file, flaw) for file, flaw in one.look(family))
        else:
            for subject in subjects[one.of]:
                yield from (_finding(one, subject.file, flaw) for flaw in one.look(subject, family))


def _finding(one: Rule, file: str, flaw: Flaw) -> Finding:
    return Finding(file, flaw.pointer, one.id, one.severity, flaw.problem, flaw.remedy)


def _catalogue(given: Path | None, paths: Sequence[Path]) -> Catalogue | None:
    path = given or next((near for near in map(nearest_catalogue, (path.absolute() for path in paths)) if near), None)
    return read_catalogue(path) if path else None


def _asked(definitions: Definitions, gathered: Gathered) -> Definitions:
    return replace(
        definitions,
        alarms=tuple(one for one in definitions.alarms if one.file in gathered.asked),
        composites=tuple(one for one in definitions.composites if one.file in gathered.asked),
        dashboards=tuple(one for one in definitions.dashboards if one.file in gathered.asked),
    )
