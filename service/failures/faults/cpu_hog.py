"""A regular expression that backtracks without end burns a processor, and `re` holds the interpreter meanwhile."""

from __future__ import annotations

import logging
import re
import time

from service.failures.here import Here
from service.failures.registry import Dial, share, strikes

logger = logging.getLogger("service.worker")

PATHOLOGICAL = re.compile(r"(a+)+b")
SHORTEST = 12


@strikes(
    "shop",
    percent=share(15),
    ms=Dial(200, 10, 200, "ms of processor time for each match"),
    signal="`Latency` of all routes",
    look="slow on every route, and processors at work → time in the server span that no child span explains "
    "→ `a match took long` and its `pattern` in the log",
)
def strike(here: Here) -> None:
    """A pathological regular expression stops a whole process for up to 200 ms at a time."""
    began = time.perf_counter()
    burn(here.dial("ms") / 1000)
    took_ms = round((time.perf_counter() - began) * 1000)
    logger.warning("a match took long", extra={"pattern": PATHOLOGICAL.pattern, "took_ms": took_ms})


def burn(seconds: float) -> float:
    """Match for at most that long; the longest single match in seconds of processor time.

    A match cannot be interrupted. A letter more doubles its time, so the next one is begun only if twice the last
    still fits, and the whole stays within bounds on any machine.
    """
    left, last, letters = seconds, 0.0, SHORTEST
    longest = 0.0
    while left > 2 * last:
        began = time.thread_time()
        PATHOLOGICAL.match("a" * letters)
        last = time.thread_time() - began
        longest = max(longest, last)
        left -= last
        letters += 1
    return longest
