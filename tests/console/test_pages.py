"""The pages and their JSON over canned answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.console.app import create_app
from kit.console.cloud import Cloud
from kit.console.fresh import MAX_KEYS, Fresh
from kit.errors import KitError
from kit.settings import Settings

if TYPE_CHECKING:
    from tests.console.conftest import Clock, FakeCloudWatch

REGION = {"region": "us-east-1"}


def body(*widgets: Any, **top: Any) -> str:
    return json.dumps({"start": "-PT30M", "widgets": list(widgets), **top})


def metric(*rows: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {**REGION, "metrics": list(rows), "period": 60, "stat": "Sum", **properties},
    }


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return answer.get_json()


def test_the_overview_tells_states_worst_first(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.change("short", "ALARM", "Threshold Crossed", ago_s=60)
    told = get(client, "/api/overview")
    assert [(alarm["name"], alarm["state"]) for alarm in told["alarms"]] == [
        ("short", "ALARM"),
        ("both", "OK"),
        ("long", "OK"),
    ]
    assert told["counts"] == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 2}
    assert told["changes"][0] == {
        "alarm": "short",
        "at": (fake.clock() - 60) * 1000,
        "before": "OK",
        "after": "ALARM",
        "reason": "Threshold Crossed",
    }


def test_a_tile_has_its_past_its_series_and_its_children(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.change("short", "ALARM", "r", ago_s=60)
    tiles = {alarm["name"]: alarm for alarm in get(client, "/api/overview")["alarms"]}
    assert [state for _, _, state in tiles["short"]["ribbon"]] == ["OK", "ALARM"]
    assert tiles["short"]["spark"]["threshold"] == 14.4
    assert len(tiles["short"]["spark"]["t"]) > 10
    assert tiles["both"]["notifies"]
    assert tiles["both"]["children"] == [{"name": "long", "state": "OK"}, {"name": "short", "state": "ALARM"}]
    assert tiles["both"]["spark"] is None


def test_a_dashboard_is_drawn_from_one_call(client: FlaskClient, fake: FakeCloudWatch) -> None:
    arns = [fake.alarms["both"]["AlarmArn"], "arn:aws:cloudwatch:::alarm:gone"]
    fake.bodies["service"] = body(
        metric(["Shop", "Requests"]),
        metric(["Shop", "Fault"], view="singleValue"),
        {"type": "text", "properties": {"markdown": "# Hi"}},
        {
            "type": "alarm",
            "properties": {"alarms": arns},
        },
    )
    told = get(client, "/api/dashboards/service")
    assert fake.calls.count("get_metric_data") == 1
    graph, number, text, alarms = told["widgets"]
    assert (graph["kind"], number["kind"], text["kind"], alarms["kind"]) == ("graph", "numbers", "text", "alarms")
    assert graph["points"] == 29
    assert graph["spec"]["layer"]
    assert number["content"][0]["text"] == "3"
    assert text["content"]["html"] == "<h1>Hi</h1>\n"
    assert [(each["name"], each["state"]) for each in alarms["content"]] == [("both", "OK"), ("gone", "MISSING")]


def test_the_unit_of_a_metric_is_looked_up_once(client: FlaskClient, fake: FakeCloudWatch, clock: Clock) -> None:
    fake.bodies["d"] = body(metric(["Shop", "Latency", {"stat": "p99"}], view="singleValue"))
    assert get(client, "/api/dashboards/d")["widgets"][0]["content"][0]["text"].endswith(" ms")
    clock.now += 5
    get(client, "/api/dashboards/d")
    assert fake.calls.count("get_metric_statistics") == 1


def test_many_tabs_share_an_answer_for_a_moment(client: FlaskClient, fake: FakeCloudWatch, clock: Clock) -> None:
    fake.bodies["d"] = body(metric(["Shop", "Requests"]))
    for _ in range(5):
        get(client, "/api/dashboards/d")
    assert fake.calls.count("get_metric_data") == 1
    get(client, "/api/dashboards/d?range=1h")
    assert fake.calls.count("get_metric_data") == 2, "another range is another answer"
    clock.now += 3
    get(client, "/api/dashboards/d")
    assert fake.calls.count("get_metric_data") == 3


@pytest.mark.parametrize(
    ("query", "span_s"), [("", 1800), ("?range=5m", 300), ("?range=3h", 10_800), ("?range=x", 1800)]
)
def test_the_range_is_the_dashboards_own_or_the_pickers(
    client: FlaskClient, fake: FakeCloudWatch, query: str, span_s: int
) -> None:
    fake.bodies["d"] = body()
    told = get(client, f"/api/dashboards/d{query}")
    assert told["to"] - told["from"] == span_s * 1000


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"widgets": "x"}'])
def test_a_body_that_cannot_be_read_is_a_sentence(client: FlaskClient, fake: FakeCloudWatch, text: str) -> None:
    fake.bodies["bad"] = text
    told = get(client, "/api/dashboards/bad")
    assert told["widgets"] == []
    assert told["problem"].startswith("bad cannot be read")


def test_one_bad_widget_leaves_the_others_alone(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.bodies["d"] = body(
        metric(["Shop"]),
        metric([{"expression": "BROKEN("}]),
        7,
        metric(["Shop", "Requests"]),
        metric("x"),
        metric(view=5),
    )
    widgets = get(client, "/api/dashboards/d")["widgets"]
    assert [each["kind"] for each in widgets] == ["note", "note", "note", "graph", "note", "graph"]
    assert "BROKEN" in widgets[1]["content"]
    assert widgets[3]["points"] == 29


def test_a_graph_of_an_alarm_has_its_threshold(client: FlaskClient, fake: FakeCloudWatch) -> None:
    widget = {"type": "metric", "properties": {**REGION, "annotations": {"alarms": [fake.alarms["short"]["AlarmArn"]]}}}
    fake.bodies["d"] = body(widget)
    (graph,) = get(client, "/api/dashboards/d")["widgets"]
    assert graph["points"] > 10
    assert graph["params"]["left_max"] >= 14.4
    assert "var(--alarm)" in json.dumps(graph["spec"])


def test_an_alarms_page_has_its_definition_history_and_graph(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.change("short", "ALARM", "why", ago_s=300)
    told = get(client, "/api/alarm?name=short")
    assert told["alarm"]["state"] == "ALARM"
    assert told["alarm"]["reason"] == "why"
    assert told["alarm"]["condition"] == "> 14.4 in 3 of 5 periods of 60 s"
    assert told["definition"]["Threshold"] == 14.4
    assert not any(key.startswith("State") for key in told["definition"])
    assert told["history"][0]["summary"] == "Alarm updated from OK to ALARM"
    assert told["chart"]["points"] > 10
    assert [span["color"] for span in told["chart"]["spans"]] == ["var(--alarm)"]
    assert [each["name"] for each in told["parents"]] == ["both"]


def test_a_composites_page_has_its_rule_and_children(client: FlaskClient) -> None:
    told = get(client, "/api/alarm?name=both")
    assert told["alarm"]["condition"] == 'ALARM("long") AND ALARM("short")'
    assert [each["name"] for each in told["children"]] == ["long", "short"]
    assert told["chart"] is None


def test_any_alarm_name_can_be_asked_for(client: FlaskClient, fake: FakeCloudWatch) -> None:
    for name in ("a/b", "..", "50 % & more?", "ü", "<script>"):
        fake.put_metric_alarm(name)
        assert client.get("/api/alarm", query_string={"name": name}).get_json()["alarm"]["name"] == name


@pytest.mark.parametrize("path", ["/api/alarm?name=nope", "/api/alarm", "/api/dashboards/nope"])
def test_what_is_not_there_is_404_with_a_remedy(client: FlaskClient, path: str) -> None:
    told = get(client, path, 404)["error"]
    assert told["problem"].startswith("there is none named")
    assert "kit apply" in told["remedy"]


@pytest.mark.parametrize("path", ["/api/overview", "/api/alarm?name=short", "/api/dashboards/d"])
def test_an_endpoint_that_does_not_answer_is_one_calm_line(
    client: FlaskClient, fake: FakeCloudWatch, clock: Clock, path: str
) -> None:
    fake.bodies["d"] = body(metric(["Shop", "Requests"]))
    fake.down = True
    told = get(client, path, 503)["error"]
    assert told["where"] == "http://127.0.0.1:4566"
    assert told["problem"].startswith("no answer while asking for")
    assert "kit emulate" in told["remedy"]
    fake.down = False
    clock.now += 3
    get(client, path)


def test_a_page_needs_no_endpoint(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.down = True
    for path in ("/", "/dashboards/x", "/alarm?name=x", "/healthz"):
        assert client.get(path).status_code == 200
    assert fake.calls == []


def test_a_failing_endpoint_is_asked_once_for_all_tabs(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.down = True
    for _ in range(5):
        get(client, "/api/overview", 503)
    assert len(fake.calls) == 1


def test_pages_of_answers_are_put_together(settings: Settings, fake: FakeCloudWatch) -> None:
    pages: Iterator[dict[str, Any]] = iter(
        [
            {"MetricAlarms": [{"AlarmName": "a"}], "CompositeAlarms": [], "NextToken": "t"},
            {"MetricAlarms": [], "CompositeAlarms": [{"AlarmName": "b"}]},
        ]
    )
    tokens: list[str | None] = []

    def describe(NextToken: str | None = None, **_: Any) -> dict[str, Any]:  # noqa: N803  # the API's own name
        tokens.append(NextToken)
        return next(pages)

    fake.describe_alarms = describe  # type: ignore[method-assign]  # two pages instead of one
    assert [alarm["AlarmName"] for alarm in Cloud(settings, lambda *_: fake).alarms()] == ["a", "b"]
    assert tokens == [None, "t"]


def test_equal_questions_at_one_time_wait_for_the_first() -> None:
    fresh = Fresh(60, lambda: 0.0)
    asked: list[int] = []
    go = threading.Event()

    def call() -> int:
        go.wait(5)
        asked.append(1)
        return len(asked)

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(fresh.get("k", call))) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(5)
    assert answers == [1, 1, 1, 1]


def test_old_answers_are_forgotten() -> None:
    fresh = Fresh(60, lambda: 0.0)
    for number in range(3 * MAX_KEYS):
        fresh.get(number, lambda: 1)
    assert fresh.size() <= MAX_KEYS


def test_a_failure_is_shared_too_but_not_for_long() -> None:
    now = [0.0]
    fresh = Fresh(2, lambda: now[0])

    def fail() -> int:
        raise KitError("here", "broken")

    with pytest.raises(KitError):
        fresh.get("k", fail)
    with pytest.raises(KitError):
        fresh.get("k", lambda: 1)
    now[0] = 3
    assert fresh.get("k", lambda: 1) == 1


def test_a_region_of_its_own_is_asked_there(settings: Settings, fake: FakeCloudWatch, clock: Clock) -> None:
    regions: list[str] = []

    def client_for(region: str, _service: str) -> FakeCloudWatch:
        regions.append(region)
        return fake

    fake.bodies["d"] = body(metric(["Shop", "Requests"], ["Shop", "Fault", {"region": "eu-west-1"}]))
    app: Flask = create_app(settings, client_for=client_for, clock=clock)
    told = get(app.test_client(), "/api/dashboards/d")
    assert len(told["widgets"][0]["lines"]) == 2
    assert sorted(regions) == ["eu-west-1", "us-east-1"], "one client a Region"
