"""Read gamedays/*.yaml: one scenario a file, every complaint about it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kit.definitions.cases_schema import schema_flaws
from kit.definitions.cases_yaml import read_yaml
from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.gamedays import DIALS, EVERYTHING, FOLDER, VERBS, Expectation, Hint, Pages, Scenario, Step
from kit.definitions.practice import PREFIX
from kit.definitions.structure import Flaw
from kit.errors import KitError

_CLAIMS = ("fires_within", "never", "held_back")


def read_scenario(path: Path, file: str, *, copied: bool = False) -> Scenario | list[Complaint]:
    """The scenario of a file, or all that is wrong with it. ``file`` is how complaints call it.

    ``copied``: it lies in a run's folder, under another name than its own.
    """
    document = read_yaml(path, file)
    if isinstance(document, Complaint):
        remedy = document.remedy.replace("Write alarms: and cases:", "Write a scenario, as `kit schema gameday` says,")
        return [Complaint(file, document.pointer, document.problem, remedy)]
    flaws = list(schema_flaws("gameday", document.value))
    if not flaws:
        flaws = list(_flaws(document.value, None if copied else path.stem))
    if flaws:
        return [document.complaint(file, flaw.pointer, flaw.problem, flaw.remedy) for flaw in flaws]
    return _scenario(path, file, document.value)


def read_gamedays(root: Path) -> tuple[Scenario, ...]:
    """All scenarios of ``root``/gamedays, by name.

    Raises DefinitionsError with every complaint about any of them, and KitError when there is no such folder.
    """
    found: list[Scenario] = []
    complaints: list[Complaint] = []
    for path in paths(root):
        one = read_scenario(path, f"{FOLDER}/{path.name}")
        if isinstance(one, Scenario):
            found.append(one)
        else:
            complaints += one
    if complaints:
        raise DefinitionsError(complaints)
    return tuple(found)


def find_scenario(root: Path, name: str) -> Scenario:
    """The scenario of this name. One that is spoilt doesn't keep the others from being played.

    Raises KitError with the nearest names when there is none, DefinitionsError when its file is wrong.
    """
    known = {path.stem: path for path in paths(root)}
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "See `kit gameday list`."
        raise KitError(name, "no such scenario", remedy)
    found = read_scenario(known[name], f"{FOLDER}/{name}.yaml")
    if not isinstance(found, Scenario):
        raise DefinitionsError(found)
    return found


def paths(root: Path) -> list[Path]:
    """The files of scenarios. Raises KitError when there is no such folder."""
    if not (root / FOLDER).is_dir():
        raise KitError(f"{FOLDER}/", f"no such folder in {root}", "Change to the project's folder.")
    return sorted((root / FOLDER).glob("*.yaml"))


def _flaws(raw: Mapping[str, Any], stem: str | None) -> Iterator[Flaw]:
    if stem is not None and raw["name"] != stem:
        yield Flaw("/name", f"is {raw['name']}, and the file is called {stem}.yaml", "Name both alike.")
    yield from _schedule_flaws(raw["schedule"])
    yield from _expect_flaws(raw["expect"])


def _schedule_flaws(steps: Sequence[Mapping[str, Any]]) -> Iterator[Flaw]:
    before: float = 0
    active: dict[str, set[str]] = {"lift": set(), "stop": set()}
    for index, step in enumerate(steps):
        pointer = f"/schedule/{index}"
        yield from (Flaw(pointer + flaw.pointer, flaw.problem, flaw.remedy) for flaw in _step_flaws(step))
        if step["at"] < before:
            yield Flaw(f"{pointer}/at", f"{step['at']:g} is before the step above it", "Put them in order of time.")
        before = max(before, step["at"])
        active["lift"] |= {step["fault"]} if "fault" in step else set()
        active["stop"] |= {step["client"]} if "client" in step else set()
        for verb, names in active.items():
            if verb in step and step[verb] not in {*names, *({EVERYTHING} if verb == "lift" and names else ())}:
                remedy = f"Set there are {', '.join(sorted(names)) or 'none'}."
                yield Flaw(f"{pointer}/{verb}", f"{step[verb]} is not set at this time", remedy)
        if step.get("lift") == EVERYTHING:
            active["lift"].clear()
        for verb, names in active.items():
            names.discard(step.get(verb, ""))
        if "end" in step and index < len(steps) - 1:
            yield Flaw(f"{pointer}/end", "steps come after it", "Put end last.")
    if "end" not in steps[-1]:
        yield Flaw("/schedule", "has no end", "Add a last step such as {at: 480, end: true}.")
    elif len(steps) == 1:
        yield Flaw("/schedule", "does nothing before its end", "Add a step such as {at: 60, fault: noop}.")


def _step_flaws(step: Mapping[str, Any]) -> Iterator[Flaw]:
    verbs = [verb for verb in VERBS if verb in step]
    if len(verbs) != 1:
        found = f"has {' and '.join(verbs)}" if verbs else "says nothing but when"
        yield Flaw("", f"{found}: one of {', '.join(VERBS)} is needed", "Write a step for each.")
        return
    for verb, dials in DIALS.items():
        if verb != verbs[0]:
            yield from (Flaw(f"/{dial}", f"{dial} belongs to a {verb}", "Remove it.") for dial in dials if dial in step)


def _expect_flaws(entries: Sequence[Mapping[str, Any]]) -> Iterator[Flaw]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        pointer = f"/expect/{index}"
        claims = [claim for claim in _CLAIMS if claim in entry]
        if not claims or ("never" in claims and len(claims) > 1):
            found = f"has {' and '.join(claims)}" if claims else "expects nothing"
            remedy = "Give fires_within or never; held_back may stand beside fires_within."
            yield Flaw(pointer, found, remedy)
        if "error_ratio" in entry and "fires_within" not in entry:
            yield Flaw(f"{pointer}/error_ratio", "belongs to fires_within", "Remove it.")
        if entry["alarm"].startswith(PREFIX):
            remedy = f"Write {entry['alarm'].removeprefix(PREFIX)}."
            yield Flaw(f"{pointer}/alarm", f"the prefix {PREFIX} is added by the stage's scale", remedy)
        if entry["alarm"] in seen:
            yield Flaw(f"{pointer}/alarm", f"{entry['alarm']} is expected twice", "Make one entry of them.")
        seen.add(entry["alarm"])


def _scenario(path: Path, file: str, raw: Mapping[str, Any]) -> Scenario:
    pages = raw.get("pages")
    return Scenario(
        path=path,
        file=file,
        name=raw["name"],
        summary=raw["summary"],
        hypothesis=raw["hypothesis"],
        lesson=raw["lesson"],
        runbook=raw.get("runbook"),
        load=raw["load"],
        schedule=tuple(_step(step) for step in raw["schedule"]),
        expect=tuple(Expectation(**entry) for entry in raw["expect"]),
        pages=Pages(next(iter(pages.values())), exactly="exactly" in pages) if pages else None,
        signal=raw["first_signal"],
        hints=tuple(Hint(**hint) for hint in raw["hints"]),
        answers=raw["answers"],
        blind=raw.get("blind", True),
    )


def _step(raw: Mapping[str, Any]) -> Step:
    verb = next(verb for verb in VERBS if verb in raw)
    if verb == "load":
        return Step(raw["at"], verb, dials=raw["load"])
    name = "" if verb == "end" else raw[verb]
    return Step(raw["at"], verb, name, {dial: raw[dial] for dial in DIALS.get(verb, ()) if dial in raw})
