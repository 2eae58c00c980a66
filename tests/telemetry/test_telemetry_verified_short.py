"""The short form of ``python -m bench.verify_telemetry``: 5 s at 200 requests a second, all looked for by its id.

Its rows run at the same time, so nothing is said of speed here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ROWS = ("healthy", "refused", "hanging", "kill")

Runs = dict[str, subprocess.Popen[str]]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """A run for each row, begun at once."""
    given = ("--seconds=5", "--rate=200", "--no-twin", "--again", "--json")
    command = [sys.executable, "-m", "bench.verify_telemetry", *given]
    begun = {
        row: subprocess.Popen(
            [*command, "--rows", row], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for row in ROWS
    }
    yield begun
    for run in begun.values():
        run.kill()
        run.communicate()


def result(runs: Runs, row: str) -> dict[str, Any]:
    told, errors = runs[row].communicate(timeout=120)
    assert told, errors
    found: dict[str, Any] = json.loads(told)[0]
    assert found["broken"] == []
    return found


def test_every_span_line_and_count_arrives(runs: Runs) -> None:
    found = result(runs, "healthy")
    assert found["requests"] == 1001
    assert found["lost"] == {"spans": 0, "logs": 0, "counts": 0}


@pytest.mark.parametrize("trouble", ["refused", "hanging"])
def test_nothing_is_lost_when_the_endpoint_is_away_for_a_while(runs: Runs, trouble: str) -> None:
    found = result(runs, trouble)
    assert found["requests"] > 1000
    assert found["lost"] == {"spans": 0, "logs": 0, "counts": 0}


def test_what_kill_9_takes_is_counted_by_the_next_start(runs: Runs) -> None:
    """The row compares both numbers; here it must have found something to compare."""
    found = result(runs, "kill")
    assert found["requests"] > 900
    assert found["notes"]
