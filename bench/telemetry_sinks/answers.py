"""What the sinks answer: CloudWatch Logs, the X-Ray API and OTLP as far as telemetry uses them, and their troubles.

Sources: AWS API references of CloudWatch Logs (PutLogEvents) and X-Ray (PutTraceSegments, GetSamplingRules,
GetSamplingTargets); AWS General Reference: "Signature Version 4"; Container credential provider.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from bench.telemetry_sinks import otlp
from bench.telemetry_sinks.tally import Tally

Answer = tuple[int, dict[str, Any]]

MOODS = ("ok", "refused", "hanging", "slow", "throttled", "erring", "expired", "skewed", "mute", "unprocessed")
"""mute: takes the records of every second call, and hangs up. unprocessed: X-Ray leaves a third of the documents."""
SLOW_S = 1.0
SKEW_S = 900.0
"""A signature is good for five minutes."""
BATCH_EVENTS, BATCH_BYTES, BATCH_SPAN_MS, EVENT_OVERHEAD = 10_000, 1_048_576, 24 * 3600 * 1000, 26
SEGMENT_BYTES = 64 * 1024
RULE = {
    "RuleName": "Default", "RuleARN": "arn:aws:xray:us-east-1:123456789012:sampling-rule/Default", "ResourceARN": "*",
    "Priority": 10_000, "FixedRate": 0.05, "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*",
    "HTTPMethod": "*", "URLPath": "*", "Version": 1, "Attributes": {},
}  # fmt: skip


class HangUpError(Exception):
    """The connection ends without an answer."""


class Event(msgspec.Struct):
    """One event of PutLogEvents."""

    timestamp: int
    message: str


class Call(msgspec.Struct, rename="camel"):
    """The members of the CloudWatch Logs operations that telemetry uses."""

    log_group_name: str = ""
    log_stream_name: str = ""
    log_events: list[Event] = []


class Segments(msgspec.Struct):
    """PutTraceSegments."""

    documents: list[str] = msgspec.field(name="TraceSegmentDocuments")


_call = msgspec.json.Decoder(Call)
_segments = msgspec.json.Decoder(Segments)


@dataclass
class Service:
    """The state of the sinks: mood, what exists, what arrived. ``only`` limits a mood to spans, logs or emf."""

    tally: Tally = field(default_factory=Tally)
    mood: str = "ok"
    only: str = ""
    key: int = 1
    """The number of the access key that is good just now."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    calls: itertools.count[int] = field(default_factory=itertools.count)

    async def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """(status, JSON) of a request; raises HangUpError where there is none."""
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if path == "/credentials":
            return 200, self._credentials()
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        call = _call.decode(body) if operation else Call()
        signal = "spans" if not operation else "emf" if call.log_group_name.endswith("/emf") else "logs"
        mood = self.mood if self.only in ("", signal) else "ok"
        trouble = await self._trouble(mood, headers)
        if trouble is not None:
            return trouble
        answer = self._logs(operation, call) if operation else self._traces(path, body, mood)
        if mood == "mute" and operation in ("PutLogEvents", "") and next(self.calls) % 2:
            raise HangUpError
        return answer

    async def _trouble(self, mood: str, headers: dict[str, str]) -> Answer | None:
        if mood == "hanging":
            await asyncio.sleep(3600)
        elif mood == "slow":
            await asyncio.sleep(SLOW_S)
        elif mood == "throttled" and next(self.calls) % 4:
            return 429, {"__type": "ThrottlingException", "message": "Rate exceeded"}
        elif mood == "erring":
            return 500, {"__type": "InternalFailure", "message": "An internal error occurred"}
        signed = re.search(r"Credential=KEY(\d+)/", headers.get("authorization", ""))
        if signed and int(signed[1]) != self.key:
            return 403, {"__type": "ExpiredTokenException", "message": "The security token included is expired"}
        if mood == "skewed":
            at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
            if abs(time.time() + SKEW_S - at) > 300:
                return 403, {"__type": "InvalidSignatureException", "message": "Signature expired: ..."}
        return None

    def _credentials(self) -> dict[str, Any]:
        # Valid for so short a time that a client asks again before each call, as it must when they are refused.
        until = datetime.fromtimestamp(time.time() + 2, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = self.key - (self.mood == "expired")
        return {"AccessKeyId": f"KEY{key}", "SecretAccessKey": "x", "Token": "x", "Expiration": until}

    def _logs(self, operation: str, call: Call) -> Answer:
        group, stream = call.log_group_name, call.log_stream_name
        if operation == "CreateLogGroup":
            self.groups.setdefault(group, set())
        elif group not in self.groups:
            return 400, {"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}
        elif operation == "CreateLogStream":
            self.groups[group].add(stream)
        elif operation == "PutLogEvents":
            if stream not in self.groups[group]:
                return 400, {
                    "__type": "ResourceNotFoundException",
                    "message": "The log stream does not exist.",
                }
            if wrong := _wrong(call.log_events):
                self.tally.refused += len(call.log_events)
                return 400, {"__type": "InvalidParameterException", "message": wrong}
            take = self.tally.metrics if group.endswith("/emf") else self.tally.lines
            take(event.message for event in call.log_events)
        return 200, {}

    def _traces(self, path: str, body: bytes, mood: str) -> Answer:
        if path == "/TraceSegments":
            documents = _segments.decode(body).documents
            left = {n for n, text in enumerate(documents) if len(text.encode()) > SEGMENT_BYTES}
            why = dict.fromkeys(left, "SegmentTooLarge")
            self.tally.refused += len(left)
            if mood == "unprocessed":
                why |= dict.fromkeys(range(next(self.calls) % 3, len(documents), 3), "ThrottledException")
            self.tally.segments(text for n, text in enumerate(documents) if n not in why)
            ids = {n: msgspec.json.decode(documents[n])["id"] for n in why}
            return 200, {"UnprocessedTraceSegments": [{"Id": ids[n], "ErrorCode": why[n], "Message": ""} for n in why]}
        if path == "/GetSamplingRules":
            return 200, {"SamplingRuleRecords": [{"SamplingRule": RULE, "CreatedAt": 0, "ModifiedAt": 0}]}
        if path == "/SamplingTargets":
            return 200, {"SamplingTargetDocuments": [], "LastRuleModification": 0, "UnprocessedStatistics": []}
        if path == "/v1/traces":
            for trace_id, span_id in otlp.spans(body):
                self.tally.span(span_id, trace_id)
            return 200, {}
        if path == "/v1/metrics":
            return 200, {}
        return 404, {"message": path}


def _wrong(events: list[Event]) -> str:
    """Which rule of a batch is broken; "" if none."""
    stamps = [event.timestamp for event in events]
    if not events or len(events) > BATCH_EVENTS:
        return "1 to 10,000 events"
    if stamps != sorted(stamps):
        return "Log events in a single PutLogEvents request must be in chronological order."
    if stamps[-1] - stamps[0] > BATCH_SPAN_MS:
        return "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
    if sum(len(event.message.encode()) + EVENT_OVERHEAD for event in events) > BATCH_BYTES:
        return "Upload too large"
    return ""
