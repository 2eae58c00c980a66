"""The transport to CloudWatch Logs, over the wire; and whole pipelines through outages."""

import inspect
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import watchtower

from service.telemetry import Settings, Telemetry, instrument
from service.telemetry.aws import Caller, CallError
from service.telemetry.cloudwatch import CloudWatchLogs, LogEvents
from service.telemetry.delivery import sender
from service.telemetry.delivery.batch import Record, batch
from service.telemetry.settings import DaemonAddress

from .conftest import FakeDaemon, FakeLogs, wait_for

GROUP = "/shop/local/shop/logs"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(sender, "FIRST_BACKOFF", 0.05)
    monkeypatch.setattr(sender, "LONGEST_BACKOFF", 0.2)


@pytest.fixture
def events(aws: FakeLogs) -> Iterator[LogEvents]:
    logs = CloudWatchLogs(Settings("shop", endpoint_url=aws.url))
    made = LogEvents(logs, GROUP, "stream")
    yield made
    made.close()
    logs.close()


def some(*timestamps: int) -> Any:
    return batch([Record(timestamp, f'{{"n":{timestamp}}}') for timestamp in timestamps])


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


def test_the_pinned_version_is_the_one_that_the_contract_was_written_for() -> None:
    requirement = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"watchtower==3.4.0"' in requirement


def test_group_stream_and_retention_are_made_when_they_are_missing(aws: FakeLogs, events: LogEvents) -> None:
    assert aws.calls == []
    assert not events.send(some(1, 2)).trouble
    assert arrived(aws) == [1, 2]
    assert aws.retention == {GROUP: 14}
    aws.groups.clear()
    assert not events.send(some(3)).trouble
    assert arrived(aws) == [3]
    assert aws.calls.count("CreateLogGroup") == 2


def test_events_are_sorted_and_a_call_never_spans_a_day(aws: FakeLogs, events: LogEvents) -> None:
    day = 24 * 3600 * 1000
    outcome = events.send(some(5, 3, day + 5, 4))
    assert arrived(aws) == [3, 4, 5]
    assert (list(outcome.again), outcome.trouble) == ([2], "")


def test_events_that_the_service_refuses_are_told_by_their_position(aws: FakeLogs, events: LogEvents) -> None:
    aws.rejected = {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 4}
    assert sorted(events.send(some(5, 4, 3, 2, 1)).refused) == [0, 4]


@pytest.mark.parametrize(
    ("mode", "trouble"),
    [
        ("fail", "InternalFailure"),
        ("ThrottlingException", "ThrottlingException"),
        ("ExpiredTokenException", "ExpiredTokenException"),
        ("AccessDeniedException", "AccessDeniedException"),
    ],
)
def test_an_error_is_tried_again_by_its_name(aws: FakeLogs, events: LogEvents, mode: str, trouble: str) -> None:
    aws.mode = mode
    outcome = events.send(some(1, 2))
    assert (list(outcome.again), outcome.trouble, outcome.unanswered) == ([0, 1], trouble, False)


def test_what_the_service_can_never_take_is_refused(aws: FakeLogs, events: LogEvents) -> None:
    aws.mode = "InvalidParameterException"
    assert events.send(some(1, 2)).poison


def test_an_endpoint_that_is_away_has_not_got_it_and_one_that_hangs_may_have(
    aws: FakeLogs, events: LogEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.telemetry.aws.READ_SECONDS", 0.2)
    aws.mode = "hang"
    outcome = events.send(some(1))
    assert (outcome.trouble, outcome.unanswered) == ("ReadTimeoutError", True)
    aws.close()
    outcome = events.send(some(1))
    assert (outcome.trouble, outcome.unanswered) == ("NewConnectionError", False)


def test_a_call_does_not_wait_for_the_far_end_to_acknowledge_its_headers(aws: FakeLogs, events: LogEvents) -> None:
    """With Nagle's algorithm every call took 40 ms and more: a thousand spans a second were the most."""
    took = []
    for number in range(60):
        began = time.monotonic()
        assert not events.send(some(number)).trouble
        took.append(time.monotonic() - began)
    assert median(took[30:]) < 0.025  # a connection's first segments are acknowledged at once


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws: FakeLogs) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CallError, match="NoCredentialsError"):
        Caller("logs", "us-east-1", aws.url).call("/", {}, b"{}")
    assert aws.calls == []


def test_the_services_clock_is_gone_by_when_ours_is_wrong(aws: FakeLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3)
    signed: list[str] = []

    def answer(operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        skewed = len(signed) < 2
        return (403, {"__type": "InvalidSignatureException"}) if skewed else (200, {})

    monkeypatch.setattr(aws, "answer", answer)
    aws.date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT")
    aws.seen = lambda headers: signed.append(headers["X-Amz-Date"])
    caller = Caller("logs", "us-east-1", aws.url)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.PutLogEvents"}
    assert caller.call("/", headers, b"{}").status == 200
    first, second = (datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for text in signed)
    assert timedelta(hours=2, minutes=59) < second - first < timedelta(hours=3, minutes=1)
    caller.close()


class Program:
    """A program without Flask that logs, counts and traces; in this process."""

    def __init__(self, aws: FakeLogs, daemon: FakeDaemon, folder: Path, **settings: Any) -> None:
        host, _, port = daemon.address.partition(":")
        address = DaemonAddress(udp=(host, int(port)))
        settings = {"close_seconds": 2.0, **settings}
        self.settings = Settings("job", endpoint_url=aws.url, daemon=address, spill_dir=str(folder), **settings)
        self.telemetry: Telemetry = instrument(settings=self.settings, events=("CheckoutMismatch",))
        self.telemetry.start()

    def work(self, first: int, last: int, length: int = 10) -> None:
        log = logging.getLogger("job")
        for number in range(first, last):
            log.info("worked", extra={"number": number, "fill": "x" * length})
            with self.telemetry.dependency("payments", "POST", "/charges") as call:
                call.status(200)


Start = Any


@pytest.fixture
def start(aws: FakeLogs, daemon: FakeDaemon, tmp_path: Path) -> Iterator[Start]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    made: list[Program] = []

    def started(**settings: Any) -> Program:
        made.append(Program(aws, daemon, tmp_path, **settings))
        return made[-1]

    yield started
    for program in made:
        program.telemetry.close()
    root.handlers[:] = before
    root.setLevel(level)


def numbers(*services: FakeLogs) -> list[int]:
    found = [line["number"] for aws in services for line in aws.messages("/logs") if line["message"] == "worked"]
    return sorted(found)


def calls(*services: FakeLogs) -> int:
    return sum(document.get("DependencyCalls", 0) for aws in services for document in aws.messages("/emf"))


def test_a_program_without_flask_sends_all_three(aws: FakeLogs, daemon: FakeDaemon, start: Start) -> None:
    program = start()
    program.work(0, 50)
    program.telemetry.close()
    assert numbers(aws) == list(range(50))
    assert calls(aws) == 50
    wait_for(lambda: len(daemon.documents) == 50)
    ids = [line["record_id"] for line in (*aws.messages("/logs"), *aws.messages("/emf"))]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("mode", ["refused", "hang", "fail", "ThrottlingException", "ExpiredTokenException"])
def test_through_an_outage_nothing_is_lost_and_memory_stays_under_its_cap(
    aws: FakeLogs, start: Start, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.telemetry.aws.READ_SECONDS", 1.0)
    program = start(log_queue_bytes=65_536)
    program.work(0, 20)
    wait_for(lambda: numbers(aws) == list(range(20)))
    if mode == "refused":
        aws.close()
    aws.mode = mode
    program.work(20, 320, length=1_000)
    outbox = program.telemetry._pipelines.senders["logs"].outbox
    wait_for(lambda: any(path.suffix == ".spill" for path in tmp_path.rglob("*")))
    assert outbox._bytes <= 65_536 + 262_144, "the batch that is on its way beside the cap"
    healed = FakeLogs(port=aws.port) if mode == "refused" else aws
    aws.mode = "ok"
    wait_for(lambda: set(numbers(*{aws, healed})) == set(range(320)))
    counts = program.telemetry._pipelines.counts
    program.telemetry.close()
    found = numbers(*{aws, healed})
    assert len(found) - 320 <= sum(counts.get(signal, 2) for signal in ("logs",)), "twice only what had no answer"
    assert sum(counts.dropped("logs").values()) == 0
    assert calls(*{aws, healed}) >= 320
    assert list(tmp_path.rglob("*.*")) == []
    if healed is not aws:
        healed.close()


def test_an_endpoint_that_hangs_holds_up_neither_the_app_nor_its_other_signals(
    aws: FakeLogs, daemon: FakeDaemon, start: Start
) -> None:
    aws.mode = "hang"
    program = start()
    began = time.monotonic()
    program.work(0, 200)
    assert time.monotonic() - began < 1
    wait_for(lambda: len(daemon.documents) == 200, 2)
    began = time.monotonic()
    program.telemetry.close()
    assert time.monotonic() - began < 3
    aws.mode = "ok"
    start()
    wait_for(lambda: numbers(aws) == list(range(200)) and calls(aws) == 200)


def test_drops_are_told_by_signal_and_cause(aws: FakeLogs, start: Start) -> None:
    program = start()
    counts = program.telemetry._pipelines.counts
    counts.drop("spans", "refused", 7)
    counts.add("logs", 4, 5)
    program.telemetry.close()
    found = aws.messages("/emf")
    (dropped,) = [document for document in found if document.get("Cause") == "refused"]
    (lost,) = [document for document in found if document.get("Cause") == "killed"]
    assert (dropped["Signal"], dropped["TelemetryDropped"]) == ("spans", 7)
    assert (lost["Signal"], lost["TelemetryLost"]) == ("logs", 5)
    (service,) = [document for document in found if "TelemetryWaiting" in document]
    assert (service["TelemetryDropped"], service["TelemetryLost"], service["TelemetryDuplicates"]) == (7, 5, 0)
    assert json.dumps(found).count('"killed"') == 1
