"""The card processor behind payments is down for a share of the charges."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import share, strikes
from service.problem import unavailable


@strikes(
    "payments",
    operation="POST /charges",
    percent=share(),
    signal="`DependencyFault` of `payments`",
    look="only `POST /checkout` fails → its span to payments is at fault → `upstream_status=503` in the log",
)
def strike(_here: Here) -> None:
    """Payments answers 503 to a share of charges."""
    raise unavailable("The card processor does not answer.", "processor-unavailable")
