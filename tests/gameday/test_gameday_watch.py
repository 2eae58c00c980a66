"""What the runner sees: the history of alarms, and the vitals of the service."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from kit.gameday.vitals import Vitals, read_vitals
from kit.gameday.watch import AlarmWatch, Change, Sent

from .conftest import START

PAGE = "arn:aws:sns:us-east-1:123456789012:page"


class Paged:
    """A client whose paginators give what they were given."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> Paged:
        return self

    def paginate(self, **given: Any) -> list[dict[str, Any]]:
        self.asked.append(given)
        return [{"AlarmHistoryItems": self.answers.get(given["HistoryItemType"], [])}]


def item(at: float, alarm: str, summary: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    when = datetime.fromtimestamp(START + at, UTC)
    return {"AlarmName": alarm, "Timestamp": when, "HistorySummary": summary, "HistoryData": json.dumps(data or {})}


def test_the_history_is_told_once_in_order_and_of_our_alarms_only() -> None:
    states = {"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM", "stateReason": "too many"}}
    client = Paged(
        StateUpdate=[item(20, "a", "Alarm updated from OK to ALARM", states), item(5, "theirs", "x", states)],
        Action=[
            item(21, "a", f"Successfully executed action {PAGE}"),
            item(22, "a", "Successfully executed action arn:aws:sns:us-east-1:123456789012:elsewhere"),
            item(23, "a", f"Failed to execute action {PAGE}"),
            item(24, "a", "Actions are suppressed by b"),
        ],
    )
    watch = AlarmWatch(client, ["a"], {"page": PAGE}, START)
    assert watch.news(START + 30) == [Change(START + 20, "a", "OK", "ALARM", "too many"), Sent(START + 21, "a", "page")]
    client.answers["StateUpdate"].append(item(19, "a", "Alarm updated from ALARM to OK"))
    assert watch.news(START + 33) == [Change(START + 19, "a", "ALARM", "OK", "")]
    assert watch.news(START + 100) == []
    assert client.asked[0]["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
    assert client.asked[-1]["StartDate"] == datetime.fromtimestamp(START, UTC)


class Metrics:
    def __init__(self, **series: dict[float, float]) -> None:
        self.series = series

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        return {
            "MetricDataResults": [
                {
                    "Id": query["Id"],
                    "Timestamps": [datetime.fromtimestamp(START + at, UTC) for at in self.series.get(query["Id"], {})],
                    "Values": list(self.series.get(query["Id"], {}).values()),
                }
                for query in given["MetricDataQueries"]
            ]
        }


def test_vitals_are_those_of_the_last_whole_minute() -> None:
    minute = {float(at): 70.0 for at in range(-60, 0, 10)}
    found = read_vitals(
        Metrics(all={at: value * 7 for at, value in minute.items()} | {0.0: 9.0}, requests=minute, fault={-10.0: 42.0}),
        "local",
        START + 4,
    )
    assert found == Vitals(rate=49, checkouts=420, failed=0.1, slow=0, age=0)


def test_without_requests_there_is_no_share_and_no_age() -> None:
    assert read_vitals(Metrics(all={-100.0: 0.0}), "local", START) == Vitals(0, 0, None, None, None)
