import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from service.telemetry.spans import EndedSpans, SpanPump

from .conftest import FakeDaemon, wait_for

GROUP = "/shop/local/shop/logs"


@pytest.fixture
def pump(daemon: FakeDaemon) -> Iterator[SpanPump]:
    host, _, port = daemon.address.partition(":")
    made = SpanPump((host, int(port)), GROUP, capacity=1_000)
    yield made
    made.close(time.monotonic() + 2)


def spans(pump: SpanPump | None, number: int, sampler: Any = ALWAYS_ON) -> None:
    provider = TracerProvider(sampler, Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(EndedSpans(lambda: pump))
    tracer = provider.get_tracer("test")
    for i in range(number):
        tracer.start_span(f"span {i}").end()


def test_each_span_arrives_as_one_datagram(daemon: FakeDaemon, pump: SpanPump) -> None:
    spans(pump, 500)
    wait_for(lambda: len(daemon.documents) == 500)
    assert (pump.accepted, pump.sent, pump.dropped) == (500, 500, 0)
    assert len({document["id"] for document in daemon.documents}) == 500


def test_bursts_are_at_most_fifty_datagrams(pump: SpanPump, monkeypatch: pytest.MonkeyPatch) -> None:
    sent_before_pause: list[int] = []
    real = time.sleep
    monkeypatch.setattr("service.telemetry.spans.time.sleep", lambda s: (sent_before_pause.append(pump.sent), real(s)))
    spans(pump, 130)
    pump.close(time.monotonic() + 2)
    assert pump.sent == 130
    gaps = [after - before for before, after in zip([0, *sent_before_pause], [*sent_before_pause, 130], strict=True)]
    assert max(gaps) <= 50


def test_unsampled_spans_and_spans_of_no_process_are_nothing(pump: SpanPump) -> None:
    spans(pump, 3, ALWAYS_OFF)
    spans(None, 3)
    assert pump.accepted == 0
    assert pump._thread is None


def test_a_full_queue_drops_and_counts(daemon: FakeDaemon) -> None:
    host, _, port = daemon.address.partition(":")
    pump = SpanPump((host, int(port)), GROUP, capacity=10)
    spans(pump, 30)
    pump.close(time.monotonic() + 2)
    assert pump.accepted == 30 == pump.sent + pump.dropped
    assert pump.dropped >= 10


def test_close_sends_what_waits_and_what_comes_later_is_dropped(daemon: FakeDaemon, pump: SpanPump) -> None:
    spans(pump, 5)
    pump.close(time.monotonic() + 2)
    spans(pump, 1)
    wait_for(lambda: len(daemon.documents) == 5)
    assert (pump.sent, pump.dropped) == (5, 1)


def test_a_daemon_that_is_away_hurts_nobody() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    pump = SpanPump(("127.0.0.1", port), GROUP, capacity=10)
    spans(pump, 3)
    pump.close(time.monotonic() + 2)
    assert pump.sent == 3  # UDP: nobody says that nobody listens


def test_a_name_is_resolved_once_and_not_in_the_request_thread(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    port = int(daemon.address.partition(":")[2])

    def resolve(*_: Any) -> list[Any]:
        asked.append(threading.get_ident())
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr("service.telemetry.emitter.socket.getaddrinfo", resolve)
    pump = SpanPump(("daemon.internal", port), GROUP, capacity=100)
    spans(pump, 20)
    wait_for(lambda: len(daemon.documents) == 20)
    spans(pump, 20)
    pump.close(time.monotonic() + 2)
    assert len(asked) == 1
    assert asked[0] != threading.get_ident()


def test_a_name_that_cannot_be_resolved_is_asked_for_once_and_the_spans_count_as_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        raise OSError("no such name")

    monkeypatch.setattr("service.telemetry.emitter.socket.getaddrinfo", resolve)
    pump = SpanPump(("nowhere.invalid", 2000), GROUP, capacity=100)
    spans(pump, 20)
    pump.close(time.monotonic() + 2)
    assert (pump.sent, pump.dropped, asked) == (0, 20, ["nowhere.invalid"])


def test_the_environment_does_not_override_the_address(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "tcp:nowhere.invalid:1 udp:nowhere.invalid:2")
    host, _, port = daemon.address.partition(":")
    pump = SpanPump((host, int(port)), GROUP, capacity=10)
    spans(pump, 1)
    pump.close(time.monotonic() + 2)
    wait_for(lambda: len(daemon.documents) == 1)
