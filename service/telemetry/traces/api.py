"""Segment documents to X-Ray itself, acknowledged (AWS X-Ray API: PutTraceSegments)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..aws import Caller, CallError
from ..delivery import Batch, Outcome
from ..settings import Settings

DOCUMENTS = 50
"""A call: the number that the X-Ray daemon puts at once."""

HEADERS = {"Content-Type": "application/json"}
# Codes of single documents that say nothing against the document (AWS X-Ray API: PutTraceSegments, Common errors).
LATER = re.compile(r"Throttl|TooMany|Internal|Unavailable|Timeout|LimitExceeded", re.IGNORECASE)
# Codes of a call that no second attempt would mend.
POISON = re.compile(r"InvalidRequest|Validation|Serialization|HTTP 413")
SEGMENT_ID = re.compile(r'"id":"([0-9a-f]{16})"')


class _Left(msgspec.Struct, rename="pascal"):
    id: str | None = None
    error_code: str | None = None


class _Answer(msgspec.Struct, rename="pascal"):
    unprocessed_trace_segments: list[_Left] | None = None


class Api:
    """The transport to X-Ray's API, for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._caller = Caller("xray", settings.region, settings.xray_endpoint_url)

    def send(self, batch: Batch) -> Outcome:
        """Put the first 50 documents; the others are to be sent again at once."""
        documents = [record.text for record in batch.records[:DOCUMENTS]]
        others = range(len(documents), len(batch))
        body = msgspec.json.encode({"TraceSegmentDocuments": documents})
        try:
            answer = msgspec.json.decode(self._caller.call("/TraceSegments", HEADERS, body).body, type=_Answer)
        except CallError as error:
            if POISON.search(error.code):
                return Outcome.refuse(batch, error.code)
            return Outcome.retry(batch, error.code, unanswered=error.unanswered)
        except msgspec.MsgspecError:
            return Outcome.retry(batch, "unreadable answer", unanswered=True)
        left = answer.unprocessed_trace_segments
        if not left:
            return Outcome(again=others)
        refused, again = _sorted(documents, left)
        return Outcome(refused, [*again, *others], left[0].error_code or "unprocessed")

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()


def _sorted(documents: list[str], left: list[_Left]) -> tuple[set[int], set[int]]:
    """Positions of the documents that X-Ray refuses, and of those that it may take another time."""
    place = {match[1]: number for number, text in enumerate(documents) if (match := SEGMENT_ID.search(text))}
    again = {place[e.id] for e in left if e.id in place and LATER.search(e.error_code or "")}
    refused = {place[e.id] for e in left if e.id in place} - again
    # A document whose id X-Ray could not read: which it was we cannot say, but the count shall be right.
    nameless = sum(entry.id not in place for entry in left)
    unknown = [number for number in range(len(documents)) if number not in refused and number not in again]
    return refused | set(unknown[:nameless]), again


def rules_client(settings: Settings) -> Any:
    """A client of X-Ray for the X-Ray SDK's sampler, which asks it for rules and targets."""
    # Not at the top: only a service that samples by X-Ray's rules without a daemon wants boto3 for spans.
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    return Session(region_name=settings.region).client("xray", endpoint_url=settings.xray_endpoint_url, config=config)
