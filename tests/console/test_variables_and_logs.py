"""Dashboards with pickers, and with log widgets, as the pages get them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kit.charts.queries import Call
from kit.console.cloud import Cloud

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from kit.settings import Settings
    from tests.console.conftest import Clock, FakeCloudWatch

SERVICE = {
    "type": "property",
    "property": "Service",
    "id": "service",
    "label": "Service",
    "inputType": "select",
    "search": '{Shop,Service,Environment} MetricName="Requests"',
    "populateFrom": "Service",
    "defaultValue": "shop",
}
LOG = {"type": "log", "properties": {"region": "us-east-1", "query": "SOURCE '/shop/local/shop/logs' | fields level"}}


def get(client: FlaskClient, path: str) -> Any:
    return client.get(path, base_url="http://localhost").get_json()


def board(*widgets: Any, variables: Any = (SERVICE,)) -> str:
    return json.dumps({"variables": list(variables), "widgets": list(widgets)})


def metric(*rows: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"region": "us-east-1", "metrics": list(rows), "period": 60}}


ROW = ["Shop", "Requests", "Service", "shop", "Environment", "local"]


def services_asked(fake: FakeCloudWatch) -> set[str]:
    stats = [query["MetricStat"] for asked in fake.asked for query in asked["queries"]]
    return {each["Value"] for stat in stats for each in stat["Metric"]["Dimensions"] if each["Name"] == "Service"}


def test_a_picker_offers_what_the_metrics_have_and_the_query_string_chooses(
    client: FlaskClient, fake: FakeCloudWatch
) -> None:
    fake.bodies["d"] = board(metric(ROW))
    (picker,) = get(client, "/api/dashboards/d")["variables"]
    assert picker == {
        "id": "service",
        "label": "Service",
        "input": "select",
        "value": "shop",
        "options": [{"value": "payments", "label": "payments"}, {"value": "shop", "label": "shop"}],
        "problem": None,
    }
    assert services_asked(fake) == {"shop"}
    fake.asked.clear()
    told = get(client, "/api/dashboards/d?var-service=payments&var-other=x")
    assert (told["variables"][0]["value"], services_asked(fake)) == ("payments", {"payments"})


def test_a_shared_link_shows_a_value_that_no_metric_has_any_more(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.bodies["d"] = board(metric(ROW))
    (picker,) = get(client, "/api/dashboards/d?var-service=gone%3Cb%3E")["variables"]
    assert picker["value"] == "gone<b>"
    assert picker["options"][0]["value"] == "gone<b>"


def test_values_are_looked_for_once_a_minute_and_again_while_there_are_none(
    client: FlaskClient, fake: FakeCloudWatch, clock: Clock
) -> None:
    fake.bodies["d"] = board(metric(ROW))
    fake.services = []
    for _ in range(2):
        clock.now += 10
        get(client, "/api/dashboards/d")
    assert fake.calls.count("list_metrics") == 2
    fake.services = ["shop"]
    for _ in range(3):
        clock.now += 10
        get(client, "/api/dashboards/d")
    assert fake.calls.count("list_metrics") == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "pattern", "pattern": "(a+)+"}, "repeats more than one part"),
        ({"search": "{Shop"}, "its values cannot be found"),
    ],
)
def test_a_variable_that_does_not_work_says_so_and_the_page_is_drawn(
    client: FlaskClient, fake: FakeCloudWatch, change: dict[str, str], says: str
) -> None:
    fake.bodies["d"] = board(metric(ROW), variables=[{**SERVICE, **change}, {**SERVICE, "id": "two", "visible": False}])
    told = get(client, "/api/dashboards/d")
    assert len(told["variables"]) == 1, "one is not to be seen"
    assert says in told["variables"][0]["problem"]
    assert told["widgets"][0]["points"] > 0


def test_a_log_widget_is_asked_seldom_and_drawn_as_a_table(
    client: FlaskClient, fake: FakeCloudWatch, clock: Clock
) -> None:
    fake.bodies["d"] = board(LOG)
    fake.rows["fields level"] = [{"level": "<script>", "@ptr": "x"}]
    (drawn,) = get(client, "/api/dashboards/d?range=5m")["widgets"]
    assert (drawn["kind"], drawn["content"]["rows"], drawn["content"]["of"]) == ("logs", [["<script>"]], 700)
    assert fake.queries[0]["logGroupNames"] == ["/shop/local/shop/logs"]
    assert fake.queries[0]["endTime"] - fake.queries[0]["startTime"] == 300
    clock.now += 20
    get(client, "/api/dashboards/d?range=5m")
    assert len(fake.queries) == 1
    clock.now += 20
    get(client, "/api/dashboards/d?range=5m")
    assert len(fake.queries) == 2


def test_a_refused_query_and_one_without_a_group_say_so_alone(client: FlaskClient, fake: FakeCloudWatch) -> None:
    refused = {"type": "log", "properties": {"query": "SOURCE '/a' | parse x"}}
    fake.bodies["d"] = board(refused, {"type": "log", "properties": {"query": "fields x"}}, LOG)
    drawn = get(client, "/api/dashboards/d")["widgets"]
    assert [each["kind"] for each in drawn] == ["note", "note", "logs"]
    assert "parse" in drawn[0]["content"]
    assert "names no log group" in drawn[1]["content"]


def test_a_query_that_takes_long_is_waited_for_briefly_and_then_comes_later(
    client: FlaskClient, fake: FakeCloudWatch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.console.logs.PATIENCE_S", 0.15)
    fake.bodies["d"] = board(LOG)
    fake.rows["fields"] = [{"level": "INFO"}]
    fake.query_status = "Running"
    assert get(client, "/api/dashboards/d")["widgets"][0]["content"] == "The query still runs."
    fake.query_status = "Complete"
    clock.now += 5
    assert get(client, "/api/dashboards/d")["widgets"][0]["kind"] == "logs"
    fake.query_status = "Timeout"
    clock.now += 3600
    assert get(client, "/api/dashboards/d")["widgets"][0]["content"] == "The query ended as Timeout."


def test_series_of_one_label_stay_apart_also_over_pages(
    settings: Settings, fake: FakeCloudWatch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two series of one SEARCH under one label: the first is whole on page one, the second goes on over two more."""

    def result(status: str, *values: float) -> dict[str, Any]:
        times = [fake._moment(clock() + value) for value in values]
        return {"Id": "e", "Label": "same", "StatusCode": status, "Timestamps": times, "Values": list(values)}

    pages = iter(
        [
            {"MetricDataResults": [result("Complete", 1, 2), result("PartialData", 10)], "NextToken": "a"},
            {"MetricDataResults": [result("PartialData", 11)], "NextToken": "b"},
            {"MetricDataResults": [result("Complete", 12), result("Complete", 20)]},
        ]
    )
    monkeypatch.setattr(fake, "get_metric_data", lambda **_: next(pages))
    answers = Cloud(settings, lambda *_: fake).answers(Call(None, (), clock(), clock() + 60))
    assert [answer.values for answer in answers] == [(1, 2), (10, 11, 12), (20,)]
