"""DescribeAlarmHistory: newest first unless ScanBy says otherwise, metric alarms unless AlarmTypes does."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import position, token
from kit.emulator.cloudwatch.records import history_item
from kit.emulator.protocol import AwsError, Context

PAGE = 100


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    ascending = params.get("ScanBy") == "TimestampAscending"
    last = position("DescribeAlarmHistory", params.get("NextToken"))
    if last is not None and not isinstance(last, int):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    with engine.alarms.lock:
        found = engine.alarms.history.find(
            name=params.get("AlarmName"),
            types=params.get("AlarmTypes") or ("MetricAlarm",),
            item_type=params.get("HistoryItemType"),
            start=params.get("StartDate"),
            end=params.get("EndDate"),
            ascending=ascending,
        )
    if "AlarmContributorId" in params:
        found = []  # only alarms that are not made here have contributors
    if last is not None:
        found = [(number, record) for number, record in found if (number > last if ascending else number < last)]
    size = params.get("MaxRecords", PAGE)
    answer: dict[str, Any] = {"AlarmHistoryItems": [history_item(record) for _, record in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = token("DescribeAlarmHistory", found[size - 1][0])
    return answer
