"""The canary's way out: log events to CloudWatch Logs, segments to the X-Ray daemon.

Botocore signs and finds the credentials, but no client of it is made: one alone would take 15 MB. Each event is small
and rare, so a call that fails is simply made again with the next event; what waits is bounded.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import time
from collections import deque
from contextlib import suppress
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

MOST_WAITING = 360
CONNECT_S = 1.0
READ_S = 2.0
RETENTION_DAYS = 14


class LogsError(Exception):
    """CloudWatch Logs did not take it; ``code`` is its word for why, or an exception's name."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Delivery:
    """One stream of one log group. No call to AWS is made before the first event."""

    def __init__(self, endpoint_url: str, region: str, group: str) -> None:
        self._url = endpoint_url
        self._region = region
        self._group = group
        host = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()) or "host"
        self._stream = f"{host}/{os.getpid()}-{int(time.time())}"
        timeout: Any = (CONNECT_S, READ_S)
        self._http = URLLib3Session(timeout=timeout, max_pool_connections=1)
        self._session: Any = botocore.session.get_session()
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)

    def put(self, timestamp: float, message: str) -> str:
        """Send an event (epoch seconds) and what an earlier failure has left; what went wrong, or nothing.

        Blocks for a few seconds at most. Beyond an hour of failures the oldest events go.
        """
        self._waiting.append({"timestamp": int(timestamp * 1000), "message": message})
        try:
            self._deliver()
        except LogsError as error:
            return error.code
        self._waiting.clear()
        return ""

    def _deliver(self) -> None:
        batch = {
            "logGroupName": self._group,
            "logStreamName": self._stream,
            "logEvents": sorted(self._waiting, key=lambda event: event["timestamp"]),
        }
        try:
            self._call("PutLogEvents", batch)
        except LogsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._create_stream()
            self._call("PutLogEvents", batch)

    def _create_stream(self) -> None:
        stream = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            self._create("CreateLogStream", stream)
        except LogsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._create("CreateLogGroup", {"logGroupName": self._group})
            self._call("PutRetentionPolicy", {"logGroupName": self._group, "retentionInDays": RETENTION_DAYS})
            self._create("CreateLogStream", stream)

    def _create(self, operation: str, members: dict[str, Any]) -> None:
        try:
            self._call(operation, members)
        except LogsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    def _call(self, operation: str, members: dict[str, Any]) -> None:
        """One call in AWS JSON 1.1, signed (AWS: "Signature Version 4 for API requests"). Raises LogsError."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        request = AWSRequest("POST", self._url + "/", headers, json.dumps(members).encode())
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise LogsError("NoCredentialsError")
            SigV4Auth(credentials.get_frozen_credentials(), "logs", self._region).add_auth(request)
            answer = self._http.send(request.prepare())
        except BotoCoreError as error:
            raise LogsError(type(error).__name__) from error
        if answer.status_code != 200:
            raise LogsError(_code(answer))


def _code(answer: Any) -> str:
    """The last part of ``__type``, which may come with a namespace before a ``#``."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(answer.content)["__type"]).rpartition("#")[2]
    return f"HTTP {answer.status_code}"


def send_segment(daemon: tuple[str, int], segment: str) -> None:
    """One datagram to the X-Ray daemon; lost when it is away, as any of them may be."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b'{"format":"json","version":1}\n' + segment.encode(), daemon)
