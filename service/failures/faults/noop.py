"""The control round: a fault that is set, listed and lifted like any other, and does nothing."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import share, strikes


@strikes("shop", "payments", percent=share(), signal="none", look="nothing moves: whoever finds a cause has guessed")
def strike(_here: Here) -> None:
    """Nothing happens."""
