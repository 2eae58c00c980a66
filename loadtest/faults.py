"""The faults of one run: set, lifted, kept alive by heartbeats while Locust lives, and written into the journal.

Nothing here has to succeed for a fault to end. Each has an expiry and belongs to the run: when its heartbeats stop,
because Locust was killed, it is over after ``LEASE_S`` seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import gevent
from gevent.lock import RLock

from loadtest.controls import DIALS, LEASE_S, Control, ControlError, Controls
from loadtest.journal import Journal

BEAT_EVERY_S = 3.0

EXPIRES_IN_S = 600
"""What the fault controls take when nothing is said."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InForce:
    """A fault this run has set in one service."""

    since: float
    expires_at: float


class Faults:
    """What this run has broken. Methods raise ControlError where they say so."""

    def __init__(self, controls: Controls, run: str, journal: Journal) -> None:
        self.controls = controls
        self.run = run
        self._journal = journal
        self._set: dict[tuple[str, str], InForce] = {}
        self._active: dict[str, list[dict[str, Any]] | str] = {}
        self.changing = RLock()
        """Held while a fault is set or lifted: who has it can stop others without cutting a request in two."""
        self._closed = False
        self._lifting_due = False

    def keep_alive(self) -> None:
        """Send heartbeats from now on, for each control apart: one that hangs must not cost another's faults."""
        for control in self.controls:
            gevent.spawn(self._beat_on, control)

    def set(self, name: str, dials: Mapping[str, Any], by: str) -> None:
        """Set a fault in every service that knows it; ``dials`` as in the API's body. Raises ControlError."""
        with self.changing:
            if self._closed:
                raise ControlError("the run is over")
            for control in self.controls.knowing(name, dials):
                since = monotonic()
                entry = control.set(name, {**dials, "run": self.run})
                # As asked for: the answer's expires_in_s is cut to the heartbeat's.
                expires_in_s = float(dials.get("expires_in_s") or EXPIRES_IN_S)
                self._set[control.url, name] = InForce(since, time() + expires_in_s)
                told = {dial: entry[dial] for dial in (*DIALS, "scope") if entry.get(dial)}
                self._journal.note(
                    "fault.set", fault=name, service=control.service, **told, expires_in_s=expires_in_s, by=by
                )
                # Only for the page: it is set, whether this succeeds or not.
                with suppress(ControlError):
                    self._look_at(control)

    def lift(self, name: str | None, by: str) -> None:
        """Lift one fault of this run, or all of them; raises ControlError when a service can't be asked."""
        with self.changing:
            failed: ControlError | None = None
            for control in self.controls:
                try:
                    self._lift_in(control, name, by)
                except ControlError as error:
                    failed = error
            if failed:
                raise failed

    def lift_at_end(self, *, for_good: bool = False) -> None:
        """Lift all that can be reached, and say what can't; ``for_good``: let nothing more be set."""
        with self.changing:
            self._closed = self._closed or for_good
            try:
                self.lift(None, "end of the run")
                self._lifting_due = False
            except ControlError as error:
                if self._set and not self._lifting_due:
                    logger.error("%s; what is not lifted ends with its expiry, or %d s after Locust", error, LEASE_S)
                self._lifting_due = True

    def left(self) -> list[str]:
        """The names of the faults that this run has set and not seen lifted."""
        return sorted({name for _, name in self._set})

    def view(self) -> list[dict[str, Any]]:
        """Each service as it was seen last: the faults it knows, and those in force, or what is wrong with it."""
        services = []
        for control in self.controls:
            seen = self._active.get(control.url, [])
            active, problem = ([], seen) if isinstance(seen, str) else (seen, None)
            known = list(control.known.values())
            services.append({"service": control.service, "known": known, "active": active, "problem": problem})
        return services

    def _lift_in(self, control: Control, name: str | None, by: str) -> None:
        ours = {fault["name"] for fault in control.listing() if fault.get("run") == self.run}
        for fault in sorted(ours) if name is None else ours & {name}:
            control.lift(fault)
            if self._set.pop((control.url, fault), None):
                self._journal.note("fault.lifted", fault=fault, service=control.service, by=by)
        self._look_at(control)

    def _beat_on(self, control: Control) -> None:
        healthy = True
        while True:
            try:
                if self._lifting_due:
                    self.lift_at_end()
                control.beat(self.run)
                self._look_at(control)
                healthy = True
            except ControlError as error:
                self._active[control.url] = str(error)
                if healthy:
                    logger.warning("%s; its faults end by themselves after %d s of this", error, LEASE_S)
                healthy = False
            gevent.sleep(BEAT_EVERY_S)

    def _look_at(self, control: Control) -> None:
        """See what is in force, and note what ended without us: by expiry, by others, or for want of heartbeats."""
        asked = monotonic()
        active = control.listing()
        self._active[control.url] = active
        there = {fault["name"] for fault in active if fault.get("run") == self.run}
        for (url, name), fault in list(self._set.items()):
            if url == control.url and name not in there and fault.since < asked:
                del self._set[url, name]
                expired = fault.expires_at <= time()
                by = "expiry" if expired else "somebody else, or missed heartbeats"
                at = fault.expires_at if expired else None
                self._journal.note("fault.lifted", at=at, fault=name, service=control.service, by=by)
