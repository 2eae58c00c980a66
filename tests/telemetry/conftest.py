"""Fixtures of the room: a small AWS that speaks PutLogEvents, a daemon that keeps datagrams, both on free ports."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from service.telemetry.delivery import sender

from .telemetry_server import Server
from .telemetry_shop import Shop, instrumented_shop
from .telemetry_spans import KINDS, Traced
from .telemetry_ways import Way, Ways

# Its pollers outlive the servers of tests, and logging's last resort would print their tracebacks.
logging.getLogger("aws_xray_sdk").addHandler(logging.NullHandler())

# AWS: "Specification: Embedded metric format", the schema that stands in it, in our words.
_NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
EMF_SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": _NAME,
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {
                                        "Name": _NAME,
                                        "Unit": {"type": "string"},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
    # A metric's target is a number or numbers; every other member of ours is a text.
    "additionalProperties": {
        "anyOf": [
            {"type": ["number", "string"]},
            {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number"}},
        ]
    },
}


class FakeLogs:
    """CloudWatch Logs as far as delivery needs it: groups and streams must exist, events are kept in order.

    ``mode``: "ok", "hang" (accepts and never answers), "fail" (500) or an AWS error code (400).
    """

    def __init__(self, port: int = 0) -> None:
        self.mode = "ok"
        self.calls: list[str] = []
        self.groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.retention: dict[str, int] = {}
        self.rejected: dict[str, int] | None = None
        self.date = ""
        self.seen: Callable[[Any], object] = lambda _: None
        self._stop = threading.Event()
        self._connections: list[socket.socket] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one write an answer: two would wait 40 ms for the client's acknowledgement

            def setup(self) -> None:
                super().setup()
                fake._connections.append(self.connection)

            def do_POST(self) -> None:
                fake.seen(self.headers)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = fake.answer(self.headers["X-Amz-Target"].rpartition(".")[2], body)
                text = json.dumps(answer).encode()
                self.send_response_only(status)
                self.send_header("Date", fake.date or self.date_time_string())
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None: ...

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(operation)
        if self.mode == "hang":
            self._stop.wait()
        if self.mode == "fail":
            return 500, {"__type": "InternalFailure", "message": "no"}
        if self.mode not in {"ok", "hang"}:
            return 400, {"__type": self.mode, "message": "no"}
        group, stream = body.get("logGroupName", ""), body.get("logStreamName", "")
        missing = 400, {"__type": "ResourceNotFoundException", "message": "no such group or stream"}
        if operation == "CreateLogGroup":
            self.groups.setdefault(group, {})
        elif group not in self.groups:
            return missing
        elif operation == "PutRetentionPolicy":
            self.retention[group] = body["retentionInDays"]
        elif operation == "CreateLogStream":
            self.groups[group].setdefault(stream, [])
        elif operation == "PutLogEvents":
            if stream not in self.groups[group]:
                return missing
            events = body["logEvents"]
            assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
            self.groups[group][stream] += events
            if self.rejected is not None:
                return 200, {"rejectedLogEventsInfo": self.rejected}
        return 200, {}

    def messages(self, suffix: str) -> list[dict[str, Any]]:
        """The JSON messages of all streams of the groups that end so."""
        return [
            json.loads(event["message"])
            for group, streams in list(self.groups.items())
            if group.endswith(suffix)
            for events in list(streams.values())
            for event in list(events)
        ]

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:  # kept alive, they would go on answering
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class FakeDaemon:
    """Keeps the segment documents of the datagrams that come."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.documents: list[dict[str, Any]] = []
        self._caught_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while data := self._socket.recv(65_536):
            if data == b"?":
                self._caught_up.set()
                continue
            header, _, document = data.partition(b"\n")
            assert json.loads(header) == {"format": "json", "version": 1}
            self.documents.append(json.loads(document))

    def so_far(self) -> list[dict[str, Any]]:
        """All documents that were sent before this call."""
        self._caught_up.clear()
        self._socket.sendto(b"?", self._socket.getsockname())
        assert self._caught_up.wait(10)
        return self.documents

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(2)
        self._socket.close()


def wait_for(true: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value, or an assertion after so many seconds."""
    until = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return value


@pytest.fixture(autouse=True, scope="session")
def one_session() -> Iterator[None]:
    """A session reads botocore's models for some 0.2 s; the clients of all tests may come from one."""
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3.session, "Session", lambda **_: session)
        yield


@pytest.fixture
def aws() -> Iterator[FakeLogs]:
    fake = FakeLogs()
    yield fake
    fake.close()


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    fake = FakeDaemon()
    yield fake
    fake.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def shop(aws: FakeLogs, daemon: FakeDaemon, credentials: None) -> Iterator[Shop]:
    with instrumented_shop(aws, daemon) as made:
        yield made


@pytest.fixture(params=KINDS)
def traced(request: pytest.FixtureRequest) -> Traced:
    return Traced(request.param)


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ways]:
    monkeypatch.setattr(sender, "FIRST_BACKOFF", 0.02)
    monkeypatch.setattr(sender, "LONGEST_BACKOFF", 0.05)
    made: list[Way] = []

    def make(folder: Path | None = tmp_path / "spill", **caps: int) -> Way:
        made.append(Way(folder, **caps))
        return made[-1]

    yield make
    for way in made:
        way.endpoint.hang.set()
        way.close(0.1)


def pytest_unconfigure() -> None:
    """The X-Ray SDK opens a socket for its global recorder at import and never closes it; Python would complain."""
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - a heavy import, only to undo what it did

    xray_recorder.emitter._socket.close()
