"""Payments takes the connection and the request, and nothing ever comes back."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import Dial, share, strikes
from service.problem import unavailable


@strikes(
    "payments",
    operation="POST /charges",
    percent=share(),
    ms=Dial(30_000, 1_000, 60_000, "ms that a thread is held at most"),
    signal="`InFlight`",
    look="`InFlight` climbs on all routes → spans to payments end with the timeout → `payments timed out` in the log",
)
def strike(here: Here) -> None:
    """Payments accepts a share of charges and never answers.

    Who waits gives up by its own timeout. The thread here cannot see that; it comes free with the fault's end, or
    after ``ms``, and then the request fails instead of charging somebody who has long gone.
    """
    here.wait(here.dial("ms") / 1000)
    raise unavailable("The card processor does not answer.", "processor-unavailable")
