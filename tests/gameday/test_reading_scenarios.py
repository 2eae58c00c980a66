"""A scenario that is wrong is told whole: file, place, remedy, and everything at once."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_reading import find_scenario, read_gamedays, read_scenario
from kit.errors import KitError

GOOD: dict[str, Any] = {
    "name": "brownout",
    "summary": "Something fails.",
    "hypothesis": "It is seen.",
    "lesson": "Look.",
    "load": {"shape": "steady", "users": 40},
    "schedule": [{"at": 60, "fault": "payment-errors", "percent": 30}, {"at": 200, "end": True}],
    "expect": [{"alarm": "shop-no-traffic", "never": True}],
    "first_signal": {"metric": "Fault"},
    "hints": [{"cost": 5, "text": "Where?"}],
    "answers": {"where": "payments", "what": "errors"},
}


def spoilt(folder: Path, **changes: Any) -> str:
    document = deepcopy(GOOD) | changes
    path = folder / "brownout.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in document.items() if v is not None}))
    found = read_scenario(path, "gamedays/brownout.yaml")
    assert isinstance(found, list)
    return "\n".join(str(one) for one in found)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "brownout.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    found = read_scenario(path, "x")
    assert isinstance(found, Scenario)
    assert found.trouble.name == "payment-errors"
    assert found.lasts == found.over == 200
    assert str(found.trouble) == "payment-errors 30 %"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "another"}, "is another, and the file is called brownout.yaml. Name both alike."),
        ({"lesson": None}, "lesson is missing. Add lesson: a sentence: what is to be learnt."),
        ({"lessn": "x"}, "lessn is not a known key. Did you mean lesson?"),
        ({"schedule": [{"at": 60, "fault": "noop"}]}, "has no end. Add a last step such as {at: 480, end: true}."),
        ({"schedule": [{"at": 60, "end": True}]}, "does nothing before its end"),
        (
            {"schedule": [{"at": 60, "fault": "noop"}, {"at": 50, "end": True}]},
            "50 is before the step above it. Put them in order of time.",
        ),
        ({"schedule": [{"at": 60, "end": True}, {"at": 70, "fault": "noop"}]}, "steps come after it. Put end last."),
        (
            {"schedule": [{"at": 6, "fault": "noop", "end": True}, {"at": 70, "end": True}]},
            "has fault and end: one of fault, lift, load, client, stop, end is needed",
        ),
        ({"schedule": [{"at": 6}, {"at": 70, "end": True}]}, "says nothing but when"),
        (
            {"schedule": [{"at": 6, "fault": "noop"}, {"at": 9, "lift": "nop"}, {"at": 70, "end": True}]},
            "nop is not set at this time. Set there are noop.",
        ),
        (
            {"schedule": [{"at": 6, "client": "bot-flood", "ms": 5}, {"at": 70, "end": True}]},
            "ms belongs to a fault. Remove it.",
        ),
        ({"schedule": [{"at": "soon", "fault": "noop"}, {"at": 9, "end": True}]}, "must be a number of seconds"),
        ({"expect": [{"alarm": "a"}]}, "expects nothing. Give fires_within or never"),
        ({"expect": [{"alarm": "a", "never": True, "fires_within": 5}]}, "has fires_within and never"),
        ({"expect": [{"alarm": "a", "never": True}, {"alarm": "a", "never": True}]}, "a is expected twice"),
        ({"expect": [{"alarm": "practice-a", "never": True}]}, "the prefix practice- is added by the stage's scale"),
        ({"expect": [{"alarm": "a", "never": True, "error_ratio": 0.5}]}, "belongs to fires_within. Remove it."),
        ({"pages": {"exactly": 1, "at_most": 2}}, "must be a mapping with exactly, or at_most"),
        ({"load": {"users": 40, "shap": "ramp"}}, "shap is not a known key. Did you mean shape?"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_one_line_with_the_place_and_the_remedy(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    text = spoilt(tmp_path, **changes)
    assert told in text
    assert all(line.startswith("gamedays/brownout.yaml") for line in text.splitlines())


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    steps = [{"at": 60, "fault": "noop", "rate": 3}, {"at": 5, "lift": "other"}]
    assert len(spoilt(tmp_path, schedule=steps, name="x").splitlines()) == 5


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n- 2\n", "name: x\nname: y\n", "\udcff"])
def test_a_file_that_is_no_scenario_is_a_complaint(tmp_path: Path, text: str) -> None:
    path = tmp_path / "brownout.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = read_scenario(path, "gamedays/brownout.yaml")
    assert isinstance(found, list)
    assert found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10_000) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "at", "fault"]), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(GOOD)), json_values)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_value_anywhere_is_read_or_complained_of(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "brownout.yaml"
    path.write_text(yaml.safe_dump(GOOD | {key: value}))
    found = read_scenario(path, "x")
    assert isinstance(found, Scenario) or (found and all(isinstance(one, Complaint) for one in found))


def project(folder: Path, **files: str) -> Path:
    (folder / "gamedays").mkdir()
    for name, text in files.items():
        (folder / "gamedays" / f"{name}.yaml").write_text(text)
    return folder


def test_an_unknown_scenario_names_those_that_are_near(tmp_path: Path) -> None:
    root = project(tmp_path, brownout=yaml.safe_dump(GOOD))
    with pytest.raises(KitError, match=r"brownot: no such scenario. Did you mean brownout\?"):
        find_scenario(root, "brownot")
    with pytest.raises(KitError, match="See `kit gameday list`"):
        find_scenario(root, "zzz")


def test_a_spoilt_neighbour_does_not_keep_a_good_scenario_from_being_played(tmp_path: Path) -> None:
    root = project(tmp_path, brownout=yaml.safe_dump(GOOD), broken="a: [")
    assert find_scenario(root, "brownout").name == "brownout"
    with pytest.raises(DefinitionsError):
        read_gamedays(root)
