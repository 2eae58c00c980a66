import inspect
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import watchtower

from service.telemetry import delivery as module
from service.telemetry.cloudwatch import CloudWatchLogs
from service.telemetry.delivery import EVENT_BYTES, Delivery
from service.telemetry.settings import Settings

from .conftest import FakeLogs, wait_for

GROUP = "/shop/local/shop/logs"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.05)
    monkeypatch.setattr(module, "LONGEST_BACKOFF", 0.2)


@pytest.fixture
def delivery(aws: FakeLogs) -> Iterator[Delivery]:
    logs = CloudWatchLogs(Settings("shop", endpoint_url=aws.url))
    made = Delivery(logs, GROUP, "stream", max_bytes=100_000, linger=0.05)
    yield made
    made.begin_close(0.2)
    made.close()


def put(delivery: Delivery, *numbers: int) -> None:
    for number in numbers:
        delivery.put(1_000_000 + number, f'{{"n":{number}}}')


def arrived(aws: FakeLogs) -> list[int]:
    return [message["n"] for message in aws.messages("/logs")]


def test_the_private_name_of_watchtower_that_we_call_is_still_there() -> None:
    submit = watchtower.CloudWatchLogHandler._submit_batch
    assert list(inspect.signature(submit).parameters) == ["self", "batch", "log_stream_name", "max_retries"]
    handler = watchtower.CloudWatchLogHandler(
        log_group_name=GROUP, use_queues=False, create_log_group=False, boto3_client=object()
    )
    assert handler.sequence_tokens == {}
    handler.close()


def test_nothing_starts_and_nothing_is_called_before_the_first_event(aws: FakeLogs, delivery: Delivery) -> None:
    assert delivery._thread is None
    assert delivery._logs._client is None
    assert aws.calls == []


def test_group_stream_and_retention_are_made_when_they_are_missing(aws: FakeLogs, delivery: Delivery) -> None:
    put(delivery, 1, 2)
    wait_for(lambda: delivery.delivered == 2)
    assert arrived(aws) == [1, 2]
    assert aws.retention == {GROUP: 14}
    put(delivery, 3)
    wait_for(lambda: delivery.delivered == 3)
    assert aws.calls.count("CreateLogGroup") == 1


def test_a_group_deleted_meanwhile_is_made_again(aws: FakeLogs, delivery: Delivery) -> None:
    put(delivery, 1)
    wait_for(lambda: delivery.delivered == 1)
    aws.groups.clear()
    put(delivery, 2)
    wait_for(lambda: delivery.delivered == 2)
    assert arrived(aws) == [2]
    assert delivery.dropped == 0


@pytest.mark.parametrize("mode", ["fail", "ThrottlingException", "ExpiredTokenException", "AccessDeniedException"])
def test_a_failing_endpoint_is_tried_again_until_it_heals(
    aws: FakeLogs, delivery: Delivery, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    aws.mode = mode
    put(delivery, 1)
    wait_for(lambda: len(aws.calls) >= 3)
    put(delivery, 2)
    aws.mode = "ok"
    wait_for(lambda: delivery.delivered == 2)
    assert arrived(aws) == [1, 2]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("service")]
    assert len(said) == 2, "one line when it starts to fail, one when it is well"


def test_an_endpoint_that_is_away_loses_nothing_until_it_is_back(delivery: Delivery, aws: FakeLogs) -> None:
    aws.close()
    put(delivery, 1)
    wait_for(lambda: delivery._failing)
    back = FakeLogs(port=aws.port)
    try:
        wait_for(lambda: delivery.delivered == 1)
        assert arrived(back) == [1]
    finally:
        back.close()


def test_beyond_the_cap_the_oldest_are_dropped_and_counted(aws: FakeLogs, delivery: Delivery) -> None:
    aws.mode = "fail"
    put(delivery, 0)
    wait_for(lambda: delivery._failing)  # 0 is on its way, and stays
    for number in range(1, 201):
        delivery.put(1_000_000 + number, f'{{"n":{number},"fill":"{"x" * 1_000}"}}')
    assert delivery._bytes <= 100_000
    aws.mode = "ok"
    wait_for(lambda: delivery.delivered + delivery.dropped == delivery.accepted == 201)
    kept = arrived(aws)
    assert kept[0] == 0
    assert kept[1:] == list(range(201 - len(kept) + 1, 201))
    assert delivery.dropped == 201 - len(kept) > 0


def test_a_batch_that_can_never_be_taken_is_dropped_and_the_next_goes_on(aws: FakeLogs, delivery: Delivery) -> None:
    aws.mode = "InvalidParameterException"
    put(delivery, 1)
    wait_for(lambda: delivery.dropped == 1)
    aws.mode = "ok"
    put(delivery, 2)
    wait_for(lambda: delivery.delivered == 1)
    assert arrived(aws) == [2]


def test_events_that_the_service_refuses_count_as_dropped(aws: FakeLogs, delivery: Delivery) -> None:
    aws.rejected = {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 4}
    put(delivery, 1, 2, 3, 4, 5)
    wait_for(lambda: delivery.delivered == 3)
    assert delivery.dropped == 2


def test_events_are_sorted_and_a_batch_never_spans_a_day(aws: FakeLogs, delivery: Delivery) -> None:
    day = 24 * 3600 * 1000
    for timestamp in (5, 3, day + 5, 4):
        delivery.put(timestamp, f'{{"n":{timestamp}}}')
    wait_for(lambda: delivery.delivered == 4)
    assert arrived(aws) == [3, 5, day + 5, 4]


def test_an_event_too_large_for_the_service_is_dropped_alone(aws: FakeLogs, delivery: Delivery) -> None:
    delivery.put(1, "x" * (EVENT_BYTES + 1))
    put(delivery, 1)
    wait_for(lambda: delivery.delivered == 1)
    assert delivery.dropped == 1


def test_close_sends_what_waits(aws: FakeLogs, delivery: Delivery) -> None:
    put(delivery, *range(50))
    delivery.close()
    assert arrived(aws) == list(range(50))
    put(delivery, 51)
    assert (delivery.delivered, delivery.dropped) == (50, 1)


@pytest.mark.parametrize("mode", ["hang", "fail"])
def test_close_keeps_its_deadline_and_counts_what_it_could_not_send(
    aws: FakeLogs, delivery: Delivery, mode: str
) -> None:
    aws.mode = mode
    put(delivery, 1, 2)
    wait_for(lambda: aws.calls)
    put(delivery, 3)
    began = time.monotonic()
    delivery.begin_close(1.0)
    delivery.close()
    assert time.monotonic() - began < 1.3
    assert (delivery.delivered, delivery.dropped) == (0, 3)


def test_as_a_plain_handler_it_delivers_what_its_formatter_writes(aws: FakeLogs, delivery: Delivery) -> None:
    delivery.setFormatter(logging.Formatter('{"n": %(message)s}'))
    delivery.handle(logging.makeLogRecord({"name": "shop", "msg": "7", "created": 3.5}))
    wait_for(lambda: delivery.delivered == 1)
    assert arrived(aws) == [7]


def test_the_pinned_version_is_the_one_that_the_contract_was_written_for() -> None:
    requirement = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"watchtower==3.4.0"' in requirement
