"""Payments fails in bursts, and a release of the shop asks again at once, without a pause."""

from __future__ import annotations

import time

from service.failures.here import Here
from service.failures.registry import Dial, share, strikes
from service.problem import unavailable


@strikes(
    "payments",
    "shop",
    percent=share(),
    ms=Dial(20_000, 100, 60_000, "ms of a cycle, whose first half is bad"),
    n=Dial(2, 0, 5, "times that the shop asks again at once (0: it does not)"),
    signal="`DependencyCalls` per checkout",
    look="calls go up by three, traffic does not → sibling spans in one checkout → `attempt=3` in the log",
)
def strike(here: Here) -> None:
    """Payments fails in bursts, and the shop asks again without a pause.

    The shop's half sits in its payments client, which asks for it. All processes share the wall clock, and so the bad
    times.
    """
    if here.service == "payments" and in_bad_half(time.time(), here.dial("ms")):
        raise unavailable("The card processor does not answer.", "processor-unavailable")


def in_bad_half(now: float, cycle_ms: float) -> bool:
    """Whether ``now`` (epoch seconds) is in the first half of a cycle."""
    return now * 1000 % cycle_ms < cycle_ms / 2
