"""The part of a scenario file that the load generator reads: ``name``, ``load`` and ``schedule``.

The rest of the file (what is expected of the alarms, hints, answers) is for others and is passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from loadtest import clients, shapes
from loadtest.controls import DIALS

EVERYTHING = "all"
"""``lift: all`` lifts every fault of the run."""

LONGEST_S = 3_600
"""The fault control lets no fault live longer."""

EXPIRY_MARGIN_S = 60
"""How long after its planned end a fault ends by itself, in case that nobody is left to lift it."""

Seconds = Annotated[float, Meta(ge=0, le=7 * 86_400)]
Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]


class ScenarioError(Exception):
    """The file cannot be used. Its text is one line that names the file and what is wrong."""


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many customers: ``users`` at the shape's full height. What is left out stays as it was."""

    shape: Name | None = None
    users: Annotated[int, Meta(ge=0, le=10_000)] | None = None

    def __post_init__(self) -> None:
        if self.shape is not None and self.shape not in shapes.names():
            raise ValueError(f"no shape {self.shape!r}, there are {', '.join(shapes.names())}")


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom a fault hits: one operation (``POST /checkout``), one client, or, left out, the fault's own choice."""

    operation: str | None = None
    client: str | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing done ``at`` so many seconds after the load began. It has exactly one of the six verbs.

    ``fault`` takes its dials (``percent``, ``ms``, ``mb``, ``n``), ``scope`` and ``expires`` in seconds. A
    ``client`` takes ``rate``, which its own docstring explains. The other verbs take nothing.
    """

    at: Seconds
    fault: Name | None = None
    lift: Name | None = None
    load: Load | None = None
    client: Name | None = None
    stop: Name | None = None
    end: bool = False
    percent: Annotated[float, Meta(gt=0, le=100)] | None = None
    ms: Annotated[int, Meta(ge=0)] | None = None
    mb: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=0)] | None = None
    scope: Scope | None = None
    expires: Annotated[float, Meta(ge=1, le=LONGEST_S)] | None = None
    rate: Annotated[int, Meta(ge=1, le=1_000)] | None = None

    def __post_init__(self) -> None:
        verbs = [verb for verb in ("fault", "lift", "load", "client", "stop", "end") if getattr(self, verb)]
        if len(verbs) != 1:
            raise ValueError("a step has exactly one of fault, lift, load, client, stop and end: true")
        dials = {"fault": {*DIALS, "scope", "expires"}, "client": {"rate"}}.get(verbs[0], set())
        for dial in (*DIALS, "scope", "expires", "rate"):
            if getattr(self, dial) is not None and dial not in dials:
                raise ValueError(f"{verbs[0]} has no {dial}")
        for client in (self.client, self.stop):
            if client is not None and client not in clients.names():
                raise ValueError(f"no client {client!r}, there are {', '.join(clients.names())}")

    @property
    def dials(self) -> dict[str, float]:
        """How a fault's dials are turned, as far as the step says."""
        return {dial: getattr(self, dial) for dial in DIALS if getattr(self, dial) is not None}

    @property
    def text(self) -> str:
        """What the step does, in a few words."""
        if self.fault:
            return " ".join(("set", self.fault, *(f"{dial} {value:g}" for dial, value in self.dials.items())))
        if self.load:
            users = None if self.load.users is None else f"{self.load.users} users"
            return " ".join(("load:", *filter(None, (self.load.shape, users))))
        if self.client:
            return f"start {self.client}"
        return f"stop {self.stop}" if self.stop else f"lift {self.lift}" if self.lift else "end"


class Scenario(msgspec.Struct, frozen=True):
    """Steps in the order of their time; steps of one moment keep the file's order."""

    name: Name
    load: Load = Load()
    schedule: list[Step] = []

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "schedule", sorted(self.schedule, key=lambda step: step.at))

    def faults(self) -> list[Step]:
        """The steps that set a fault."""
        return [step for step in self.schedule if step.fault]

    def expires_in_s(self, step: Step) -> float | None:
        """When a fault set by ``step`` ends by itself, in seconds: a while after it should have been lifted."""
        if step.expires is not None:
            return step.expires
        ends = (
            other.at - step.at
            for other in self.schedule
            if other.at > step.at and (other.lift in {step.fault, EVERYTHING} or other.end)
        )
        end = next(ends, None)
        return None if end is None else min(LONGEST_S, end + EXPIRY_MARGIN_S)


def read(path: Path) -> Scenario:
    """The scenario in a file; raises ScenarioError."""
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
        return msgspec.convert(document, Scenario)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: is not UTF-8 text.") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"{path}{where}: is not YAML: {getattr(error, 'problem', None) or 'unreadable'}.") from None
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{path}: {error}.") from None
