"""Delivery to CloudWatch Logs: watchtower's batch call, behind a transport of ours.

watchtower 3.4.0 queues without a bound and drops a batch after five instant retries. Of it we keep the batch call,
``_submit_batch``; that name is private, so the version is pinned and a contract test watches it.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import watchtower

from .aws import Caller, CallError
from .delivery import Batch, Outcome
from .settings import Settings

# CloudWatch Logs API: PutLogEvents. 26 bytes are counted for each event; a batch may hold 1 MiB, 10,000 events and
# 24 hours, an event 1 MiB: 256 KiB here, as more would be no metric (AWS: "Specification: Embedded metric format").
EVENT_OVERHEAD = watchtower.CloudWatchLogHandler.EXTRA_MSG_PAYLOAD_SIZE
EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD
BATCH_SPAN_MS = 23 * 3600 * 1000
# A call refused for what it holds will be refused for ever.
POISON = frozenset({"InvalidParameterException", "SerializationException", "ValidationException"})
# Another process may make the same thing at the same time (CloudWatch Logs API: CreateLogGroup, Errors).
THERE_ALREADY = frozenset({"ResourceAlreadyExistsException", "OperationAbortedException"})


class CloudWatchLogs:
    """CloudWatch Logs for one process, shared by the senders."""

    def __init__(self, settings: Settings) -> None:
        self._caller = Caller("logs", settings.region, settings.endpoint_url)
        self._retention_days = settings.retention_days

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """One call in AWS JSON 1.1; its answer. Raises CallError."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        answer = self._caller.call("/", headers, msgspec.json.encode(members))
        try:
            found = msgspec.json.decode(answer.body or b"{}")
        except msgspec.DecodeError:
            raise CallError("an answer that is no JSON", unanswered=True) from None
        return found if isinstance(found, dict) else {}

    def create_stream(self, group: str, stream: str) -> None:
        """Make the stream, and the group with its retention if there is none. Raises CallError."""
        try:
            self._create("CreateLogStream", logGroupName=group, logStreamName=stream)
        except CallError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._create("CreateLogGroup", logGroupName=group)
            self.call("PutRetentionPolicy", logGroupName=group, retentionInDays=self._retention_days)
            self._create("CreateLogStream", logGroupName=group, logStreamName=stream)

    def _create(self, operation: str, **members: str) -> None:
        try:
            self.call(operation, **members)
        except CallError as error:
            if error.code not in THERE_ALREADY:
                raise

    def close(self) -> None:
        """Give the connections back."""
        self._caller.close()


class LogEvents(watchtower.CloudWatchLogHandler):
    """The transport to one stream of one log group (delivery.Transport). Group and stream are made when missing."""

    def __init__(self, logs: CloudWatchLogs, group: str, stream: str) -> None:
        self._door = _Door(logs)
        client: Any = self._door
        super().__init__(
            log_group_name=group,
            log_stream_name=stream,
            use_queues=False,
            create_log_group=False,
            create_log_stream=False,
            boto3_client=client,
        )
        self._logs = logs
        self._stream = stream

    def send(self, batch: Batch) -> Outcome:
        """One call, with the events of its first day; those of a later one come again."""
        records = batch.records
        order = sorted(range(len(records)), key=lambda position: records[position].at)
        end = records[order[0]].at + BATCH_SPAN_MS
        now = [position for position in order if records[position].at <= end]
        door = self._submit([{"timestamp": one.at, "message": one.text} for one in map(records.__getitem__, now)])
        if door.trouble in POISON:
            return Outcome.refuse(batch, door.trouble)
        if door.trouble:
            return Outcome.retry(batch, door.trouble, unanswered=door.unanswered)
        return Outcome(refused=[now[index] for index in door.rejected], again=order[len(now) :])

    def close(self) -> None:
        """End; the connections are shared, and another's to close."""
        self.shutting_down = True
        logging.Handler.close(self)

    def _submit(self, events: list[dict[str, Any]]) -> _Door:
        """One call, and a second after making group and stream."""
        submit: Any = self._submit_batch
        for _ in range(2):
            # watchtower keeps the tokens that the service ignores since 2023; it wants the key to be there.
            self.sequence_tokens.setdefault(self._stream, None)
            submit(events, self._stream, max_retries=1)
            if self._door.trouble != "ResourceNotFoundException":
                break
            try:
                self._logs.create_stream(self.log_group_name, self._stream)
            except CallError as error:
                self._door.trouble, self._door.unanswered = error.code, False
                break
        return self._door


class _Door:
    """The client that watchtower is given: it remembers how the call went instead of raising.

    watchtower answers an exception with a warning and an instant retry, and returns nothing: the sender could not know.
    """

    def __init__(self, logs: CloudWatchLogs) -> None:
        self._logs = logs
        self.trouble = ""
        self.unanswered = False
        self.rejected: list[int] = []

    def put_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.trouble, self.unanswered, self.rejected = "", False, []
        try:
            answer = self._logs.call("PutLogEvents", **arguments)
        except CallError as error:
            self.trouble, self.unanswered = error.code, error.unanswered
        else:
            self.rejected = _rejected(answer.get("rejectedLogEventsInfo") or {}, len(arguments["logEvents"]))
        return {}


def _rejected(info: dict[str, int], total: int) -> list[int]:
    """Which events of a sorted call the service refused (CloudWatch Logs API: RejectedLogEventsInfo)."""
    first = max(info.get("tooOldLogEventEndIndex", 0), info.get("expiredLogEventEndIndex", 0))
    last = info.get("tooNewLogEventStartIndex", total)
    return [*range(min(first, total)), *range(max(first, last), total)]
