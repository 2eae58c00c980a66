"""Whatever stands in a file, a person gets a complaint or the file is good: never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.definitions import DefinitionsError, wanted
from kit.settings import read_stage

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "alarms").glob("*.json"), *(ROOT / "dashboards").glob("*.json")])
STAGE = read_stage(ROOT, "local")

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def spoilt(value: Any, path: tuple[Any, ...], instead: Any) -> Any:
    """A copy of a JSON value with something else at ``path``."""
    if not path:
        return instead
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = instead
    return copy


@settings(
    max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(path=st.sampled_from(FILES), data=st.data())
def test_a_spoilt_file_is_a_complaint_about_that_file_or_good(project: Path, path: Path, data: st.DataObject) -> None:
    good = json.loads(path.read_text())
    place = data.draw(st.sampled_from(places(good)))
    for file in FILES:
        (project / file.parent.name / file.name).write_text(file.read_text())
    bad = json.dumps(spoilt(good, place, data.draw(anything)))
    (project / path.parent.name / path.name).write_text(bad)
    # A child that was renamed or lost is complained of where it is missed.
    elsewhere = {f"alarms/{file.name}" for file in FILES if file.parent.name == "alarms"}
    assert files_complained_of(project) <= {f"{path.parent.name}/{path.name}"} | elsewhere


def files_complained_of(project: Path) -> set[str]:
    try:
        wanted(project, STAGE, "eu-west-1")
    except DefinitionsError as error:
        return {complaint.file for complaint in error.complaints}
    return set()
