"""What must be well before a run may begin, and on which stages none may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday import preflight
from kit.gameday.controls import Control
from kit.gameday.vitals import Vitals

from .conftest import settings_of


@pytest.mark.parametrize(
    ("vitals", "fresh", "steady"),
    [
        (Vitals(47, 400, 0.0, 0.01, 4), True, True),
        (Vitals(47, 400, 0.05, 0.0, 4), True, False),
        (Vitals(47, 400, 0.0, 0.05, 4), True, False),
        (Vitals(47, 20, 0.0, 0.0, 4), True, False),
        (Vitals(47, 400, 0.0, 0.0, 40), False, True),
        (Vitals(0, 0, None, None, None), False, False),
    ],
)
def test_preflight_wants_fresh_telemetry_and_kept_promises(vitals: Vitals, fresh: bool, steady: bool) -> None:
    assert preflight.telemetry_fresh(vitals).good is fresh
    assert preflight.steady(vitals).good is steady


def test_preflight_wants_the_expected_alarms_and_pages_quiet_but_lets_another_ticket_be_open(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(**states: str) -> tuple[bool, str]:
        standing = {f"practice-{name}": state for name, state in states.items()}
        monkeypatch.setattr(preflight, "states_now", lambda _: standing)
        page, ticket = {"practice-page"}, {"practice-page", "practice-ticket"}
        there, quiet = preflight.alarms_there(None, scenario, "practice-", page, ticket)
        return there.good and quiet.good, f"{there.found}; {quiet.found}"

    calm = {"fast": "OK", "slow": "OK", "other": "OK", "page": "OK", "ticket": "OK"}
    assert looked(**calm) == (True, "all are there; none fires")
    assert looked(**calm | {"ticket": "ALARM"}) == (
        True,
        "all are there; none that matters fires; open: practice-ticket",
    )
    assert looked(**calm | {"page": "ALARM"}) == (False, "all are there; in ALARM: practice-page")
    assert looked(**calm | {"fast": "ALARM"}) == (False, "all are there; in ALARM: practice-fast")
    assert looked(**calm | {"slow": "INSUFFICIENT_DATA"}) == (False, "all are there; without data: practice-slow")
    assert looked(fast="OK", slow="OK") == (False, "missing: practice-other; none fires")


def test_preflight_waits_for_what_is_not_well_yet_and_no_longer() -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def settled(good_after: float) -> bool:
        clock[0] = 0
        checks = preflight.settle(
            lambda: [preflight.Check("x", clock[0] >= good_after, "so")],
            within_s=60,
            now=lambda: clock[0],
            sleep=sleep,
            stopped=lambda: False,
        )
        return all(check.good for check in checks)

    assert settled(50)
    assert not settled(70)
    with pytest.raises(KitError, match="preflight, x: so"):
        preflight.require_good([preflight.Check("x", False, "so", "Do this.")])


def test_a_wrong_token_and_an_unknown_fault_are_one_line(far: Any, scenario: Scenario) -> None:
    with pytest.raises(KitError, match="the token is not accepted"):
        preflight.require_faults(scenario, [Control("shop", far.url, "wrong")])
    preflight.require_faults(scenario, [Control("shop", far.url, "right")])
    assert preflight.no_fault([Control("shop", far.url, "right")]).found == "payment-errors"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"faults": "refused"}, "faults: this stage refuses them"),
        ({"protected": "true"}, "the stage is protected"),
        ({"scale": "production"}, "scale: production: the scenarios are timed for practice scale"),
    ],
)
def test_a_stage_that_is_no_place_for_it_is_refused(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    with pytest.raises(KitError, match=told):
        preflight.require_playable(settings_of(tmp_path, **changes))
