"""Whenever an outage begins and however young the stack is, one person is woken once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kit.backtest.timeline import Timeline, Track
from kit.definitions.cases import CaseFile
from kit.definitions.cases_alarms import AlarmReader
from kit.definitions.cases_reading import read_cases

ROOT = Path(__file__).parents[2]
PAGE = "shop-checkout-availability-page-fast"
INTERVAL_S = 5
CHECKOUT = {"Service": "shop", "Environment": "production", "Operation": "POST /checkout"}
SHOP = {"Service": "shop", "Environment": "production"}


def tracks_of(tmp_path: Path, before: int, broken: int, after: int, *, failing: int, slow: int) -> dict[str, Track]:
    """All alarms at practice scale: so many values of 50 good checkouts, then bad ones, then good ones again."""

    def series(metric: str, usual: int, then: int, dimensions: dict[str, str]) -> dict[str, object]:
        values = f"{usual}x{before} {then}x{broken} {usual}x{after}"
        return {"metric": f"Shop/{metric}", "dimensions": dimensions, "values": values}

    probes = series("CanaryFault", 0, int(failing == 50), SHOP) | {"stat": "Minimum"}
    case = {
        "name": "an outage",
        "scale": "practice",
        "interval": f"{INTERVAL_S}s",
        "series": [
            series("Requests", 50, 50, CHECKOUT),
            series("Fault", 0, failing, CHECKOUT),
            series("Slow", 0, slow, CHECKOUT),
            probes,
        ],
        "expect": [{"alarm": PAGE, "becomes": "ALARM"}],
    }
    path = tmp_path / "outage.yaml"
    path.write_text(yaml.safe_dump({"alarms": [f"{ROOT}/alarms/*.json"], "cases": [case]}))
    read = read_cases(path, AlarmReader(ROOT))
    assert isinstance(read, CaseFile), read
    return Timeline(read.cases[0], read.alarms["practice"]).run()


def told(tracks: dict[str, Track]) -> list[tuple[str, int]]:
    """Who was told of an ALARM, and when; the heartbeat isn't part of this."""
    alarms = {name: [at for at, state in track.actions if state == "ALARM"] for name, track in tracks.items()}
    return [(name, at) for name, moments in alarms.items() for at in moments if "heartbeat" not in name]


@pytest.mark.parametrize("second", range(0, 60, 10))
@pytest.mark.parametrize("minutes", [1, 10])
@pytest.mark.parametrize(("failing", "slow", "within"), [(50, 0, 92), (50, 50, 92), (15, 0, 133)])
def test_an_outage_is_told_once_and_within_the_bound(
    tmp_path: Path, second: int, minutes: int, failing: int, slow: int, within: int
) -> None:
    began = minutes * 60 + second
    tracks = tracks_of(tmp_path, began // INTERVAL_S, 60, 60, failing=failing, slow=slow)
    ((name, at),) = told(tracks)
    assert name.removeprefix("practice-") == PAGE
    assert at - began <= within
