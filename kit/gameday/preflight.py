"""Before anything is broken: is this the place for it, is all well, and would one see it if it weren't?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday.controls import Control, active, ask_all, require_allowed
from kit.gameday.vitals import Vitals
from kit.gameday.watch import ALARM, UNKNOWN, states_now
from kit.settings import Settings

FRESH_S = 30.0
"""The service flushes every five seconds; six flushes missed are no hiccup."""

STEADY_RATIO = 0.03
"""In a steady state not even the ticket's burn rate is reached: 3 % of checkouts in the last minute."""

LEAST_CHECKOUTS = 126
"""21 in ten seconds, the guard of the fast page (docs/slo.md): with fewer it could not fire."""

EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``found`` says what was seen, ``remedy`` what to do when it isn't good."""

    name: str
    good: bool
    found: str
    remedy: str = ""


def require_playable(settings: Settings) -> None:
    """Raise KitError for a stage on which no game day may be played."""
    require_allowed(settings)
    where = f"stages/{settings.stage.name}.yaml"
    if settings.stage.protected:
        raise KitError(where, "the stage is protected: nothing is broken there", "Choose one that isn't.")
    if settings.stage.scale != "practice":
        remedy = "Set scale: practice; production's windows are of hours."
        raise KitError(where, "scale: production: the scenarios are timed for practice scale", remedy)


def require_faults(scenario: Scenario, controls: Sequence[Control]) -> None:
    """Raise KitError when a control doesn't answer or accept the token, or when none knows a fault of the schedule."""
    listings = ask_all(controls, Control.listing)
    known = {fault["name"] for listing in listings for fault in listing["known"]}
    for name in scenario.faults:
        if name not in known:
            raise KitError(
                scenario.file, f"no service knows the fault {name}", f"Known are {', '.join(sorted(known))}."
            )


def no_fault(controls: Sequence[Control]) -> Check:
    """Whether nothing is broken yet."""
    found = active(controls)
    return Check("faults", not found, ", ".join(found) or "none is set", "Lift them: kit fault lift --all")


def alarms_there(
    cloudwatch: Any, scenario: Scenario, prefix: str, paging: Collection[str], telling: Collection[str]
) -> tuple[Check, Check]:
    """Whether the alarms that are expected exist, and whether neither one of them nor one that pages is in ALARM.

    Other tickets may be open: a slow one stays so for a quarter of an hour, and the run doesn't depend on it.
    """
    standing = states_now(cloudwatch)
    expected = {prefix + one.alarm for one in scenario.expect}
    missing = sorted(expected - standing.keys())
    firing = sorted(name for name, state in standing.items() if state == ALARM and name in {*paging, *expected})
    tickets = sorted(name for name, state in standing.items() if state == ALARM and name in telling)
    unready = sorted(name for name in expected if standing.get(name) == UNKNOWN)
    apply = Check("alarms", not missing, f"missing: {', '.join(missing)}" if missing else "all are there", "kit apply")
    quiet = f"none that matters fires; open: {', '.join(tickets)}" if tickets else "none fires"
    words = [f"in ALARM: {', '.join(firing)}"] * bool(firing) + [f"without data: {', '.join(unready)}"] * bool(unready)
    return apply, Check("quiet", not words, "; ".join(words) or quiet, "Wait, or mend what is broken.")


def telemetry_fresh(vitals: Vitals) -> Check:
    """Whether the newest datapoint is young."""
    found = "no datapoint in two minutes" if vitals.age is None else f"newest datapoint {vitals.age:.0f} s old"
    remedy = "Is there traffic, and does the shop reach AWS? See `kit status`."
    return Check("telemetry", vitals.age is not None and vitals.age <= FRESH_S, found, remedy)


def steady(vitals: Vitals) -> Check:
    """Whether the promises were kept in the last minute, and whether there was traffic enough to judge."""
    if vitals.failed is None or vitals.slow is None or vitals.checkouts < LEAST_CHECKOUTS:
        found = f"{vitals.checkouts:.0f} checkouts in the last minute, {LEAST_CHECKOUTS} are needed"
        return Check("steady state", False, found, "Start the load: `make up` runs one.")
    found = f"{vitals.failed:.1%} of checkouts failed and {vitals.slow:.1%} were slow, of {vitals.checkouts:.0f}"
    good = max(vitals.failed, vitals.slow) <= STEADY_RATIO
    return Check("steady state", good, found, "Find out what is wrong before you break more.")


def settle(  # what to ask, and how to wait for it
    look: Callable[[], Sequence[Check]],
    *,
    within_s: float,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    stopped: Callable[[], bool],
    waiting: Callable[[Sequence[Check]], None] = lambda _: None,
) -> Sequence[Check]:
    """Look until all is good, and at most so long; what was seen last.

    A stack that has just come up needs a minute, and an alarm of the last run ends some minutes after it.
    """
    deadline = now() + within_s
    while True:
        checks = look()
        if all(check.good for check in checks) or stopped() or now() >= deadline:
            return checks
        waiting([check for check in checks if not check.good])
        sleep(EVERY_S)


def require_good(checks: Sequence[Check]) -> None:
    """Raise KitError for the first that isn't good."""
    for check in checks:
        if not check.good:
            raise KitError(f"preflight, {check.name}", check.found, check.remedy)
