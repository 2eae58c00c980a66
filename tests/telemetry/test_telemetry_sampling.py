import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from service.telemetry.sampling import FollowParent, Memory, sampler
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
            signed = "/xray/aws4_request" in self.headers.get("Authorization", "")
            asked.append(self.path + " signed" * signed)
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


@pytest.fixture
def opened() -> Iterator[Callable[..., Any]]:
    """Makes samplers of the service ``shop`` by these settings, and closes them: their threads would go on asking."""
    with ExitStack() as stack:

        def made(port: int = 1, **given: Any) -> Any:
            found = sampler(Settings("shop", sampler="xray", daemon=DaemonAddress(tcp=("127.0.0.1", port)), **given))
            assert isinstance(found, FollowParent)
            stack.callback(found.close)
            return found

        yield made


def decided(made: Any, method: str = "GET", path: str = "/items", parent: Any = None) -> Decision:
    attributes = {"http.request.method": method, "url.path": path, "server.address": "shop.local"}
    decision = made.should_sample(parent, 1 << 127 | 1 << 63, method, attributes=attributes).decision
    assert isinstance(decision, Decision)
    return decision


def memory_of(made: Any) -> Any:
    """The rules of an X-Ray sampler, once they are there: they come by a thread."""
    root = getattr(made, "_first", made)

    def there() -> Any:
        decided(made)
        memory = getattr(root._rules, "__self__", None)
        return isinstance(memory, Memory) and memory._cache.last_updated and memory

    return wait_for(there)


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


def test_xray_decides_by_the_daemons_rules(rules: tuple[int, list[str]], opened: Callable[..., Any]) -> None:
    port, asked = rules
    made = opened(port)
    memory_of(made)
    assert [decided(made) for _ in range(50)] == [Decision.DROP] * 50
    assert [decided(made, "POST", "/checkout") for _ in range(50)] == [Decision.RECORD_AND_SAMPLE] * 50
    assert asked[0] == "/GetSamplingRules"
    assert decided(made, parent=caller(sampled=True)) is Decision.RECORD_AND_SAMPLE
    assert decided(made, "POST", "/checkout", caller(sampled=False)) is Decision.DROP


def test_a_remembered_match_leaves_counts_and_quotas_to_the_sdk(
    rules: tuple[int, list[str]], opened: Callable[..., Any]
) -> None:
    port, _ = rules
    made = opened(port)._first
    memory = memory_of(made)
    checkout, default = memory._cache.rules
    before = checkout.request_count, default.request_count
    for number in range(100):
        decided(made, "POST", "/checkout")
        decided(made, "GET", f"/items/{number % 3}")
    assert (checkout.request_count - before[0], default.request_count - before[1]) == (100, 100)
    assert checkout.sampled_count >= 100
    # A quota is taken before the rate is asked, one a second at most if it is one.
    default.reservoir.load_quota(quota=2, TTL=time.time() + 60, interval=10)
    taken = [decided(made) for _ in range(50)].count(Decision.RECORD_AND_SAMPLE)
    assert 2 <= taken <= 4  # the second may turn meanwhile


def test_rules_read_anew_take_over_the_counts_and_are_matched_anew(
    rules: tuple[int, list[str]], opened: Callable[..., Any]
) -> None:
    port, _ = rules
    made = opened(port)._first
    memory = memory_of(made)
    counted = memory._cache.rules[0].request_count
    fresh = memory._sdk._connector.fetch_sampling_rules()
    fresh[1]._rate = 0.0
    memory._cache.load_rules(list(reversed(fresh)))
    assert memory._cache.rules[0].request_count == counted
    assert [decided(made, "POST", "/checkout") for _ in range(20)] == [Decision.DROP] * 20
    assert memory._cache.rules[0].request_count == counted + 20
    # Older than an hour, the SDK goes by its local rules.
    memory._cache.last_updated = time.time() - 3_601
    taken = [decided(made, "POST", "/checkout") for _ in range(400)].count(Decision.RECORD_AND_SAMPLE)
    assert 1 <= taken < 100


def test_paths_without_number_do_not_fill_the_memory(rules: tuple[int, list[str]], opened: Callable[..., Any]) -> None:
    port, _ = rules
    made = opened(port)._first
    memory = memory_of(made)
    for number in range(3_000):
        decided(made, "GET", f"/{number}")
    assert len(memory._known) <= 1_025


def test_with_delivery_by_the_api_the_rules_come_signed_from_there(
    rules: tuple[int, list[str]], opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = rules
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    made = opened(xray_delivery="api", xray_endpoint_url=f"http://127.0.0.1:{port}")
    memory_of(made)
    assert asked[0] == "/GetSamplingRules signed"


def test_no_line_is_logged_for_a_request_that_no_rule_takes(
    opened: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    made = opened()._first
    with caplog.at_level(logging.INFO, logger="root"):
        decided(made)
        wait_for(lambda: made._rules is not None and hasattr(made._rules, "__self__") and "Memory" in repr(made._rules))
        decided(made)
    assert not [record for record in caplog.records if record.levelno < logging.WARNING and "aws_xray" in record.name]


def test_xray_without_a_daemon_takes_one_a_second_and_a_twentieth(opened: Callable[..., Any]) -> None:
    made = opened()
    taken = [decided(made) for _ in range(1_000)].count(Decision.RECORD_AND_SAMPLE)
    assert 10 < taken < 120


def test_a_closed_sampler_asks_for_nothing_more_and_goes_on_deciding(
    rules: tuple[int, list[str]], opened: Callable[..., Any]
) -> None:
    port, asked = rules
    made = opened(port)
    sdk = memory_of(made)._sdk

    def poll() -> list[str]:
        asked.clear()
        sdk._rule_poller._refresh_cache()
        for rule in sdk._cache.rules:
            rule.increment_request_count()
        with suppress(KeyError):  # there are no targets in the answer
            sdk._target_poller._do_work()
        return asked

    assert poll() == ["/GetSamplingRules", "/SamplingTargets"]
    made.close()
    assert poll() == []
    assert decided(made, "POST", "/checkout") is Decision.RECORD_AND_SAMPLE
    assert decided(made) is Decision.DROP


def test_a_sampler_that_is_closed_before_its_rules_have_come_does_not_ask_again(
    rules: tuple[int, list[str]], opened: Callable[..., Any]
) -> None:
    port, asked = rules
    never_begun, begun = opened(port), opened(port)
    never_begun.close()
    decided(never_begun)
    decided(begun)
    begun.close()
    sdk = wait_for(lambda: begun._first._memory)._sdk
    wait_for(lambda: not isinstance(sdk._rule_poller._connector, type(sdk._connector)))
    asked.clear()
    sdk._rule_poller._refresh_cache()
    assert not asked
    assert never_begun._first._memory is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns of just what is tested here
def test_a_child_process_polls_for_itself(rules: tuple[int, list[str]], opened: Callable[..., Any]) -> None:
    port, asked = rules
    made = opened(port)._first
    decided(made)
    wait_for(lambda: asked)
    asked.clear()
    child = os.fork()
    if child == 0:
        memory_of(made)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    wait_for(lambda: asked)
