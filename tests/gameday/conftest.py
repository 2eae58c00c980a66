"""A scenario, a journal and a world without a network, whose clock is moved by the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_reading import read_scenario
from kit.errors import KitError
from kit.gameday.journal import Journal
from kit.gameday.locust import Event
from kit.gameday.preflight import Check
from kit.gameday.runner import Parts, Runner
from kit.gameday.vitals import Vitals
from kit.gameday.watch import Change, Sent

START = 1_800_000_000.0

DOCUMENT: dict[str, Any] = {
    "name": "brownout",
    "summary": "Something fails.",
    "hypothesis": "It is seen.",
    "lesson": "Look.",
    "load": {"shape": "steady", "users": 40},
    "schedule": [
        {"at": 60, "fault": "payment-errors", "percent": 30},
        {"at": 200, "lift": "payment-errors"},
        {"at": 260, "end": True},
    ],
    "expect": [
        {"alarm": "fast", "fires_within": 133},
        {"alarm": "slow", "fires_within": 200, "held_back": True},
        {"alarm": "other", "never": True},
    ],
    "pages": {"exactly": 1},
    "first_signal": {"metric": "Fault"},
    "hints": [{"cost": 5, "text": "Where?"}],
    "answers": {"where": "payments", "what": "errors"},
}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "brownout.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    found = read_scenario(path, "gamedays/brownout.yaml")
    assert isinstance(found, Scenario)
    return found


@dataclass
class World:
    """What the runner meets. ``plan`` says what Locust does when, ``news`` what AWS tells; seconds since the start."""

    plan: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    alarms: list[tuple[float, Change | Sent]] = field(default_factory=list)
    ends: float | None = 261.0
    code: int = 0
    now: float = START
    stop_at: float = float("inf")
    preflight: Callable[[], Sequence[Check]] = lambda: [Check("all", True, "well")]
    deaf: tuple[float, float] = (0, 0)
    breaks_at: float = float("inf")
    begun: float | None = None
    stopped: int = 0
    taken_back: list[int] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def start(self, paused: int) -> None:
        self.begun = self.now

    @property
    def since(self) -> float:
        return self.now - START

    def events(self) -> list[Event]:
        if self.begun is None:
            return []
        due = [one for one in self.plan if one[0] <= self.since]
        self.plan = [one for one in self.plan if one[0] > self.since]
        return [Event(START + at, kind, data) for at, kind, data in due]

    def ended(self) -> int | None:
        return self.code if self.ends is not None and self.since >= self.ends else None

    def stop(self) -> None:
        self.stopped += 1

    def last_words(self) -> str:
        return "it said so"

    def news(self, now: float) -> list[Change | Sent]:
        if self.deaf[0] <= self.since < self.deaf[1]:
            raise KitError("AWS", "no answer")
        if self.since >= self.breaks_at:
            raise RuntimeError("a mistake of ours")
        due = [one for at, one in self.alarms if at <= self.since]
        self.alarms = [pair for pair in self.alarms if pair[0] > self.since]
        return due

    def take_back(self, paused: int) -> Mapping[str, Any]:
        self.taken_back.append(paused)
        return {"lifted": ["shop"], "unreachable": [], "left": [], "paused": paused, "resumed": paused}

    def runner(self, scenario: Scenario, journal: Journal) -> Runner:
        parts = Parts(
            now=lambda: self.now,
            sleep=self.sleep,
            stopped=lambda: self.since >= self.stop_at,
            preflight=self.preflight,
            load=self,
            watcher=lambda _: self,
            vitals=lambda _: Vitals(47, 400, 0.0, 0.0, 3),
            pause=lambda: 40,
            take_back=self.take_back,
        )
        return Runner(scenario, "practice-", journal, parts)


@pytest.fixture
def empty() -> Callable[..., World]:
    """Makes a world in which Locust plays the scenario; the alarms are the caller's."""
    fault = {"fault": "payment-errors", "service": "payments", "percent": 30}

    def make(**changes: Any) -> World:
        plan: list[tuple[float, str, dict[str, Any]]] = [
            (0, "load.stage", {"shape": "steady", "users": 40}),
            (60, "fault.set", fault),
            (200, "fault.lifted", {"fault": "payment-errors", "service": "payments", "by": "schedule"}),
            (260, "end", {"reason": "finished", "not_lifted": []}),
        ]
        return World(plan=plan, **changes)

    return make


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    (tmp_path / "run").mkdir()
    return Journal(tmp_path / "run", "run")
