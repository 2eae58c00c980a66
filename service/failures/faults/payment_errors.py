"""The card processor behind payments is down for a share of the charges."""

from __future__ import annotations

from service.failures.registry import fault
from service.failures.state import Setting
from service.problem import unavailable


@fault("payments", operation="POST /charges")
def strike(_setting: Setting) -> None:
    """Payments answers 503 to a share of charges."""
    raise unavailable("The card processor does not answer.", "processor-unavailable")
