"""Which alarms stood once: AWS keeps an alarm's history for weeks after it was deleted."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

from kit.deploy.calls import Caller

AT_ONCE = 2
"""DescribeAlarmHistory is limited to 3 calls a second ("CloudWatch service quotas")."""


def deleted_alarms(cloudwatch: Any, names: Iterable[str], call: Caller) -> dict[str, str]:
    """Those of ``names``, of which none is live, that have a history, each with when it was deleted.

    ``cloudwatch`` is a boto3 client. Raises what botocore raises.
    """
    asked = sorted(names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda name: _last_change(cloudwatch, name, call), asked))
    return {name: text for name, text in zip(asked, found, strict=True) if text is not None}


def _last_change(cloudwatch: Any, name: str, call: Caller) -> str | None:
    items = call.read(
        cloudwatch.describe_alarm_history,
        AlarmName=name,
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        HistoryItemType="ConfigurationUpdate",
        ScanBy="TimestampDescending",
        MaxRecords=1,
    )["AlarmHistoryItems"]
    if not items:
        return None
    if "deleted" not in items[0].get("HistorySummary", ""):
        return ""
    return f"{items[0]['Timestamp'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
