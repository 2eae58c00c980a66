"""Run folders: ``.kit/runs/<UTC>-<scenario>/``, and the lock that lets one run go at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kit.definitions.complaints import DefinitionsError
from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_reading import read_scenario
from kit.errors import KitError
from kit.gameday.journal import NAME

SCENARIO = "scenario.yaml"
LATEST = "latest"


def folder_of_runs(state_dir: Path) -> Path:
    """Where runs are kept."""
    return state_dir / "runs"


def new_run(state_dir: Path, scenario: Scenario, now: float, *, blind: bool) -> Path:
    """Make the folder of a run, with a copy of its scenario. A blind round's name doesn't tell which it is."""
    when = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = folder_of_runs(state_dir) / f"{when}-{'blind' if blind else scenario.name}"
    try:
        folder.mkdir(parents=True, mode=0o700)
        (folder / SCENARIO).write_bytes(scenario.path.read_bytes())
    except FileExistsError:
        raise KitError(str(folder), "a run of this second is there already", "Start it again.") from None
    except OSError as error:
        raise KitError(
            str(folder), f"cannot be made: {error.strerror}", "Make room, or mend the permissions."
        ) from error
    return folder


def all_runs(state_dir: Path) -> list[Path]:
    """The folders of all runs, oldest first."""
    return sorted(path.parent for path in folder_of_runs(state_dir).glob(f"*/{NAME}"))


def find_run(state_dir: Path, name: str) -> Path:
    """The folder of a run by its name, by its path, or the ``latest``. Raises KitError with what is near."""
    runs = all_runs(state_dir)
    if not runs:
        raise KitError(name, "there are no runs here", "Play one: kit gameday run payment-errors")
    if name == LATEST:
        return runs[-1]
    for run in runs:
        if name == run.name or Path(name).resolve() == run.resolve():
            return run
    matching = [run for run in runs if run.name.endswith(f"-{name}")]
    if matching:
        return matching[-1]
    near = get_close_matches(name, [run.name for run in runs], n=1) or [runs[-1].name]
    raise KitError(name, "no such run", f"Did you mean {near[0]}? `latest` is the last one.")


def scenario_of(run: Path) -> Scenario:
    """The scenario as it was played. Raises DefinitionsError when its copy has been spoilt."""
    found = read_scenario(run / SCENARIO, f"{run.name}/{SCENARIO}", copied=True)
    if not isinstance(found, Scenario):
        raise DefinitionsError(found)
    return found


def lock_file(state_dir: Path) -> Path:
    """Who plays: `{"pid", "run", "folder", "paused"}`; ``paused`` are the users of the steady load."""
    return state_dir / "gameday.lock"


@contextlib.contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the lock of this project folder; the kernel gives it back however this process ends. Raises KitError."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with lock_file(state_dir).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = holder(state_dir)
            raise KitError(
                "kit gameday run",
                f"a run is going on already: {who.get('run', '?')} (process {who.get('pid', '?')})",
                "Wait for its end, or end it: kit gameday stop",
            ) from error
        # What a killed run has paused stays noted until it goes on again.
        note_holder(state_dir, pid=os.getpid(), run="a run that is about to begin")
        yield


def going_on(state_dir: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        with lock_file(state_dir).open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def note_holder(state_dir: Path, **facts: Any) -> None:
    """Add facts to what the lock file says."""
    lock_file(state_dir).write_text(json.dumps(holder(state_dir) | facts), encoding="utf-8")


def holder(state_dir: Path) -> dict[str, Any]:
    """What the lock file says; of a run that was killed it stays there."""
    try:
        found = json.loads(lock_file(state_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
