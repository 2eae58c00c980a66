"""When a composite alarm's actions are held back (User Guide, "Suppressing composite alarm actions").

A suppressor is another alarm. While it is in ALARM the composite takes no actions. Two timers cover what would slip
through at the edges: WaitPeriod, after the composite changed, gives the suppressor time to go into ALARM;
ExtensionPeriod, after the suppressor left ALARM, gives the composite time to recover.

``step`` is the whole machine. Time and states are parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

SuppressedBy = Literal["WaitPeriod", "ExtensionPeriod", "Alarm"]


@dataclass(frozen=True, slots=True)
class Suppressor:
    """Which alarm suppresses (a name or an ARN), and how long the two timers run, in seconds."""

    alarm: str
    wait_s: int
    extension_s: int


@dataclass(frozen=True, slots=True)
class Suppression:
    """What holds a composite's actions back now: ``by``, and ``until`` when at the latest (epoch seconds, inf if open).

    ``withheld`` tells that the composite changed state and the actions for that have not been taken yet.
    """

    by: SuppressedBy | None = None
    until: float = math.inf
    withheld: bool = False

    @property
    def reason(self) -> str:
        """ActionsSuppressedReason; worded as in published alarm events."""
        return f"Actions suppressed by {self.by}" if self.by else ""


FREE = Suppression()
"""Nothing is held back."""


def step(
    suppressor: Suppressor | None, before: Suppression, now: float, *, suppressor_alarms: bool, changed: bool
) -> tuple[Suppression, bool]:
    """The suppression at ``now`` (epoch seconds), and whether to take the actions of the composite's current state.

    Call it whenever the composite changed state (``changed``), when the suppressor may have, when it was replaced (see
    ``replaced``) and at ``before.until``. Of what happens at one moment, tell the changes of state before, or with, the
    end of a timer: a suppressor that alarms in the last moment of a WaitPeriod still suppresses.

    1. Without a suppressor, actions are taken at once.
    2. While the suppressor is in ALARM none are; that drops any timer.
    3. A change of the composite starts a WaitPeriod in place of whatever timer ran.
    4. The suppressor's leaving ALARM starts an ExtensionPeriod.
    5. When nothing holds them back any more, actions that were withheld are taken, for the state there is then.
    """
    withheld = before.withheld or changed
    if suppressor is None:
        return FREE, withheld
    if suppressor_alarms:
        return Suppression("Alarm", math.inf, withheld), False
    after = before
    if changed:
        after = Suppression("WaitPeriod", now + suppressor.wait_s)
    elif before.by == "Alarm":
        after = Suppression("ExtensionPeriod", now + suppressor.extension_s)
    if after.by is not None and now < after.until:
        return Suppression(after.by, after.until, withheld), False
    return FREE, withheld


def replaced(before: Suppression) -> Suppression:
    """After another alarm became the suppressor: a timer that ran is dropped, what was withheld still is."""
    return Suppression(withheld=before.withheld)
