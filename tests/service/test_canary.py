"""The canary as the process that it is: against a shop that works, fails, hangs or is away, and the embedded AWS."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from flask import Flask

from kit.emulator.server import Binding, Emulator
from service.canary.settings import read_canary
from service.canary.walk import probe
from service.settings import SettingsError
from service.telemetry import catalogue

ROOT = Path(__file__).parents[2]
ITEM = {"item_id": "tamper", "price_cents": 2650}


class FakeShop:
    """A shop with one item. ``mode``: ok, fail, hang, trickle, dear, text or list."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.agents: set[tuple[str, str]] = set()
        self._stop = threading.Event()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(200, {"items": [ITEM]})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                total = 2650 if shop.mode != "dear" else 9999
                order = {"order_id": "a" * 32, "status": "paid", "total_cents": total}
                self._answer(201, {"/checkout": order}.get(self.path, {"cart_id": "c", "total_cents": 2650}))

            def _answer(self, status: int, document: object) -> None:
                shop.agents.add((self.headers["User-Agent"], self.headers["X-Client-Id"]))
                if shop.mode == "hang":
                    shop._stop.wait()
                text = {"text": b"hello", "list": b"[]"}.get(shop.mode, json.dumps(document).encode())
                self.send_response(503 if shop.mode == "fail" else status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                for byte in text:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if shop.mode == "trickle" and shop._stop.wait(0.05):
                        return

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def fake_shop() -> Iterator[FakeShop]:
    shop = FakeShop()
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    running = Emulator(Binding(port=0, xray_port=0))
    running.start()
    yield running
    running.stop()


def client(aws: Emulator, service: str) -> Any:
    untyped: Any = boto3  # its stubs know services by literal names only
    return untyped.client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{aws.port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@contextmanager
def canary(url: str, aws_port: int, xray_port: int = 9, **environ: str) -> Iterator[subprocess.Popen[str]]:
    popen = subprocess.Popen(
        [sys.executable, "-m", "service.canary"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CANARY_URL": url,
            "CANARY_INTERVAL_S": "0.5",
            "CANARY_DEADLINE_S": "0.3",
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name=e{time.monotonic_ns()}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{xray_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield popen
    finally:
        popen.kill()
        popen.wait()
        assert popen.stdout is not None
        popen.stdout.close()


def lines(popen: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert popen.stdout is not None
    for text in popen.stdout:
        yield json.loads(text)


def probes(popen: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    return (line for line in lines(popen) if "trace_id" in line)


def points(aws: Emulator, environment: str, stat: str = "Maximum") -> list[float]:
    """CanaryFault by the second, oldest first."""
    metric = {
        "Namespace": "Shop",
        "MetricName": "CanaryFault",
        "Dimensions": [{"Name": "Service", "Value": "shop"}, {"Name": "Environment", "Value": environment}],
    }
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 1, "Stat": stat}}
    now = time.time()
    answer = client(aws, "cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - 60, EndTime=now + 5, ScanBy="TimestampAscending"
    )
    return list(answer["MetricDataResults"][0]["Values"])


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 5
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen within five seconds"
        time.sleep(0.05)
    return found


def test_a_working_shop_gives_zeros_a_log_line_and_a_trace_root(aws: Emulator, fake_shop: FakeShop) -> None:
    named = "deployment.environment.name=well"
    with canary(fake_shop.url, aws.port, aws.xray_port, OTEL_RESOURCE_ATTRIBUTES=named) as popen:
        said = next(probes(popen))
        assert (said["message"], said["level"], said["operation"]) == ("probe passed", "INFO", "POST /checkout")
        assert eventually(lambda: points(aws, "well"))[0] == 0
        events = client(aws, "logs").filter_log_events(logGroupName="/shop/well/canary/logs")["events"]
        assert json.loads(events[0]["message"])["trace_id"] == said["trace_id"]
        traces = eventually(lambda: client(aws, "xray").batch_get_traces(TraceIds=[said["xray_trace_id"]])["Traces"])
        root = json.loads(traces[0]["Segments"][0]["Document"])
        assert (root["name"], root.get("fault", False), len(root["subsegments"])) == ("canary", False, 4)
    assert fake_shop.agents == {("canary", "canary")}


def test_what_it_emits_is_what_the_catalogue_says(aws: Emulator, fake_shop: FakeShop) -> None:
    entry = next(each for each in catalogue.catalogue()["metrics"] if each["name"] == "CanaryFault")
    with canary(fake_shop.url, aws.port, OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=listed") as popen:
        next(probes(popen))
        event = eventually(lambda: _first_event(aws, "/shop/listed/canary/logs"))
    directive = event["_aws"]["CloudWatchMetrics"][0]
    assert (entry["emitter"], entry["resolution"]) == ("canary", directive["Metrics"][0]["StorageResolution"])
    assert (entry["name"], entry["unit"]) == (directive["Metrics"][0]["Name"], directive["Metrics"][0]["Unit"])
    assert entry["dimensions"] == directive["Dimensions"]
    assert set(event) - {"_aws", "Service", "Environment", "CanaryFault"} <= {
        *catalogue.catalogue()["log_fields"],
        "order_id",
    }


def _first_event(aws: Emulator, group: str) -> Any:
    logs = client(aws, "logs")
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return None
    return json.loads(events[0]["message"]) if events else None


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("fail", "GET /items answered 503, not 200"),
        ("hang", "no answer within 0.5 s"),
        ("trickle", "no answer within 0.5 s"),
        ("dear", "the order is not paid, or not as priced"),
        ("text", "GET /items answered no JSON"),
        ("list", "GET /items answered no JSON object"),
    ],
)
def test_a_shop_in_trouble_is_a_fault_within_the_deadline(fake_shop: FakeShop, mode: str, reason: str) -> None:
    fake_shop.mode = mode
    before = time.monotonic()
    outcome = probe(fake_shop.url, 0.5)
    assert time.monotonic() - before < 0.8
    assert (outcome.fault, outcome.reason) == (True, reason)
    assert outcome.ended - outcome.started < 0.8


def test_a_shop_that_is_away_is_a_fault_at_once() -> None:
    outcome = probe("http://127.0.0.1:9", 5)
    assert outcome.reason == "no answer (ConnectionRefusedError)"
    assert outcome.ended - outcome.started < 1


def test_the_metric_follows_a_shop_that_hangs_and_comes_back(aws: Emulator, fake_shop: FakeShop) -> None:
    with canary(fake_shop.url, aws.port, OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=ill") as popen:
        told = probes(popen)
        assert next(told)["level"] == "INFO"
        fake_shop.mode = "hang"
        assert next(line for line in told if line["level"] == "WARNING")["message"] == (
            "probe failed: no answer within 0.3 s"
        )
        fake_shop.mode = "ok"
        assert next(line for line in told if line["level"] == "INFO")["order_id"]
        eventually(lambda: points(aws, "ill")[-1:] == [0])
    assert 1 in points(aws, "ill")


def test_it_walks_through_the_real_shop(make_shop: Callable[..., Flask], payments_url: str, serve: Any) -> None:
    with serve(make_shop(payments_url)) as url:
        outcome = probe(url, 5)
    assert (outcome.reason, [step.status for step in outcome.steps]) == ("", [200, 201, 201, 201])
    assert len(outcome.order_id) == 32


def test_what_waits_while_aws_is_away_is_sent_once_it_answers(fake_shop: FakeShop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with canary(fake_shop.url, port, OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=late") as popen:
        said = lines(popen)
        assert "delivery fails" in next(line["message"] for line in said if "delivery" in line["message"])
        back = Emulator(Binding(port=port, xray_port=0))
        back.start()
        try:
            assert next(line["message"] for line in said if "delivery" in line["message"]) == "delivery works again"
            assert sum(eventually(lambda: points(back, "late", "SampleCount"))) >= 2
        finally:
            back.stop()


@pytest.mark.parametrize("mode", ["ok", "hang"])
def test_sigterm_ends_it_at_once(fake_shop: FakeShop, mode: str) -> None:
    fake_shop.mode = mode
    with canary(fake_shop.url, 9, CANARY_INTERVAL_S="0.6", CANARY_DEADLINE_S="0.5") as popen:
        next(lines(popen))
        time.sleep(0.2)
        popen.send_signal(signal.SIGTERM)
        before = time.monotonic()
        assert popen.wait(3) == 0
        assert time.monotonic() - before < 0.5


def test_it_stays_small(aws: Emulator, fake_shop: FakeShop) -> None:
    with canary(fake_shop.url, aws.port, aws.xray_port) as popen:
        told = probes(popen)
        next(told)
        next(told)
        info = psutil.Process(popen.pid).memory_full_info()
        assert info.uss < 30e6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANARY_URL", "shop"),
        ("CANARY_INTERVAL_S", "soon"),
        ("CANARY_DEADLINE_S", "-1"),
        ("CANARY_SERVICE", "a b"),
        ("AWS_REGION", "here"),
        ("AWS_XRAY_DAEMON_ADDRESS", "nowhere"),
        ("AWS_ENDPOINT_URL", "ftp://x"),
    ],
)
def test_a_bad_setting_is_told(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=value):
        read_canary({name: value})


def test_probes_that_would_overlap_are_refused_in_one_line() -> None:
    with canary("http://127.0.0.1:9", 9, CANARY_DEADLINE_S="2") as popen:
        assert popen.stdout is not None
        said = popen.stdout.read().splitlines()
        assert popen.wait(5) == 1
    assert said == ["CANARY_DEADLINE_S: must be less than CANARY_INTERVAL_S, so that probes do not overlap."]
