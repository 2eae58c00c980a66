"""What a handler knows of the call besides its parameters."""

from __future__ import annotations

import msgspec

from kit.emulator.clock import Clock


class Context(msgspec.Struct, frozen=True):
    """Who was asked, where and when; ``clock.now()`` is the only time a handler may use."""

    region: str
    account: str
    clock: Clock
    request_id: str
