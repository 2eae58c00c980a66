"""Whatever stands in the files, `kit check` says what is wrong with them and never breaks off."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.definitions.checks import check
from kit.definitions.dashboard_members import PROPERTIES, VARIABLE
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "alarms").glob("*.json"), *(ROOT / "dashboards").glob("*.json")])

KEYS = st.sampled_from(
    sorted(
        {
            *METRIC_ALARM.members,
            *COMPOSITE_ALARM.members,
            *VARIABLE.members,
            *(key for group in PROPERTIES.values() for key in group.members),
            *("widgets", "variables", "type", "properties", "metrics", "x", "y", "Id", "Expression", "MetricStat"),
        }
    )
)
TEXTS = st.sampled_from(
    ["", "a", "Shop", "metric", "Sum", "ALARM(a)", "m1/m2", "...", ".", "-PT3H", "arn:aws:sns:x:1:y"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats(allow_nan=False) | TEXTS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=200, suppress_health_check=quiet, deadline=None)
@given(alarm=anything, composite=anything, dashboard=anything)
def test_any_json_is_checked(tmp_path: Path, alarm: Any, composite: Any, dashboard: Any) -> None:
    for name in ("alarms", "dashboards", "other"):
        (tmp_path / name).mkdir(exist_ok=True)
    extra: dict[str, Any] = {"AlarmName": "c", "AlarmRule": "ALARM(a)"}
    (tmp_path / "alarms/a.json").write_text(json.dumps(alarm))
    (tmp_path / "alarms/c.json").write_text(
        json.dumps({**extra, **composite} if isinstance(composite, dict) else extra)
    )
    (tmp_path / "dashboards/d.json").write_text(json.dumps({"widgets": [dashboard]}))
    (tmp_path / "other/o.json").write_text(json.dumps(dashboard))
    for finding in check([tmp_path], tmp_path, catalogue=ROOT / "service/telemetry/catalogue.json").findings:
        assert finding.problem
        assert finding.rule


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@settings(max_examples=200, suppress_health_check=quiet, deadline=None)
@given(data=st.data())
def test_a_spoilt_shipped_file_is_checked_with_its_neighbours(tmp_path: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(FILES))
    value = json.loads(path.read_text())
    *above, last = data.draw(st.sampled_from(places(value)[1:]))
    inner = value
    for key in above:
        inner = inner[key]
    inner[last] = data.draw(anything)
    for name in ("alarms", "dashboards"):
        (tmp_path / name).mkdir(exist_ok=True)
    composite = {"AlarmName": "any", "AlarmRule": f'ALARM("{FILES[0].stem}") OR ALARM("{path.stem}")'}
    (tmp_path / "alarms/any.json").write_text(json.dumps(composite))
    spoilt = tmp_path / path.parent.name / path.name
    spoilt.write_text(json.dumps(value))
    report = check([tmp_path], tmp_path, catalogue=ROOT / "service/telemetry/catalogue.json")
    spoilt.unlink()
    assert report.cost.total >= 0


@pytest.mark.timeout(30)
def test_two_hundred_files_are_checked_within_a_second(tmp_path: Path) -> None:
    alarms = [path for path in FILES if path.parent.name == "alarms" and "AlarmRule" not in path.read_text()]
    for number in range(200):
        request = json.loads(alarms[number % len(alarms)].read_text())
        request["AlarmName"] += f"-{number}"
        request["Tags"] = []
        (tmp_path / f"{number}.json").write_text(json.dumps(request))
    began = time.process_time()
    report = check([tmp_path], tmp_path, catalogue=ROOT / "service/telemetry/catalogue.json")
    assert time.process_time() - began < 1
    assert report.files == 200
