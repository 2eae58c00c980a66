"""A scenario, a journal, a stage, a far end for faults and load, and a world whose clock is moved by the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

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
from kit.settings import Settings, load

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


class Far(BaseHTTPRequestHandler):
    """A fault control and a Locust in one."""

    def _answer(self, status: int, body: Any = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        state: Any = self.server
        if self.path == "/gameday/state":
            word = "spawning" if state.users else "stopped"
            self._answer(200, {"state": word, "users": 0, "target_users": state.users})
        elif self.headers.get("Authorization") != "Bearer right":
            self._answer(401, {})
        else:
            known = [{"name": "payment-errors"}]
            self._answer(200, {"service": "shop", "known": known, "active": [{"name": n} for n in state.active]})

    def do_POST(self) -> None:
        state: Any = self.server
        if self.path == "/stop":
            state.users = 0
            self._answer(200, {"success": True})
            return
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        state.users = int(form["user_count"][0])
        self._answer(200, {"success": True})

    def do_DELETE(self) -> None:
        state: Any = self.server
        state.active.clear()
        self._answer(204)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def far() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Far)
    server.active, server.users = ["payment-errors"], 40
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


STAGE = """
account: "123456789012"
region: us-east-1
environment: local
scale: {scale}
faults: {faults}
protected: {protected}
shop_url: http://127.0.0.1:1
fault_urls: {{shop: {url}}}
"""


def settings_of(root: Path, url: str = "http://127.0.0.1:1", **changes: str) -> Settings:
    (root / "stages").mkdir(exist_ok=True)
    usual = {"scale": "practice", "faults": "allowed", "protected": "false"}
    (root / "stages" / "local.yaml").write_text(STAGE.format(url=url, **usual | changes))
    return load({"FAULTS_TOKEN": "right"}, root)
