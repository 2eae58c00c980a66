"""Game days: scenarios that can't be played, or that expect what the alarms can't do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.complaints import Complaint
from kit.definitions.gamedays import FOLDER, Scenario
from kit.definitions.gamedays_bounds import bound
from kit.definitions.gamedays_reading import read_scenario
from kit.definitions.model import Definitions
from kit.definitions.practice import PREFIX, at_practice_scale
from kit.definitions.structure import Flaw

FAULTS = ("service", "failures", "faults")
SHAPES = ("loadtest", "shapes")
CLIENTS = ("loadtest", "clients")


def _read(family: Family) -> dict[str, Scenario | list[Complaint]]:
    """The scenarios of the project whose own alarms are checked; of nobody else's."""
    folder = family.root / FOLDER
    ours = any(path.parent == family.root / "alarms" for path in family.paths.values())
    if family.staged or not ours or not folder.is_dir():
        return {}
    return {
        f"{FOLDER}/{path.name}": read_scenario(path, f"{FOLDER}/{path.name}") for path in sorted(folder.glob("*.yaml"))
    }


def _sound(family: Family) -> list[Scenario]:
    return [one for one in _read(family).values() if isinstance(one, Scenario)]


@rule(
    "gameday/unreadable",
    "error",
    "set",
    finds="a scenario in gamedays/ that doesn't follow its schema, has its steps out of order, or has no end",
    why="it is noticed now, and not when everybody has come together",
)
def unreadable(family: Family) -> Iterator[tuple[str, Flaw]]:
    for file, found in _read(family).items():
        if isinstance(found, list):
            yield from ((file, Flaw(one.pointer, one.problem, one.remedy)) for one in found)


@rule(
    "gameday/unknown",
    "error",
    "set",
    finds="an alarm, a fault, a load shape, a client, a metric or a runbook of a scenario that isn't there",
    why="the run would break halfway, or expect what can't happen",
)
def unknown(family: Family) -> Iterator[tuple[str, Flaw]]:
    known = {what: _modules(family.root.joinpath(*where)) for what, where in _PLACES.items()}
    metrics = set(family.catalogue.metrics) if family.catalogue else set()
    for one in _sound(family):
        flaws = [*_unknown_alarms(one, family), *_unknown_parts(one, known)]
        if metrics and one.signal["metric"] not in metrics:
            flaws.append(_unknown("/first_signal/metric", "metric", one.signal["metric"], metrics))
        if one.runbook is None and any(expected.fires_within for expected in one.expect):
            flaws.append(Flaw("", "runbook is missing", "Add the one of the alarm that is to fire."))
        elif one.runbook is not None and not (family.root / one.runbook).is_file():
            flaws.append(Flaw("/runbook", f"{one.runbook} is not there", "Write it, or correct the path."))
        yield from ((one.file, flaw) for flaw in flaws)


@rule(
    "gameday/bound",
    "error",
    "set",
    finds="a fires_within that the alarm can't be held to: never at this share of failures, sooner than its windows "
    "and evaluations may take, or later than the run ends",
    why='The Site Reliability Workbook, "Alerting on SLOs"; docs/gamedays.md has the arithmetic',
)
def bounds(family: Family) -> Iterator[tuple[str, Flaw]]:
    scenarios = _sound(family)
    if scenarios:
        practice = at_practice_scale(family.definitions)
        for one in scenarios:
            yield from ((one.file, flaw) for flaw in _bound_flaws(one, practice))


_PLACES: Mapping[str, tuple[str, ...]] = {"fault": FAULTS, "shape": SHAPES, "client": CLIENTS}


def _modules(folder: Path) -> set[str]:
    """The names that a folder of self-registering files gives: its modules, with dashes."""
    return {path.stem.replace("_", "-") for path in folder.glob("*.py") if path.stem != "__init__"}


def _unknown_alarms(one: Scenario, family: Family) -> Iterator[Flaw]:
    for index, expected in enumerate(one.expect):
        if not family.knows(expected.alarm):
            yield _unknown(f"/expect/{index}/alarm", "alarm", expected.alarm, set(family.alarms))


def _unknown_parts(one: Scenario, known: Mapping[str, set[str]]) -> Iterator[Flaw]:
    uses = [("shape", "/load/shape", one.load.get("shape"))]
    for index, step in enumerate(one.schedule):
        if step.verb in ("fault", "client"):
            uses.append((step.verb, f"/schedule/{index}/{step.verb}", step.name))
        elif step.verb == "load":
            uses.append(("shape", f"/schedule/{index}/load/shape", step.dials.get("shape")))
    for what, pointer, name in uses:
        if name is not None and known[what] and name not in known[what]:
            yield _unknown(pointer, what, name, known[what])


def _unknown(pointer: str, what: str, name: str, known: set[str]) -> Flaw:
    near = get_close_matches(name, sorted(known), n=1)
    return Flaw(pointer, f"there is no {what} {name}", f"Did you mean {near[0]}?" if near else "")


def _bound_flaws(one: Scenario, practice: Definitions) -> Iterator[Flaw]:
    left = one.lasts - one.trouble.at
    for index, expected in enumerate(one.expect):
        pointer = f"/expect/{index}/fires_within"
        if expected.fires_within is None or PREFIX + expected.alarm not in practice.alarm_names:
            continue
        found = bound(practice, PREFIX + expected.alarm, expected.error_ratio)
        if found is None and expected.error_ratio is None:
            yield Flaw(pointer, f"depends on how many fail, and {expected.alarm} has no error_ratio", "Add it.")
        elif found is None:
            problem = f"{expected.alarm} never fires at an error_ratio of {expected.error_ratio:g}"
            yield Flaw(pointer, problem, "Break more, or expect another alarm.")
        elif expected.fires_within < found.whole:
            problem = f"{expected.fires_within} s is sooner than the alarm may need: {found.sum} s"
            yield Flaw(pointer, problem, f"Write {found.whole}.")
        elif expected.fires_within > left:
            problem = f"{expected.fires_within} s after the first step the run is over: it ends {left:g} s after it"
            yield Flaw(pointer, problem, "Let it last longer.")
