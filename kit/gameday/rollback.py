"""Taking everything back: each step is tried whatever became of the others, and each may be done twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.errors import KitError
from kit.gameday.controls import Control
from kit.gameday.steady import SteadyLoad


def take_back(controls: Iterable[Control], steady: SteadyLoad, paused: int) -> dict[str, Any]:
    """Lift every fault, see that none is left, and let the steady load go on with the ``paused`` users.

    The answer is the journal's: ``lifted`` and ``unreachable`` services, faults that are ``left``, the load's users. A
    fault of a control that can't be reached ends by itself, at its expiry or for want of heartbeats.
    """
    lifted: list[str] = []
    unreachable: list[str] = []
    left: set[str] = set()
    for control in controls:
        try:
            lifted.append(control.delete())
            left |= {entry["name"] for entry in control.listing()["active"]}
        except KitError as error:
            unreachable.append(str(error))
    resumed = paused if paused and (steady.users() or steady.resume(paused)) else 0
    return {"lifted": lifted, "unreachable": unreachable, "left": sorted(left), "paused": paused, "resumed": resumed}
