"""What a run folder holds, read with patience: a run that was killed leaves half a line, or no file at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.definitions.complaints import DefinitionsError
from kit.definitions.gamedays import Scenario
from kit.definitions.practice import PREFIX
from kit.errors import KitError
from kit.gameday.course import Course
from kit.gameday.journal import NAME, Line, moment, read
from kit.gameday.postmortem.model import Missing, Window
from kit.gameday.runs import scenario_of

SETTLING_S = 10.0
"""After a run's end its last requests are answered and counted for so long."""

_FAILED = 500
_NO_ANSWER = "no answer"
"""So the load generator's table of failures begins to tell of a connection that broke or a time that ran out."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its folder tells it. ``load`` are the lines of locust.jsonl; ``course`` needs a readable scenario."""

    folder: Path
    lines: tuple[Line, ...]
    load: tuple[Line, ...]
    scenario: Scenario | Missing
    course: Course | None
    failed: float | Missing
    unanswered: float | Missing
    unanswered_checkouts: float | Missing

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def blind(self) -> bool:
        """Whether its players must not be told which faults there are."""
        return self.name.endswith("-blind") or any(
            line.data.get("blind") is True for line in self.lines if line.kind == "run.started"
        )

    @property
    def ended(self) -> bool:
        """Whether it came to an end by itself."""
        return any(line.kind == "run.ended" for line in self.lines)

    @property
    def window(self) -> Window:
        """From the start of its load to its last line, and the seconds in which the last requests are counted.

        Before its load starts it may have waited for the end of trouble that was not its own.
        """
        times = [line.t for line in (*self.lines, *self.load)]
        begun = (line.t for line in self.lines if line.kind == "load.started")
        return Window(next(begun, min(times)), max(times) + SETTLING_S)

    @property
    def load_over(self) -> float:
        """When the load ended: after that nobody is expected."""
        ends = [line.t for line in self.load if line.kind == "end"] + [
            line.t for line in self.lines if line.kind in ("rollback", "run.ended")
        ]
        return min(ends, default=self.window.end)

    @property
    def trouble(self) -> float | None:
        """When the schedule's first step was taken."""
        if self.course is not None and self.course.trouble is not None:
            return self.course.trouble.t
        return next((line.t for line in (*self.lines, *self.load) if line.kind == "fault.set"), None)


def read_run(folder: Path, *, practice: bool) -> Run:
    """Raises KitError when there is no journal, or nothing in it."""
    lines = tuple(sorted(read(folder / NAME), key=lambda line: (line.t, line.seq)))
    if not lines:
        raise KitError(str(folder / NAME), "holds no line", "Name a run that was played: kit gameday report")
    scenario: Scenario | Missing
    try:
        scenario = scenario_of(folder)
    except (KitError, DefinitionsError, OSError) as error:
        scenario = Missing(f"the run's scenario cannot be read: {error}")
    course = None if isinstance(scenario, Missing) else Course(scenario, PREFIX if practice else "", lines)
    load = _load(folder / "locust.jsonl")
    return Run(
        folder,
        lines,
        load,
        scenario,
        course,
        _counted(folder, failed_ids),
        _unanswered(folder / "locust_failures.csv"),
        _counted(folder, unanswered_ids),
    )


def _load(path: Path) -> tuple[Line, ...]:
    try:
        raw = path.read_bytes().splitlines()
    except OSError:
        return ()
    found = (_line(number, one) for number, one in enumerate(raw))
    return tuple(line for line in found if line is not None)


def _line(number: int, raw: bytes) -> Line | None:
    try:
        told: Any = json.loads(raw)
        return Line(moment(told["t"]), "", number, str(told["kind"]), "locust", None, dict(told.get("data", {})))
    except (ValueError, KeyError, TypeError):
        return None


def _counted(folder: Path, ids: Callable[[Path], Sequence[str]]) -> float | Missing:
    """How many checkouts of Locust's are such, each request id once."""
    files = sorted(folder.glob("requests*.csv"))
    if not files:
        return Missing("the run kept no requests.csv")
    return float(len({id_ for path in files for id_ in ids(path)}))


def _unanswered(path: Path) -> float | Missing:
    """How many requests of any kind got no answer, by Locust's own table of failures."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = [row for row in csv.DictReader(file) if _NO_ANSWER in (row.get("Error") or "")]
            return float(sum(int(row.get("Occurrences") or 0) for row in rows))
    except (OSError, ValueError, csv.Error):
        return Missing(f"the run kept no {path.name} that can be read")


def failed_ids(path: Path) -> Sequence[str]:
    """The ids of the requests in a ledger whose answer was 500 or above; rows that cannot be read are left out."""
    return [id_ for id_, status, _ in _rows(path) if status >= _FAILED]


def unanswered_ids(path: Path) -> Sequence[str]:
    """Likewise those that got no answer, without those that the run's end has broken off."""
    return [id_ for id_, status, ok in _rows(path) if status == 0 and ok == "0"]


def _rows(path: Path) -> Iterator[tuple[str, int, str]]:
    """Request id, status and ``ok`` of each row of a ledger that can be read."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            status = row.get("status") or ""
            if status.isdigit() and row.get("request_id"):
                yield str(row["request_id"]), int(status), row.get("ok") or ""
