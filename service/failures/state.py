"""The state file: what is set, until when. The control process alone writes it; every worker reads it.

Whatever is wrong with the file, readers see no faults: a broken control must not break the service.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

LOOK_EVERY_S = 0.25


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which requests a fault may hit: those of one operation (``POST /charges``), of one client, or both."""

    operation: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    client: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Setting(msgspec.Struct, frozen=True):
    """A fault as it is set. Times are epoch seconds; ``run`` names who must keep sending heartbeats.

    The dials: ``percent`` of the requests in scope, ``ms`` milliseconds, ``mb`` mebibytes, ``n`` a number of things.
    None is for a dial that was not turned.
    """

    expires_at: float
    percent: float | None = None
    ms: int | None = None
    mb: int | None = None
    n: int | None = None
    scope: Scope = Scope()
    run: str | None = None


class State(msgspec.Struct, frozen=True):
    """All that is set, by fault name, and until when each run's last heartbeat holds."""

    version: Literal[1] = 1
    faults: dict[str, Setting] = {}
    runs: dict[str, float] = {}

    def ends_at(self, setting: Setting) -> float:
        """When a setting ends by itself: its expiry, or earlier, when its run falls silent."""
        return setting.expires_at if setting.run is None else min(setting.expires_at, self.runs.get(setting.run, 0.0))

    def live(self, now: float) -> State:
        """The same without what has ended by ``now``."""
        faults = {name: setting for name, setting in self.faults.items() if self.ends_at(setting) > now}
        return State(faults=faults, runs={run: until for run, until in self.runs.items() if until > now})


def load(path: Path) -> State:
    """What the file says; nothing set when it is absent, unreadable or of another version."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()


def save(path: Path, state: State) -> None:
    """Replace the file in one step, so that no reader ever sees half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(path)


class Reader:
    """What is in force now, for the request path: no lock, and at most four looks at the file a second.

    Expiry is checked at each call, so a fault ends on time even if its control process is gone.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._state = State()
        self._next_look = 0.0

    def active(self) -> Mapping[str, Setting]:
        """The faults in force, by name."""
        now = self._clock()
        # A look is due also when the clock was set back. Two threads that look at once read the same; that is cheaper
        # than a lock. The file is read whole each time: what its inode and times say can miss a quick second change.
        if not self._next_look - LOOK_EVERY_S <= now < self._next_look:
            self._state = load(self._path)
            self._next_look = now + LOOK_EVERY_S
        state = self._state
        if not state.faults:
            return _NOTHING
        return state.live(now).faults


_NOTHING: Mapping[str, Setting] = MappingProxyType({})
