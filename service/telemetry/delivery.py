"""Delivery of log events to CloudWatch Logs: watchtower's handler with a bounded, retrying pump of our own.

watchtower 3.4.0 queues without a bound and drops a batch after five instant retries. Of it we keep the batch call,
``_submit_batch``; that name is private, so the version is pinned and a contract test watches it.

    request thread: put() ──▶ deque, capped in bytes, the oldest go first ──▶ pump: take, submit, back off ──▶ AWS

At least once: a batch whose answer never came is sent again, so an event can arrive twice.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from typing import Any

import watchtower
from botocore.exceptions import BotoCoreError, ClientError

from .cloudwatch import CloudWatchLogs, code

log = logging.getLogger(__name__)

Event = tuple[int, str, int]  # timestamp in ms, message, bytes that it counts

# CloudWatch Logs API: PutLogEvents. 26 bytes are counted for each event; a batch may hold 1 MiB, 10,000 events and
# 24 hours. Ours are smaller: encoding a full one would keep the interpreter's lock for some 10 ms.
EVENT_OVERHEAD = watchtower.CloudWatchLogHandler.EXTRA_MSG_PAYLOAD_SIZE
BATCH_BYTES = 256 * 1024
BATCH_EVENTS = 1_000
BATCH_SPAN_MS = 23 * 3600 * 1000
EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 5.0
CLOSING_BACKOFF = 0.2
REFUSED_SECONDS = 1.0
# A batch refused for what it holds will be refused for ever.
POISON = frozenset({"InvalidParameterException", "SerializationException", "ValidationException"})

in_pump = threading.local()


class Delivery(watchtower.CloudWatchLogHandler):
    """Delivers to one log group, through one stream, from one thread. Nothing starts before the first event.

    ``max_bytes`` caps what waits (a batch on its way, at most BATCH_BYTES, included). ``linger`` is for how many
    seconds events are gathered into a batch. ``accepted``, ``delivered``, ``dropped`` count events.
    """

    def __init__(self, logs: CloudWatchLogs, group: str, stream: str, *, max_bytes: int, linger: float) -> None:
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
        self.accepted = self.delivered = self.dropped = 0
        self._logs = logs
        self._stream = stream
        self._max_bytes = max_bytes
        self._linger = linger
        self._events: deque[Event] = deque()
        self._in_flight = 0
        self._bytes = 0
        self._wake_at = float("inf")  # the pump sleeps until this many bytes wait: not every event wakes it
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None  # monotonic; set once by begin_close, and the next with it
        self._refused_until = 0.0
        self._failing = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Deliver a record as the handler's formatter writes it (logging's own door to ``put``)."""
        self.put(int(record.created * 1000), self.format(record))

    def put(self, timestamp_ms: int, message: str) -> None:
        """Append one event (at most EVENT_BYTES); never blocks. Beyond the cap the oldest are dropped and counted."""
        size = len(message.encode("utf-8", "replace")) + EVENT_OVERHEAD
        with self._changed:
            self.accepted += 1
            if self._deadline is not None or size > EVENT_BYTES + EVENT_OVERHEAD or not self._alive():
                self.dropped += 1
                return
            self._events.append((timestamp_ms, message, size))
            self._bytes += size
            while self._bytes > self._max_bytes and self._events:
                self._bytes -= self._events.popleft()[2]
                self.dropped += 1
            if self._bytes >= self._wake_at:
                self._changed.notify()

    def begin_close(self, seconds: float) -> None:
        """Take no more events and send what waits within that many seconds; returns at once."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + seconds
                # Where nobody listens, a longer wait would only delay the end of a whole stack.
                self._refused_until = time.monotonic() + min(seconds, REFUSED_SECONDS)
            self._changed.notify()

    def close(self) -> None:
        """Wait for the end of begin_close (5 s if that was not called), and count what could not be sent."""
        self.begin_close(5.0)
        if self._thread is not None and self._deadline is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
        with self._changed:
            self.dropped += len(self._events) + self._in_flight
            self._events.clear()
            self._in_flight = 0
        self.shutting_down = True
        logging.Handler.close(self)

    def flush(self) -> None:
        """Nothing: logging calls this on every exit, and close() does the work within its deadline."""

    def _alive(self) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"telemetry {self.log_group_name}", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down
                self._thread = None
                return False
        return True

    def _run(self) -> None:
        in_pump.yes = True
        while batch := self._take():
            try:
                self._deliver(batch)
            except Exception:
                # Whatever it was, the next batch must find the pump alive.
                log.exception("a batch of %d events was dropped", len(batch))
                self._done(batch, 0)

    def _take(self) -> list[Event]:
        """Wait for events and take a batch; an empty one means closed, and nothing to send or no time to."""
        with self._changed:
            self._wake_at = 1
            while not self._events and self._deadline is None:
                self._changed.wait()
            self._wake_at = BATCH_BYTES
            gathered = time.monotonic() + self._linger
            while self._deadline is None and self._bytes < BATCH_BYTES and (left := gathered - time.monotonic()) > 0:
                self._changed.wait(left)
            self._wake_at = float("inf")
            batch: list[Event] = []
            if self._deadline is not None and time.monotonic() >= self._deadline:
                return batch
            size = 0
            while self._events and len(batch) < BATCH_EVENTS:
                event = self._events[0]
                if batch and (size + event[2] > BATCH_BYTES or abs(event[0] - batch[0][0]) > BATCH_SPAN_MS):
                    break
                size += event[2]
                batch.append(self._events.popleft())
            self._in_flight = len(batch)
            return batch

    def _deliver(self, batch: list[Event]) -> None:
        """Submit until it is taken, refused for good, or the deadline is over."""
        events = [{"timestamp": timestamp, "message": message} for timestamp, message, _ in batch]
        attempt = 0
        while True:
            rejected, trouble = self._attempt(events)
            if not trouble:
                self._report("")
                self._done(batch, len(batch) - rejected)
                return
            if trouble in POISON:
                log.warning("%s refuses a batch of %d events for good: %s", self.log_group_name, len(batch), trouble)
                self._done(batch, 0)
                return
            self._report(trouble)
            if not self._back_off(attempt, trouble):
                self._done(batch, 0)
                return
            attempt += 1

    def _attempt(self, events: list[dict[str, Any]]) -> tuple[int, str]:
        """One call, and a second after making group and stream: (events refused, "" or what went wrong)."""
        submit: Any = self._submit_batch
        for _ in range(2):
            # watchtower keeps the tokens that the service ignores since 2023; it wants the key to be there.
            self.sequence_tokens.setdefault(self._stream, None)
            submit(events, self._stream, max_retries=1)
            if self._door.trouble != "ResourceNotFoundException":
                break
            try:
                self._logs.create_stream(self.log_group_name, self._stream)
            except (BotoCoreError, ClientError) as error:
                return 0, code(error)
        return self._door.rejected, self._door.trouble

    def _back_off(self, attempt: int, trouble: str) -> bool:
        """Wait before the next attempt; False when closing leaves no time for one."""
        delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(attempt, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter
        until = time.monotonic() + delay
        with self._changed:
            while self._deadline is None:
                if (left := until - time.monotonic()) <= 0:
                    return True
                self._changed.wait(left)
            give_up = self._refused_until if trouble == "EndpointConnectionError" else self._deadline
        # Closing: try again soon, as long as the deadline allows a call.
        time.sleep(max(0.0, min(until - time.monotonic(), CLOSING_BACKOFF)))
        return time.monotonic() < give_up

    def _done(self, batch: list[Event], delivered: int) -> None:
        with self._changed:
            self._bytes -= sum(size for _, _, size in batch)
            self.delivered += delivered
            if self._in_flight:  # else close() has counted them: the answer came after the deadline
                self.dropped += len(batch) - delivered
                self._in_flight = 0

    def _report(self, trouble: str) -> None:
        """One line when delivery starts to fail and one when it is well again (to stdout: pumps never feed back)."""
        if trouble and not self._failing:
            log.warning("delivery to %s fails and is tried again: %s", self.log_group_name, trouble)
        elif self._failing and not trouble:
            log.warning("delivery to %s works again; %d events dropped so far", self.log_group_name, self.dropped)
        self._failing = trouble


class _Door:
    """The client that watchtower is given: it remembers how the call went instead of raising.

    watchtower answers an exception with a warning and an instant retry, and returns nothing: the pump could not know.
    """

    def __init__(self, logs: CloudWatchLogs) -> None:
        self._logs = logs
        self.trouble = ""
        self.rejected = 0

    def put_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.trouble, self.rejected = "", 0
        try:
            answer = self._logs.client().put_log_events(**arguments)
        except (BotoCoreError, ClientError) as error:
            self.trouble = code(error)
            return {}
        self.rejected = _rejected(answer.get("rejectedLogEventsInfo") or {}, len(arguments["logEvents"]))
        return {}


def _rejected(info: dict[str, int], total: int) -> int:
    """How many events of a sorted batch the service refused (CloudWatch Logs API: RejectedLogEventsInfo)."""
    first = max(info.get("tooOldLogEventEndIndex", 0), info.get("expiredLogEventEndIndex", 0))
    last = info.get("tooNewLogEventStartIndex", total)
    return total - max(0, last - first)
