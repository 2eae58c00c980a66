"""What a run is asked to do, and the sums that every row makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.telemetry_sinks.client import Sinks
from bench.verify_telemetry.driven import Driven
from bench.verify_telemetry.result import OPERATION

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """``seconds`` of trouble at ``rate`` requests a second; ``twin``: beside a healthy process, slice by slice.

    ``folder`` is the row's own. ``say`` shows what is being done.
    """

    seconds: float
    rate: float
    http_rate: float
    twin: bool
    folder: Path
    say: Say
    drain_s: float = 60.0

    @property
    def patience(self) -> float:
        """Without a twin speed is not in question: other rows may run at the same time."""
        return 1.0 if self.twin else 3.0


SIGNALS = {"spans": "spans", "logs": "logs", "emf": "counts"}
"""The names of the signals in metrics, and in the tally."""


def counted(far: Sinks, metric: str) -> dict[str, int]:
    """What the services themselves counted as lost or dropped, by signal: the sums of a metric of theirs."""
    told = dict.fromkeys(SIGNALS.values(), 0)
    for series, value in far.tally()["sums"].items():
        name, *values = series.split("|")
        for signal in SIGNALS.keys() & values:
            if name == metric:
                told[SIGNALS[signal]] += round(value)
    return told


def losses(far: Sinks, drivers: Sequence[Driven]) -> tuple[dict[str, int], int]:
    """What these ended drivers' requests lack at the far end, by signal, and how many records came twice."""
    short = [driver.short() for driver in drivers]
    lost = {name: sum(one[name] for one in short) for name in ("spans", "logs")}
    tally = far.tally()
    asked = sum(driver.answered for driver in drivers)
    lost["counts"] = abs(asked - round(tally["sums"].get(OPERATION, 0)))
    return lost, sum(tally[name]["received"] - tally[name]["distinct"] for name in ("spans", "logs", "counts"))
