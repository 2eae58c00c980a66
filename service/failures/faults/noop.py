"""The control round: a fault that is set, listed and lifted like any other, and does nothing."""

from __future__ import annotations

from service.failures.registry import fault
from service.failures.state import Setting


@fault("shop", "payments")
def strike(_setting: Setting) -> None:
    """Nothing happens."""
