"""CloudWatch Logs over the wire."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

Logs = Any


@pytest.fixture
def logs(client: Callable[..., Any]) -> Logs:
    return client("logs")


@pytest.fixture
def group(logs: Logs) -> str:
    name = f"/shop/local/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


def now_ms() -> int:
    return int(time.time() * 1000)


def put(logs: Logs, group: str, *events: tuple[int, str], stream: str = "one") -> Any:
    listed = [{"timestamp": timestamp, "message": message} for timestamp, message in events]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=listed)


def failing(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_was_put_is_read_back_in_order_and_unchanged(logs: Logs, group: str) -> None:
    now = now_ms()
    put(logs, group, (now, "third – grüße"), (now, "fourth"))
    put(logs, group, (now - 10, "second"))
    put(logs, group, (now - 20, 'first {"a": "\\ud83d"}'))
    events = logs.get_log_events(logGroupName=group, logStreamName="one", startFromHead=True)["events"]
    assert [e["message"] for e in events] == ['first {"a": "\\ud83d"}', "second", "third – grüße", "fourth"]
    assert [e["timestamp"] for e in events] == [now - 20, now - 10, now, now]
    assert all(abs(e["ingestionTime"] - now) < 5000 for e in events)


def test_pages_go_forward_and_backward_and_end_where_they_stand(logs: Logs, group: str) -> None:
    now = now_ms()
    put(logs, group, *((now + n, f"m{n}") for n in range(10)))
    read: dict[str, Any] = {"logGroupName": group, "logStreamName": "one", "limit": 4}
    newest = logs.get_log_events(**read)
    assert [e["message"] for e in newest["events"]] == ["m6", "m7", "m8", "m9"]
    older = logs.get_log_events(**read, nextToken=newest["nextBackwardToken"])
    assert [e["message"] for e in older["events"]] == ["m2", "m3", "m4", "m5"]
    again = logs.get_log_events(**read, nextToken=older["nextForwardToken"])
    assert [e["message"] for e in again["events"]] == ["m6", "m7", "m8", "m9"]
    end = logs.get_log_events(**read, nextToken=again["nextForwardToken"])
    assert end["events"] == []
    assert end["nextForwardToken"] == again["nextForwardToken"]
    put(logs, group, (now + 100, "late"))
    assert [e["message"] for e in logs.get_log_events(**read, nextToken=end["nextForwardToken"])["events"]] == ["late"]


def test_many_events_are_kept_whole_across_compressed_chunks(logs: Logs, group: str) -> None:
    now = now_ms()
    sent = [f"{n:05d} " + "x" * (n % 300) for n in range(6000)]
    for begin in range(0, len(sent), 1000):
        put(logs, group, *((now + n, sent[n]) for n in range(begin, begin + 1000)))
    found: list[str] = []
    for page in logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 700}
    ):
        found += [e["message"] for e in page["events"]]
    assert found == sent
    tail = logs.filter_log_events(logGroupName=group, startTime=now + 5990, endTime=now + 5994)["events"]
    assert [e["message"][:5] for e in tail] == ["05990", "05991", "05992", "05993", "05994"]


def test_events_of_several_streams_are_interleaved_and_ids_are_unique(logs: Logs, group: str) -> None:
    now = now_ms()
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    put(logs, group, (now, "a"), (now + 2, "c"))
    put(logs, group, (now + 1, "b"), (now + 2, "d"), stream="two")
    events = logs.filter_log_events(logGroupName=group)["events"]
    assert [(e["logStreamName"], e["message"]) for e in events] == [
        ("one", "a"),
        ("two", "b"),
        ("one", "c"),
        ("two", "d"),
    ]
    assert len({e["eventId"] for e in events}) == 4
    only = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="tw")["events"]
    assert [e["message"] for e in only] == ["b", "d"]


def test_a_pattern_chooses_events_over_the_wire(logs: Logs, group: str) -> None:
    now = now_ms()
    put(logs, group, (now, '{"level": "ERROR", "ms": 12}'), (now, '{"level": "INFO", "ms": 900}'), (now, "plain ERROR"))
    found = logs.filter_log_events(logGroupName=group, filterPattern='{ $.level = "ERROR" || $.ms > 500 }')["events"]
    assert len(found) == 2
    assert failing(logs.filter_log_events, logGroupName=group, filterPattern="{ $.level = ")[0] == (
        "InvalidParameterException"
    )


def test_events_too_old_and_too_new_are_rejected_one_by_one(logs: Logs, group: str) -> None:
    now, hour = now_ms(), 3_600_000
    answer = put(logs, group, (now - 15 * 24 * hour, "old"), (now - 15 * 24 * hour + 1, "old too"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    answer = put(logs, group, (now, "kept"), (now + 3 * hour, "new"), (now + 4 * hour, "newer"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    answer = put(logs, group, (now - 25 * hour, "expired"), (now - 24 * hour + 60_000, "kept too"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    messages = [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
    assert messages == ["kept too", "kept"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(5, "a"), (4, "b")], "Log events in a single PutLogEvents request must be in chronological order."),
        (
            [(0, "a"), (86_400_001, "b")],
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
        ([(0, "x" * 600_000), (0, "x" * 600_000)], "Upload too large: 1200052 bytes exceeds limit of 1048576"),
        ([(0, "é" * 600_000)], "Log event too large: 1200000 bytes exceeds limit of 1048576"),
    ],
)
def test_a_batch_over_a_limit_is_refused_whole(
    logs: Logs, group: str, events: list[tuple[int, str]], message: str
) -> None:
    start = now_ms() - 90_000_000
    listed = [{"timestamp": start + offset, "message": text} for offset, text in events]
    code, said = failing(logs.put_log_events, logGroupName=group, logStreamName="one", logEvents=listed)
    assert (code, said) == ("InvalidParameterException", message)
    assert logs.filter_log_events(logGroupName=group)["events"] == []


def test_ten_thousand_events_are_taken_and_one_more_is_not(logs: Logs, group: str) -> None:
    now = now_ms()
    put(logs, group, *[(now, "x")] * 10_000)
    listed = [{"timestamp": now, "message": "x"}] * 10_001
    code, _ = failing(logs.put_log_events, logGroupName=group, logStreamName="one", logEvents=listed)
    assert code == "InvalidParameterException"


def test_what_does_not_exist_is_said_so(logs: Logs, group: str) -> None:
    assert failing(put, logs=logs, group="nowhere")[1].startswith("1 validation error")  # no events at all
    gone = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert failing(logs.filter_log_events, logGroupName="nowhere") == gone
    assert failing(logs.delete_log_group, logGroupName="nowhere") == gone
    assert failing(logs.get_log_events, logGroupName=group, logStreamName="nowhere") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


def test_nothing_is_made_twice(logs: Logs, group: str) -> None:
    assert failing(logs.create_log_group, logGroupName=group)[0] == "ResourceAlreadyExistsException"
    twice = failing(logs.create_log_stream, logGroupName=group, logStreamName="one")
    assert twice[0] == "ResourceAlreadyExistsException"


@pytest.mark.parametrize("name", ["", "a b", "x" * 513, "aws/x"])
def test_a_group_must_have_a_fitting_name(logs: Logs, name: str) -> None:
    assert failing(logs.create_log_group, logGroupName=name)[0] == "InvalidParameterException"


@pytest.mark.parametrize("name", ["a:b", "a*b", ""])
def test_a_stream_must_have_a_fitting_name(logs: Logs, group: str, name: str) -> None:
    assert failing(logs.create_log_stream, logGroupName=group, logStreamName=name)[0] == "InvalidParameterException"


def test_groups_are_described_with_what_is_set_on_them(logs: Logs, group: str) -> None:
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    put(logs, group, (now_ms(), "x"))
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert described["retentionInDays"] == 7
    assert described["storedBytes"] > 0
    assert described["arn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert failing(logs.put_retention_policy, logGroupName=group, retentionInDays=2)[0] == "InvalidParameterException"


def test_groups_and_streams_are_paged(logs: Logs) -> None:
    family = f"paged-{uuid.uuid4()}"
    for n in range(7):
        logs.create_log_group(logGroupName=f"{family}-{n}")
        logs.create_log_stream(logGroupName=f"{family}-0", logStreamName=f"s{n}")
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix=family, PaginationConfig={"PageSize": 3}
    )
    assert [len(page["logGroups"]) for page in pages] == [3, 3, 1]
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=f"{family}-0", PaginationConfig={"PageSize": 5}
    )
    assert [s["logStreamName"] for page in pages for s in page["logStreams"]] == [f"s{n}" for n in range(7)]
    bad = failing(logs.describe_log_groups, nextToken="not ours")
    assert bad == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_streams_are_ordered_by_their_last_event(logs: Logs, group: str) -> None:
    now = now_ms()
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    put(logs, group, (now, "x"))
    put(logs, group, (now - 50, "x"), stream="two")
    newest_first = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert [s["logStreamName"] for s in newest_first] == ["one", "two"]
    assert newest_first[0]["lastEventTimestamp"] == now


def test_deleting_takes_the_events_along(logs: Logs, group: str) -> None:
    put(logs, group, (now_ms(), "x"))
    logs.delete_log_stream(logGroupName=group, logStreamName="one")
    assert logs.filter_log_events(logGroupName=group)["events"] == []
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_a_group_is_found_by_its_arn(logs: Logs, group: str) -> None:
    put(logs, group, (now_ms(), "x"))
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    assert len(logs.filter_log_events(logGroupIdentifier=arn)["events"]) == 1
    assert failing(logs.filter_log_events)[0] == "InvalidParameterException"


def test_eight_writers_lose_nothing_while_others_read(logs: Logs, group: str) -> None:
    for n in range(8):
        logs.create_log_stream(logGroupName=group, logStreamName=f"w{n}")

    def write(n: int) -> None:
        for batch in range(10):
            put(logs, group, *((now_ms(), f"{n} {batch} {i}") for i in range(50)), stream=f"w{n % 4}")
            logs.filter_log_events(logGroupName=group, filterPattern=f'"{n} {batch} 7"')

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))  # raises what a writer raised
    found = [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
    assert len(found) == len(set(found)) == 8 * 10 * 50


def test_embedded_metrics_become_metrics(logs: Logs, group: str, client: Callable[..., Any]) -> None:
    now = now_ms()
    namespace = f"Shop{uuid.uuid4().hex}"
    directive = {
        "Namespace": namespace,
        "Dimensions": [["Service", "Operation"], ["Service"]],
        "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}, {"Name": "Requests", "StorageResolution": 1}],
    }
    document = {
        "_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]},
        "Service": "shop",
        "Operation": "POST /checkout",
        "Latency": [10.0, 20.0, 30.0],
        "Requests": 3,
    }
    put(logs, group, (now, json.dumps(document)), (now, "no metric here"))
    start, end = now / 1000 - 120, now / 1000 + 120
    for dimensions in ({"Service": "shop"}, {"Service": "shop", "Operation": "POST /checkout"}):
        answer = client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName="Latency",
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=start,
            EndTime=end,
            Period=60,
            Statistics=["Sum", "SampleCount"],
        )
        assert [(p["Sum"], p["SampleCount"], p["Unit"]) for p in answer["Datapoints"]] == [(60.0, 3.0, "Milliseconds")]
