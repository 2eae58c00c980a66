"""The two ways to X-Ray, the daemon's datagrams and X-Ray's API, each against a small server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from service.telemetry import Settings
from service.telemetry.traces.api import DOCUMENTS, Api
from service.telemetry.traces.daemon import Daemon

from .conftest import FakeDaemon, wait_for
from .telemetry_server import Reply, Server, of, positions, texts, went
from .telemetry_spans import GROUP, KINDS

pytestmark = pytest.mark.usefixtures("credentials")


def unprocessed(**codes: str) -> Callable[..., Reply]:
    left = [{"Id": key, "ErrorCode": code, "Message": "no"} for key, code in codes.items()]
    return lambda *_: (200, {}, json.dumps({"UnprocessedTraceSegments": left}).encode())


def test_a_document_names_the_log_group() -> None:
    assert json.loads(texts(1)[0])["aws"]["cloudwatch_logs"] == [{"log_group": GROUP}]


# X-Ray daemon


def test_each_document_is_a_datagram_of_its_own(daemon: FakeDaemon) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    assert went(out.send(of(texts(120))))
    wait_for(lambda: len(daemon.documents) == 120)
    assert len({document["id"] for document in daemon.documents}) == 120
    out.close()


def test_bursts_are_at_most_fifty_datagrams(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    sent: list[str] = []
    real = out._emitter.send_document
    monkeypatch.setattr(out._emitter, "send_document", lambda text: (sent.append(text), real(text))[1])
    before_pause: list[int] = []
    monkeypatch.setattr("service.telemetry.traces.daemon.time.sleep", lambda _: before_pause.append(len(sent)))
    out.send(of(texts(130)))
    assert before_pause == [50, 100]
    out.close()


def test_a_daemon_that_is_away_hurts_nobody() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    out = Daemon(("127.0.0.1", port))
    assert went(out.send(of(texts(3))))  # UDP: nobody says that nobody listens
    out.close()


def test_a_name_is_resolved_once_and_an_unknown_one_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = False

    def resolve(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        if not known:
            raise OSError("no such name")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", 9))]

    clock = [100.0]
    monkeypatch.setattr("service.telemetry.traces.daemon.socket.getaddrinfo", resolve)
    monkeypatch.setattr("service.telemetry.traces.daemon.time.monotonic", lambda: clock[0])
    out = Daemon(("daemon.internal", 2000))
    three = of(texts(3))
    failed = out.send(three)
    assert (positions(failed), failed.trouble) == ((set(), {0, 1, 2}), "UDP: name unknown")
    known = True
    assert set(out.send(three).again) == {0, 1, 2}
    assert len(asked) == 1
    clock[0] += 6
    assert went(out.send(three))
    assert went(out.send(three))
    assert asked == ["daemon.internal"] * 2
    out.close()


def test_a_document_that_no_datagram_holds_is_refused_alone(daemon: FakeDaemon) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    small = texts(2)
    outcome = out.send(of([small[0], "x" * 70_000, small[1]]))
    assert positions(outcome) == ({1}, set())
    wait_for(lambda: len(daemon.documents) == 2)
    out.close()


def test_the_environment_does_not_override_the_address(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "tcp:nowhere.invalid:1 udp:nowhere.invalid:2")
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    out.send(of(texts(1)))
    wait_for(lambda: len(daemon.documents) == 1)
    out.close()


# PutTraceSegments


def api(url: str) -> Api:
    return Api(Settings("shop", xray_endpoint_url=url))


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_put_signed_and_fifty_at_a_time(server: Server, kind: str) -> None:
    out, all_of_it = api(server.url), texts(120, kind)
    waiting = list(range(120))
    while waiting:
        outcome = out.send(of([all_of_it[position] for position in waiting]))
        assert (set(outcome.refused), outcome.trouble) == (set(), "")
        waiting = [waiting[position] for position in outcome.again]
    puts = [json.loads(body)["TraceSegmentDocuments"] for _, _, body in server.requests]
    assert [len(documents) for documents in puts] == [DOCUMENTS, DOCUMENTS, 20]
    assert [text for documents in puts for text in documents] == all_of_it
    assert {path for path, _, _ in server.requests} == {"/TraceSegments"}
    assert all("/us-east-1/xray/aws4_request" in headers["authorization"] for _, headers, _ in server.requests)
    out.close()


def test_nothing_is_made_or_asked_before_the_first_batch() -> None:
    api("http://127.0.0.1:1").close()


def test_what_xray_leaves_is_sorted_by_its_code(server: Server) -> None:
    documents = texts(4)
    ids = [json.loads(text)["id"] for text in documents]
    server.reply = unprocessed(**{ids[1]: "ThrottledException", ids[2]: "InvalidSegment", ids[3]: "InternalFailure"})
    out = api(server.url)
    outcome = out.send(of(documents))
    assert (positions(outcome), outcome.trouble) == (({2}, {1, 3}), "ThrottledException")
    assert not outcome.unanswered
    out.close()


def test_a_document_that_xray_cannot_name_still_counts_as_refused(server: Server) -> None:
    server.reply = unprocessed(**{"0000000000000000": "ParseError"})
    out = api(server.url)
    assert len(out.send(of(texts(3))).refused) == 1
    out.close()


@pytest.mark.parametrize(
    ("status", "code", "again", "poison"),
    [
        (429, "ThrottledException", True, False),
        (500, "InternalFailure", True, False),
        (503, "", True, False),
        (403, "ExpiredTokenException", True, False),
        (400, "InvalidRequestException", False, True),
        (413, "", False, True),
    ],
)
def test_a_refused_call_is_tried_again_unless_it_never_will_be_taken(
    server: Server, status: int, code: str, again: bool, poison: bool
) -> None:
    headers = {"x-amzn-errortype": code} if code else {}
    server.reply = lambda *_: (status, headers, b"{}")
    out = api(server.url)
    outcome = out.send(of(texts(2)))
    assert (set(outcome.again), set(outcome.refused)) == (({0, 1}, set()) if again else (set(), {0, 1}))
    assert (outcome.poison, outcome.unanswered, outcome.trouble) == (poison, False, code or f"HTTP {status}")
    out.close()


def test_a_call_without_an_answer_may_have_been_obeyed_and_one_refused_was_not(server: Server) -> None:
    server.reply = lambda *_: None
    out = api(server.url)
    outcome = out.send(of(texts(2)))
    assert (set(outcome.again), outcome.unanswered) == ({0, 1}, True)
    out.close()
    away = api("http://127.0.0.1:1")
    outcome = away.send(of(texts(2)))
    assert (set(outcome.again), outcome.unanswered, outcome.trouble) == ({0, 1}, False, "NewConnectionError")
    away.close()
