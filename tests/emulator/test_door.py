"""What the front door lets in, and how it answers what it doesn't."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.door import LARGEST_BODY
from kit.emulator.server import Emulator

LIST_GROUPS = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"}


class Answer:
    """A raw response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def code(self) -> str:
        return str(self.headers.get("x-amzn-errortype") or self.json["__type"])


@pytest.fixture
def ask(emulator: Emulator) -> Callable[..., Answer]:
    def send(
        method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, port: int | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port or emulator.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return send


def scope(service: str, region: str = "us-east-1") -> dict[str, str]:
    credential = f"Credential=test/20261122/{region}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}


def test_the_health_page_tells_of_uptime_and_counts(ask: Callable[..., Answer]) -> None:
    before = ask("GET", "/_kit/health").json
    ask("POST", "/", b"{}", LIST_GROUPS)
    page = ask("GET", "/_kit/health").json
    assert page["status"] == "ok"
    assert page["uptime_s"] >= before["uptime_s"] >= 0
    assert page["requests"]["logs"] == before["requests"].get("logs", 0) + 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4566", "[::1]:4566", "shop.localhost", "127.8.0.1"])
def test_loopback_names_are_served(ask: Callable[..., Answer], host: str) -> None:
    assert ask("POST", "/", b"{}", {**LIST_GROUPS, "Host": host}).status == 200


@pytest.mark.parametrize("host", ["evil.example", "169.254.1.1", "localhost.evil.example", "", "[::"])
def test_a_rebound_name_is_refused(ask: Callable[..., Answer], host: str) -> None:
    answer = ask("POST", "/", b"{}", {**LIST_GROUPS, "Host": host})
    assert (answer.status, answer.code) == (403, "InvalidHostHeader")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_another_site_is_refused(ask: Callable[..., Answer], origin: str) -> None:
    answer = ask("POST", "/", b"{}", {**LIST_GROUPS, "Origin": origin})
    assert (answer.status, answer.code) == (403, "InvalidOrigin")


def test_a_body_over_the_cap_is_refused_in_aws_form(ask: Callable[..., Answer]) -> None:
    answer = ask("POST", "/", b" " * (LARGEST_BODY + 1), LIST_GROUPS)
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")


def test_a_gzip_bomb_is_refused(ask: Callable[..., Answer]) -> None:
    bomb = gzip.compress(b" " * (LARGEST_BODY + 1))
    answer = ask("POST", "/", bomb, {**LIST_GROUPS, "Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")


def test_a_gzip_body_is_read_and_a_broken_one_refused(ask: Callable[..., Answer]) -> None:
    packed = gzip.compress(b'{"limit": 1}')
    headers = {**LIST_GROUPS, "Content-Encoding": "gzip"}
    assert ask("POST", "/", packed, headers).status == 200
    for broken in (b"no gzip", packed[:-9]):
        answer = ask("POST", "/", broken, headers)
        assert (answer.status, answer.code) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/moto-api/reset", {}),
        ("/moto-api/reset", scope("sns")),
        ("/latest/meta-data/iam/security-credentials/", {}),
        ("/nothing/here", {}),
    ],
)
def test_what_no_client_signed_is_refused_in_aws_form(
    ask: Callable[..., Answer], path: str, headers: dict[str, str]
) -> None:
    answer = ask("POST", path, b"", headers)
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


def test_an_unsigned_request_to_an_xray_path_is_served(ask: Callable[..., Answer]) -> None:
    assert "SamplingRuleRecords" in ask("POST", "/GetSamplingRules", b"{}").json


def test_the_daemon_port_answers_xray_and_nothing_else(ask: Callable[..., Answer], emulator: Emulator) -> None:
    assert ask("POST", "/GetSamplingRules", b"{}", port=emulator.xray_port).status == 200
    answer = ask("POST", "/", b"{}", LIST_GROUPS, port=emulator.xray_port)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


@pytest.mark.parametrize("region", ["nowhere", "us-east-1'", "us_east_1", "a" * 500])
def test_a_region_must_look_like_one(ask: Callable[..., Answer], region: str) -> None:
    answer = ask("POST", "/", b"{}", {**LIST_GROUPS, **scope("logs", region)})
    assert (answer.status, answer.code) == (400, "UnrecognizedClientException")


def test_regions_are_kept_apart_and_bounded(ask: Callable[..., Answer], client: Callable[..., Any]) -> None:
    client("logs", "eu-west-1").create_log_group(logGroupName="only-in-ireland")
    assert client("logs", "eu-west-1").describe_log_groups(logGroupNamePrefix="only-in-ireland")["logGroups"]
    assert not client("logs").describe_log_groups(logGroupNamePrefix="only-in-ireland")["logGroups"]
    statuses = [ask("POST", "/", b"{}", {**LIST_GROUPS, **scope("logs", f"xx-west-{n}")}).status for n in range(60)]
    assert statuses[0] == 200
    assert statuses[-1] == 400


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("logs", "describe_queries", {}),
        ("cloudwatch", "put_anomaly_detector", {"Namespace": "a", "MetricName": "b", "Stat": "Sum"}),
        ("xray", "get_insight", {"InsightId": "1"}),
    ],
)
def test_an_operation_that_is_not_there_is_an_aws_error(
    client: Callable[..., Any], service: str, call: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(client(service), call)(**arguments)
    assert raised.value.response["Error"]["Code"] == "UnknownOperationException"
    assert "not in this emulator" in raised.value.response["Error"]["Message"]


def test_a_client_of_the_query_protocol_is_told_so_in_its_own_words(ask: Callable[..., Answer]) -> None:
    headers = {**scope("monitoring"), "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = ask("POST", "/", b"Action=ListMetrics&Version=2010-08-01", headers)
    assert answer.status == 400
    assert answer.body.startswith(b"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>")
