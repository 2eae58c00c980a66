"""Other accounts: none is linked to this one, so none has any data here; and nothing of ours passes for theirs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.alarm_rules import metric_alarm
from kit.emulator.cloudwatch.engine import Engine as CloudWatch
from kit.emulator.cloudwatch.store import Datum

Client = Callable[..., Any]
OURS, THEIRS = "123456789012", "210987654321"
STAT: dict[str, Any] = {"Metric": {"Namespace": "Accounts", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}


@pytest.fixture
def cloudwatch(client: Client) -> Any:
    return client("cloudwatch")


@pytest.fixture
def read(cloudwatch: Any) -> Callable[..., dict[str, tuple[str, list[float], str]]]:
    """Puts a value and reads it: for each result its label, values and status, by id."""
    now = time.time()
    datum = {"MetricName": "m", "Value": 5, "Timestamp": now - 120}
    cloudwatch.put_metric_data(Namespace="Accounts", MetricData=[datum])

    def ask(*queries: dict[str, Any]) -> dict[str, tuple[str, list[float], str]]:
        answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=now - 600, EndTime=now + 60)
        return {r["Id"]: (r["Label"], r["Values"], r["StatusCode"]) for r in answer["MetricDataResults"]}

    return ask


def test_a_metric_of_another_account_has_no_data(read: Callable[..., Any]) -> None:
    label = "${PROP('AccountId')} ${LABEL}"
    found = read(
        {"Id": "mine", "MetricStat": STAT, "Label": label},
        {"Id": "named", "MetricStat": STAT, "Label": label, "AccountId": OURS},
        {"Id": "theirs", "MetricStat": STAT, "Label": label, "AccountId": THEIRS},
        {"Id": "all", "Expression": "SUM([mine, FILL(theirs, 100)])"},
    )
    assert found["mine"][0] == f"{OURS} m"
    assert len(found["mine"][1]) >= 1
    assert found["named"] == found["mine"]
    assert found["theirs"] == (f"{THEIRS} m", [], "Complete")
    assert max(found["all"][1]) >= 105


def test_a_search_looks_in_the_account_of_its_query(read: Callable[..., Any]) -> None:
    search = "SEARCH('{Accounts} m', 'Sum', 60)"
    assert read({"Id": "e", "Expression": search, "AccountId": OURS}).keys() == {"e"}
    assert read({"Id": "e", "Expression": search, "AccountId": THEIRS}) == {}
    assert read({"Id": "e", "Expression": "SEARCH('{Accounts}', 'Sum', 60)", "AccountId": THEIRS}) == {}


def test_an_alarm_on_another_accounts_metric_has_no_data() -> None:
    clock = ManualClock(1_795_341_600)
    engine = CloudWatch("us-east-1", OURS, clock, lambda *_: None, background=False)
    settings: dict[str, Any] = {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    for name, account in (("ours", OURS), ("theirs", THEIRS)):
        put = {"AlarmName": name, "Metrics": [{"Id": "m1", "MetricStat": STAT, "AccountId": account}], **settings}
        engine.alarms.put_metric(put, metric_alarm(put), {})
    engine.record([Datum("Accounts", "m", (), clock.now(), None, 60, (5.0,), (1.0,))])
    engine.run_due(clock.advance(61))
    assert {alarm.name: alarm.state.value for alarm in engine.alarms.all()} == {"ours": "ALARM", "theirs": "OK"}


def test_an_arn_of_another_account_or_region_names_no_log_group_of_ours(client: Client) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="accounts/g")
    arn = logs.describe_log_groups(logGroupNamePrefix="accounts/g")["logGroups"][0]["logGroupArn"]
    assert logs.describe_log_streams(logGroupIdentifier=arn)["logStreams"] == []
    assert logs.filter_log_events(logGroupIdentifier=f"{arn}")["events"] == []
    for other in (arn.replace(OURS, THEIRS), arn.replace("us-east-1", "eu-west-1")):
        for call in (logs.describe_log_streams, logs.filter_log_events):
            with pytest.raises(ClientError, match="ResourceNotFoundException"):
                call(logGroupIdentifier=other)


def test_log_groups_are_described_by_identifier_class_and_account(client: Client) -> None:
    logs = client("logs")
    for log_class in ("STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS"):
        logs.create_log_group(logGroupName=f"described/{log_class}", logGroupClass=log_class)

    def names(**asked: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_groups").paginate(**asked)
        names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        return [name.removeprefix("described/") for name in names if name.startswith("described/")]

    arn = f"arn:aws:logs:us-east-1:{OURS}:log-group:described/STANDARD"
    assert names(logGroupIdentifiers=[arn, "described/ESSENTIALS", "nobodys"]) == ["ESSENTIALS", "STANDARD"]
    assert names(logGroupClass="STANDARD") == ["STANDARD"]
    assert names(logGroupClass="ESSENTIALS") == ["ESSENTIALS", "INFREQUENT_ACCESS"]
    assert len(names(includeLinkedAccounts=True)) == 3
    assert len(names(includeLinkedAccounts=True, accountIdentifiers=[OURS, THEIRS])) == 3
    assert names(includeLinkedAccounts=True, accountIdentifiers=[THEIRS]) == []
    by_part = logs.describe_log_groups(logGroupNamePattern="ribed/STAN")["logGroups"]
    assert [group.keys() for group in by_part] == [{"arn", "creationTime", "logGroupName"}]
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.describe_log_groups(logGroupIdentifiers=[arn], logGroupClass="STANDARD")
