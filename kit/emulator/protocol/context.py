"""What a handler knows of the call besides its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from kit.emulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Context:
    """Who was asked, where and when; ``clock.now()`` is the only time a handler may use."""

    region: str
    account: str
    clock: Clock
    request_id: str
