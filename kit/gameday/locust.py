"""The Locust of a run: started under its guardian, and what it writes into ``locust.jsonl``, line by line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday.controls import controls, token
from kit.gameday.guardian import ENDS_WITHIN_S, LOCUST_PID
from kit.gameday.journal import moment
from kit.gameday.runs import SCENARIO
from kit.settings import Settings, shop_url

ONLY_FAULTS = "schedule.yaml"


@dataclass(frozen=True, slots=True)
class Event:
    """A line of ``locust.jsonl``: fault.set, fault.lifted, load.stage or end."""

    t: float
    kind: str
    data: Mapping[str, Any]


class Locust:
    """One run's load and schedule."""

    def __init__(self, settings: Settings, scenario: Scenario, folder: Path, *, blind: bool, load: bool) -> None:
        self._settings = settings
        self._scenario = scenario
        self._folder = folder
        self._blind = blind
        self._load = load
        self._guardian: subprocess.Popen[bytes] | None = None
        self._read = 0

    def start(self, paused: int) -> None:
        """Start it; ``paused`` are the users of the steady load, for the guardian to bring back."""
        settings = self._settings
        self._guardian = subprocess.Popen(
            [
                *(sys.executable, "-m", "kit.gameday.guardian"),
                *(str(settings.root), settings.stage.name, str(self._folder), str(paused)),
            ],
            cwd=settings.root,
            env=self._environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "LOADTEST_"))}
        settings = self._settings
        return kept | {
            "LOADTEST_SCENARIO": str(self._folder / (SCENARIO if self._load else self._without_load())),
            "LOADTEST_RUN_DIR": str(self._folder),
            "LOADTEST_RUN_ID": self._folder.name,
            "LOADTEST_FAULT_URL": f"[{','.join(control.url for control in controls(settings))}]",
            "FAULTS_TOKEN": token(settings),
            "LOCUST_HOST": shop_url(settings),
            "LOCUST_CSV": str(self._folder / "locust"),
            # Failed checkouts are what a game day is about; its own exit code 1 still means a step that failed.
            "LOCUST_EXIT_CODE_ON_ERROR": "0",
            "LOCUST_ONLY_SUMMARY": "true",
            **({"LOADTEST_BLIND": "true"} if self._blind else {}),
        }

    def _without_load(self) -> str:
        """A schedule of the faults alone: the traffic is somebody else's."""
        document = yaml.safe_load((self._folder / SCENARIO).read_text(encoding="utf-8"))
        steps = [step for step in document["schedule"] if "load" not in step]
        alone = {"name": document["name"], "load": {"shape": "steady", "users": 0}, "schedule": steps}
        (self._folder / ONLY_FAULTS).write_text(yaml.safe_dump(alone, sort_keys=False), encoding="utf-8")
        return ONLY_FAULTS

    def events(self) -> list[Event]:
        """What it wrote since the last call; a line that isn't whole yet waits."""
        with contextlib.suppress(FileNotFoundError), (self._folder / "locust.jsonl").open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            return [event for event in map(_event, whole.splitlines()) if event is not None]
        return []

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._guardian is None else self._guardian.poll()

    def last_words(self) -> str:
        """The last line of its log."""
        with contextlib.suppress(OSError):
            lines = (self._folder / "locust.log").read_text(encoding="utf-8", errors="replace").splitlines()
            return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
        return "it wrote nothing"

    def stop(self) -> None:
        """End it, and its guardian; both may be dead already."""
        guardian, self._guardian = self._guardian, None
        if guardian is None:
            return
        with contextlib.suppress(OSError, ValueError):
            if guardian.stdin is not None:
                guardian.stdin.write(b"stop\n")
                guardian.stdin.close()
        try:
            guardian.wait(ENDS_WITHIN_S + 5)
        except subprocess.TimeoutExpired:
            guardian.kill()
            guardian.wait()
        end_orphan(self._folder)


def end_orphan(folder: Path) -> None:
    """End the Locust of a run whose guardian is gone; nothing happens when it has ended, too."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        locust = psutil.Process(int((folder / LOCUST_PID).read_text(encoding="ascii")))
        # The number may be another program's by now.
        if not any("locustfile" in word for word in locust.cmdline()):
            return
        locust.terminate()
        _, alive = psutil.wait_procs([locust], timeout=ENDS_WITHIN_S)
        for one in alive:
            one.kill()


def _event(raw: bytes) -> Event | None:
    try:
        found = json.loads(raw)
        return Event(moment(found["t"]), str(found["kind"]), dict(found["data"]))
    except (ValueError, KeyError, TypeError):
        return None


def require_load(settings: Settings) -> None:
    """Raise KitError when the load generator's files aren't there."""
    if not (settings.root / "loadtest" / "locustfile.py").is_file():
        raise KitError("loadtest/locustfile.py", "not there", "Change to the project's folder.")
