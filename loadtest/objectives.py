"""``--slo availability=99,latency=99:300ms``: what the customers' checkouts must have kept, as Locust's exit code.

Both are counted by Locust, from the outside. ``availability`` is the share of ``POST /checkout`` that was answered
rightly: an error, no answer and a wrong total all count against it, a refused card doesn't. ``latency`` is the share
that took no longer than the limit, whatever the answer. Locust keeps times to two significant digits: a limit of 300 ms
takes in up to 305.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass

from locust.stats import RequestStats, StatsEntry

from loadtest.ledger import CHECKOUT


@dataclass(frozen=True, slots=True)
class Objective:
    """At least ``percent`` of the checkouts right, or, with ``limit_ms``, no slower than that."""

    name: str
    percent: float
    limit_ms: int | None = None

    @property
    def text(self) -> str:
        """What must hold, e.g. ``99 % within 300 ms``."""
        return f"{self.percent:g} % " + ("right" if self.limit_ms is None else f"within {self.limit_ms} ms")

    def good(self, entry: StatsEntry) -> int:
        """How many of the requests kept it."""
        if self.limit_ms is None:
            return int(entry.num_requests - entry.num_failures)
        return sum(count for ms, count in entry.response_times.items() if ms <= self.limit_ms)


def _availability(value: str) -> Objective:
    return Objective("availability", _percent(value))


def _latency(value: str) -> Objective:
    percent, _, limit = value.partition(":")
    match = re.fullmatch(r"([0-9]{1,6})(ms|s)", limit)
    if match is None:
        raise ArgumentTypeError(f"latency={value}: write it as latency=99:300ms")
    return Objective("latency", _percent(percent), int(match[1]) * (1000 if match[2] == "s" else 1))


OBJECTIVES: dict[str, Callable[[str], Objective]] = {"availability": _availability, "latency": _latency}


def parse(text: str) -> tuple[Objective, ...]:
    """The objectives of an option's value; raises ArgumentTypeError."""
    found = []
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in OBJECTIVES:
            raise ArgumentTypeError(f"{name!r} is no objective, use {' or '.join(OBJECTIVES)}")
        found.append(OBJECTIVES[name](value))
    return tuple(found)


def judge(objectives: tuple[Objective, ...], stats: RequestStats) -> list[tuple[bool, str]]:
    """Whether each was kept, and a line that says so. Without a single checkout none was."""
    entry = stats.get(CHECKOUT, "POST")
    total = entry.num_requests
    verdicts = []
    for objective in objectives:
        good = objective.good(entry)
        kept = total > 0 and 100 * good >= objective.percent * total
        seen = f"{_floor(100 * good / total)} % of {total} checkouts" if total else "no checkouts"
        verdicts.append((kept, f"slo {objective.name}: {seen}, {objective.text} asked: {'kept' if kept else 'missed'}"))
    return verdicts


def _floor(percent: float) -> str:
    """With two decimals, never rounded up: 98.999 % is not 99."""
    return f"{int(percent * 100) / 100:g}"


def _percent(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) or not 0 < float(text) <= 100:
        raise ArgumentTypeError(f"{text!r} is not a percentage above 0 and up to 100")
    return float(text)
