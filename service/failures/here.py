"""What a fault is given: the place where it acts. Free of Flask and SQLAlchemy, as the control process loads it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.failures.state import Setting

if TYPE_CHECKING:
    from sqlalchemy import Engine

SLICE_S = 0.1


@dataclass(frozen=True, slots=True)
class Here:
    """One fault at its place: the service and its database, the dials, and whether it is still in force."""

    service: str
    engine: Engine
    setting: Setting
    lasts: Callable[[], bool]

    def dial(self, name: str) -> float:
        """A dial of this fault as it is turned."""
        turned: float = getattr(self.setting, name)
        return turned

    def drawn(self) -> bool:
        """Whether the dice hit, by the dial ``percent``."""
        percent = self.setting.percent
        # Not `random`: workers are forked, and copies of one generator would all draw the same numbers. Nor `secrets`,
        # which loads OpenSSL.
        return percent is None or percent >= 100 or int.from_bytes(os.urandom(4), "big") < percent / 100 * 2**32

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the fault is lifted or ends; False in the second case."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.lasts():
                return False
            time.sleep(min(SLICE_S, left))
        return self.lasts()
