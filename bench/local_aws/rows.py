"""One line of the comparison: the samples of every server, their medians, and whether the target is met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

OURS = ("kit", "kit --data")


@dataclass(frozen=True)
class Target:
    """``factor`` × the peer: at least so much better, or with ``at_most`` no more than so much of it."""

    peer: str
    factor: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.factor:g}× {self.peer}"


@dataclass
class Row:
    """``name`` in ``unit``; ``rising`` tells whether more is better."""

    name: str
    unit: str
    rising: bool
    target: Target | None = None
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, str] = field(default_factory=dict)

    def median(self, server: str) -> float | None:
        """The middle of this server's samples; None for one that failed or was not asked."""
        return median(self.samples[server]) if server not in self.failed and self.samples.get(server) else None

    def cpu(self, server: str) -> float | None:
        """The middle of the server's CPU milliseconds a call."""
        return median(self.cpu_ms[server]) if server not in self.failed and self.cpu_ms.get(server) else None

    def ratio(self, server: str) -> float | None:
        """How this server compares with the target's peer, as the target counts; None if either has no number."""
        mine, peer = self.median(server), self.median(self.target.peer) if self.target else None
        if not mine or not peer or self.target is None:
            return None
        return mine / peer if self.rising or self.target.at_most else peer / mine

    def verdicts(self) -> Mapping[str, bool | None]:
        """For each of ours that was measured or failed: met, missed, or None where the peer gave no number."""
        if self.target is None:
            return {}
        found: dict[str, bool | None] = {}
        for server in OURS:
            ratio = self.ratio(server)
            if server in self.failed:
                found[server] = False
            elif ratio is not None:
                found[server] = ratio <= self.target.factor if self.target.at_most else ratio >= self.target.factor
            elif self.median(server) is not None:
                found[server] = None
        return found

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        servers = [*self.samples, *(name for name in self.failed if name not in self.samples)]
        return {
            "name": self.name,
            "unit": self.unit,
            "target": str(self.target) if self.target else None,
            "met": dict(self.verdicts()),
            "servers": {
                name: {
                    "median": self.median(name),
                    "samples": self.samples.get(name, []),
                    "server_cpu_ms_a_call": self.cpu(name),
                    "ratio": self.ratio(name) if name in OURS else None,
                    "failed": self.failed.get(name),
                }
                for name in servers
            },
        }
