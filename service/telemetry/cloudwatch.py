"""The CloudWatch Logs client of one process: made at first use, in a pump's thread, shared by the pumps."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .settings import Settings

CONNECT_SECONDS = 1
READ_SECONDS = 2


class CloudWatchLogs:
    """PutLogEvents, and the making of a group and stream, for one process.

    A call blocks for CONNECT_SECONDS plus READ_SECONDS at most and is tried once: the pump decides when again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Any = None

    def client(self) -> Any:
        """The boto3 client; the first call makes it (some 0.1 s, no network)."""
        with self._lock:
            if self._client is None:
                session = boto3.session.Session(region_name=self._settings.region)
                self._client = session.client(
                    "logs",
                    endpoint_url=self._settings.endpoint_url,
                    config=Config(
                        connect_timeout=CONNECT_SECONDS,
                        read_timeout=READ_SECONDS,
                        retries={"total_max_attempts": 1},
                        max_pool_connections=2,
                        parameter_validation=False,
                    ),
                )
            return self._client

    def create_stream(self, group: str, stream: str) -> None:
        """Make the stream, and the group with its retention if there is none. Raises what botocore raises."""
        client = self.client()
        try:
            _unless_there(client.create_log_stream, logGroupName=group, logStreamName=stream)
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            _unless_there(client.create_log_group, logGroupName=group)
            client.put_retention_policy(logGroupName=group, retentionInDays=self._settings.retention_days)
            _unless_there(client.create_log_stream, logGroupName=group, logStreamName=stream)


def code(error: BotoCoreError | ClientError) -> str:
    """The AWS error code, or the exception's name when no answer came."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def _unless_there(call: Any, **arguments: str) -> None:
    """Another process may make the same thing at the same time (CloudWatch Logs API: CreateLogGroup, Errors)."""
    try:
        call(**arguments)
    except ClientError as error:
        if code(error) not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
            raise
