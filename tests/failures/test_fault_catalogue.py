"""Every fault is described, and docs/faults.md says what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.failures.catalogue import PAGE, page
from service.failures.registry import DIALS, Fault, catalogue
from service.telemetry import names

FAULTS = tuple(catalogue().values())
EMITTED = {metric.name for metric in names.METRICS}
ATTRIBUTES = {"Slow", "Fault", "Requests"}


def test_the_page_is_what_the_registry_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "stale: run python -m service.failures.catalogue"


def test_each_file_is_a_fault_of_its_name() -> None:
    files = {path.stem for path in Path("service/failures/faults").glob("[!_]*.py")}
    assert {fault.name.replace("-", "_") for fault in FAULTS} == files


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_a_fault_is_of_one_kind_and_tells_how_to_see_it(fault: Fault) -> None:
    kinds = [kind for kind in (fault.strike, fault.hold, fault.prepare, fault.lose) if kind is not None]
    assert len(kinds) == 1
    assert fault.summary.endswith(".")
    assert fault.signal
    assert "→" in fault.look or fault.name == "noop"
    assert all(name in DIALS and dial.low <= dial.default <= dial.high for name, dial in fault.dials.items())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_the_metrics_that_it_points_to_are_emitted(fault: Fault) -> None:
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", fault.signal + fault.look))
    assert named <= EMITTED
