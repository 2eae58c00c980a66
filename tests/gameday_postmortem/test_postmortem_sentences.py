"""What the journal holds is told in sentences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.gameday.postmortem.sentences import sentence

CHECKS = [
    {"name": "faults", "good": True, "found": "none is set", "remedy": "Lift them."},
    {"name": "quiet", "good": False, "found": "1 fires", "remedy": "Wait."},
]


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (
            "run.started",
            {"scenario": "noop", "stage": "local", "pid": 7},
            "The run started: scenario noop, stage local",
        ),
        (
            "preflight.checked",
            {"checks": CHECKS},
            "The steady state was checked: faults: none is set; quiet: 1 fires (not good)",
        ),
        ("load.started", {"shape": "steady", "users": 40}, "The load started: steady load of 40 customers"),
        ("load.changed", {"end": "finished", "not_lifted": []}, "The load changed: end finished"),
        (
            "fault.set",
            {"fault": "payment-slow", "service": "payments", "percent": 50.0, "ms": 800, "by": "schedule"},
            "A fault was set: payment-slow in payments (50.0 %, 800 ms), by schedule",
        ),
        ("fault.lifted", {"fault": "noop", "service": "shop"}, "A fault was lifted: noop in shop"),
        (
            "rollback",
            {"lifted": ["shop", "payments"], "left": [], "unreachable": ["x"], "paused": 40, "resumed": 40},
            "Everything was rolled back: faults lifted in shop and payments; not reached: x; the steady load goes on",
        ),
        ("run.ended", {"outcome": "expected", "exit": 0}, "The run ended: expected"),
        ("something", {"a": 1, "text": "no", "b": None}, "something: a 1"),
        ("rollback", {}, "Everything was rolled back: no fault control answered"),
    ],
)
def test_a_line_is_a_sentence(kind: str, data: dict[str, Any], told: str) -> None:
    assert sentence(kind, data) == told


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(["checks", "users", "fault", "percent", "lifted", "left", "paused", "outcome", "scenario"])


@given(
    st.sampled_from(["run.started", "preflight.checked", "load.started", "fault.set", "rollback", "run.ended", "x"]),
    st.dictionaries(_names, _json, max_size=4),
)
def test_whatever_a_journal_holds_a_sentence_comes_out(kind: str, data: dict[str, Any]) -> None:
    assert sentence(kind, data)
