import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from service.telemetry.sampling import XRaySampler, sampler
from service.telemetry.settings import DaemonAddress, Settings

from .conftest import wait_for

RULE = {
    "RuleARN": "arn:aws:xray:us-east-1:123456789012:sampling-rule/x", "ResourceARN": "*", "FixedRate": 0.0,
    "ReservoirSize": 0, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*",
    "Version": 1, "Attributes": {},
}  # fmt: skip
CHECKOUT = {"HTTPMethod": "POST", "URLPath": "/checkout"}


@pytest.fixture
def rules() -> Iterator[tuple[int, list[str]]]:
    """The daemon's TCP side: rules that take all of POST /checkout and nothing else; and what it was asked."""
    asked: list[str] = []
    records = [
        {"SamplingRule": {**RULE, "RuleName": "Default", "Priority": 10_000}},
        {"SamplingRule": {**RULE, "RuleName": "checkout", "Priority": 1, "FixedRate": 1.0, **CHECKOUT}},
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            text = json.dumps({"SamplingRuleRecords": records}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()


def decided(made: Any, method: str = "GET", path: str = "/items", parent: Any = None) -> Decision:
    attributes = {"http.request.method": method, "url.path": path, "server.address": "shop.local"}
    decision = made.should_sample(parent, 1 << 127 | 1 << 63, method, attributes=attributes).decision
    assert isinstance(decision, Decision)
    return decision


def caller(sampled: bool) -> Any:
    return set_span_in_context(
        NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(int(sampled))))
    )


@pytest.mark.parametrize(
    ("name", "ratio", "alone", "child_of_sampled"),
    [
        ("always_on", 1.0, True, True),
        ("always_off", 1.0, False, False),
        ("traceidratio", 0.0, False, False),
        ("traceidratio", 1.0, True, True),
        ("parentbased_always_on", 1.0, True, True),
        ("parentbased_always_off", 1.0, False, True),
        ("parentbased_traceidratio", 0.0, False, True),
    ],
)
def test_each_sampler_of_opentelemetry_decides_as_specified(
    name: str, ratio: float, alone: bool, child_of_sampled: bool
) -> None:
    made = sampler(Settings("shop", sampler=name, sampler_ratio=ratio))
    assert (decided(made) is Decision.RECORD_AND_SAMPLE) is alone
    assert (decided(made, parent=caller(sampled=True)) is Decision.RECORD_AND_SAMPLE) is child_of_sampled


def test_xray_decides_by_the_daemons_rules(rules: tuple[int, list[str]]) -> None:
    port, asked = rules
    made = sampler(Settings("shop", sampler="xray", daemon=DaemonAddress(tcp=("127.0.0.1", port))))
    decided(made)
    wait_for(lambda: decided(made, "POST", "/checkout") is Decision.RECORD_AND_SAMPLE and asked)
    assert [decided(made) for _ in range(50)] == [Decision.DROP] * 50
    assert [decided(made, "POST", "/checkout") for _ in range(50)] == [Decision.RECORD_AND_SAMPLE] * 50
    assert asked[0] == "/GetSamplingRules"
    assert decided(made, parent=caller(sampled=True)) is Decision.RECORD_AND_SAMPLE
    assert decided(made, "POST", "/checkout", caller(sampled=False)) is Decision.DROP


def test_xray_without_a_daemon_takes_one_a_second_and_a_twentieth() -> None:
    made = sampler(Settings("shop", sampler="xray", daemon=DaemonAddress(tcp=("127.0.0.1", 1))))
    taken = [decided(made) for _ in range(1_000)].count(Decision.RECORD_AND_SAMPLE)
    assert 10 < taken < 120


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns of just what is tested here
def test_a_child_process_polls_for_itself(rules: tuple[int, list[str]]) -> None:
    port, asked = rules
    made = XRaySampler(Settings("shop", daemon=DaemonAddress(tcp=("127.0.0.1", port))))
    decided(made)
    wait_for(lambda: asked)
    asked.clear()
    child = os.fork()
    if child == 0:
        decided(made)
        wait_for(lambda: decided(made, "POST", "/checkout") is Decision.RECORD_AND_SAMPLE)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    wait_for(lambda: asked)
