"""The card processor takes its time, and then all is well."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import Dial, share, strikes


@strikes(
    "payments",
    operation="POST /charges",
    percent=share(),
    ms=Dial(2_000, 1, 60_000, "ms that a charge takes longer"),
    signal="`Slow` of `POST /checkout`",
    look="p50 and p99 of `DependencyLatency` → all the time is in one span → no errors at all",
)
def strike(here: Here) -> None:
    """Payments takes longer for a share of charges."""
    here.wait(here.dial("ms") / 1000)
