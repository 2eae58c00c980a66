"""Whatever stands in a dashboard, its page stays a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.console.conftest import Clock, FakeCloudWatch

KEYS = st.sampled_from(
    [
        *("title", "view", "metrics", "region", "period", "stat", "stacked", "sparkline", "annotations", "yAxis"),
        *("table", "left", "right", "min", "max", "label", "horizontal", "vertical", "value", "fill", "color"),
        *("alarms", "start", "end", "setPeriodToTimeRange", "liveData", "markdown", "states", "summaryColumns"),
        *("id", "expression", "background", "yAxis"),
    ]
)
WORDS = st.sampled_from(
    [*("timeSeries", "gauge", "bar", "pie", "table", "singleValue"), *("right", "above", "-PT5M", "p99", "#123456")]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
ODD = st.recursive(SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(KEYS, x, max_size=4), max_leaves=12)
CELLS = st.just("Shop") | st.sampled_from([".", "..."]) | st.dictionaries(KEYS, SCALARS, max_size=3)
ROWS = st.lists(st.just(["Shop", "Requests"]) | st.lists(CELLS, max_size=4) | ODD, max_size=3)
METRIC = st.fixed_dictionaries(
    {"metrics": ROWS}, optional={"view": WORDS, "yAxis": ODD, "annotations": ODD, "start": SCALARS, "period": ODD}
)
WIDGETS = st.fixed_dictionaries(
    {"type": st.sampled_from(["metric", "text", "alarm", "log", "other"])},
    optional={"properties": METRIC | st.dictionaries(KEYS, ODD)},
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(WIDGETS | ODD, max_size=3))
@example([{"type": "metric", "properties": {"view": "table", "table": {"summaryColumns": [[1], {}]}}}])
@example([{"type": "metric", "properties": {"yAxis": {"left": {"min": 10**400, "max": float("nan")}}}}])
@example([{"type": "metric", "properties": {"metrics": [["A", "B"]], "region": "evil.example/"}}])
def test_no_dashboard_breaks_the_page(
    client: FlaskClient, fake: FakeCloudWatch, clock: Clock, widgets: list[Any]
) -> None:
    clock.now += 10
    fake.bodies["odd"] = json.dumps({"widgets": widgets})
    answer = client.get("/api/dashboards/odd")
    assert answer.status_code == 200, answer.text
    told = json.loads(answer.data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(told["widgets"]) == len(widgets)
