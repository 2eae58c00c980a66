"""What the front door lets in, and how it answers what it doesn't."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import cbor2
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
        ("logs", "describe_export_tasks", {}),
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


FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/"
RPC = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor"}


def query_code(answer: Answer) -> str | None:
    return ElementTree.fromstring(answer.body).findtext("{*}Error/{*}Code")


def test_a_form_is_answered_in_xml(ask: Callable[..., Answer]) -> None:
    answer = ask("POST", "/", b"Action=ListMetrics&Version=2010-08-01&Namespace=None", {**scope("monitoring"), **FORM})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml")
    assert ElementTree.fromstring(answer.body).find("{*}ListMetricsResult/{*}Metrics") is not None


def test_a_signed_url_is_answered_in_xml(ask: Callable[..., Answer]) -> None:
    credential = "X-Amz-Credential=test%2F20261122%2Fus-east-1%2Fmonitoring%2Faws4_request"
    answer = ask("GET", f"/?Action=ListMetrics&Version=2010-08-01&{credential}&X-Amz-Signature=0")
    assert answer.status == 200
    assert answer.body.startswith(b"<ListMetricsResponse ")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (b"", "InvalidAction"),
        (b"Action=MakeCoffee&Version=2010-08-01", "InvalidAction"),
        (b"Action=PutAnomalyDetector&Version=2010-08-01", "InvalidAction"),
        (b"Action=ListMetrics", "InvalidAction"),
        (b"Action=ListMetrics&Version=2009-05-15", "InvalidAction"),
        (b"Action=ListMetrics&Version=2010-08-01&Dimensions.member.x.Name=a", "MalformedInput"),
        (b"Action=ListMetrics&Version=2010-08-01&Namespace=a&Namespace.b=c", "MalformedInput"),
        (b"Action=ListMetrics&Version=2010-08-01&Namespace=%ff", "MalformedInput"),
        (b"\xff", "InvalidAction"),
        (b"Action=PutMetricData&Version=2010-08-01", "MissingParameter"),
    ],
)
def test_a_wrong_form_is_an_error_in_xml(form: bytes, code: str, ask: Callable[..., Answer]) -> None:
    answer = ask("POST", "/", form, {**scope("monitoring"), **FORM})
    assert (answer.status, answer.headers["content-type"], query_code(answer)) == (400, "text/xml", code)


def test_an_unsigned_form_is_refused_in_xml(ask: Callable[..., Answer]) -> None:
    answer = ask("POST", "/", b"Action=ListMetrics&Version=2010-08-01", FORM)
    assert (answer.status, query_code(answer)) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize("signed", [scope("monitoring"), {}])
def test_cbor_is_answered_in_cbor(signed: dict[str, str], ask: Callable[..., Answer]) -> None:
    answer = ask("POST", f"{CBOR_PATH}ListMetrics", cbor2.dumps({"Namespace": "None"}), {**signed, **RPC})
    assert (answer.status, answer.headers["smithy-protocol"]) == (200, "rpc-v2-cbor")
    assert cbor2.loads(answer.body) == {"Metrics": []}


def test_an_operation_without_an_output_has_no_body_in_cbor(ask: Callable[..., Answer]) -> None:
    body = cbor2.dumps({"Namespace": "Cbor", "MetricData": [{"MetricName": "a", "Value": 1}]})
    answer = ask("POST", f"{CBOR_PATH}PutMetricData", body, {**scope("monitoring"), **RPC})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", None)


@pytest.mark.parametrize(
    ("path", "body", "headers", "code"),
    [
        (f"{CBOR_PATH}MakeCoffee", b"", RPC, "UnknownOperationException"),
        ("/service/Other/operation/ListMetrics", b"", RPC, "UnknownOperationException"),
        ("/", b"", RPC, "UnknownOperationException"),
        (f"{CBOR_PATH}ListMetrics", b"\xff", RPC, "SerializationException"),
        (f"{CBOR_PATH}ListMetrics", b"\x81" * 100_000, RPC, "SerializationException"),
        (f"{CBOR_PATH}ListMetrics", b"\xd8\x1c\x81\xd8\x1d\x00", RPC, "SerializationException"),
        (f"{CBOR_PATH}ListMetrics", b"\xa0", RPC | {"smithy-protocol": "rpc-v3"}, "SerializationException"),
        (f"{CBOR_PATH}ListMetrics", b"\xa0", RPC | {"Content-Encoding": "gzip"}, "SerializationException"),
        (f"{CBOR_PATH}PutMetricData", b"\xa0", RPC, "MissingRequiredParameterException"),
    ],
)
def test_wrong_cbor_is_an_error_in_cbor(
    path: str, body: bytes, headers: dict[str, str], code: str, ask: Callable[..., Answer]
) -> None:
    answer = ask("POST", path, body, {**scope("monitoring"), **headers})
    assert (answer.status, answer.headers["content-type"]) == (400, "application/cbor")
    assert cbor2.loads(answer.body)["__type"] == code


def test_a_protocol_that_a_service_does_not_speak_is_refused_in_it(ask: Callable[..., Answer]) -> None:
    answer = ask("POST", "/", b"Action=DescribeLogGroups", {**scope("logs"), **FORM})
    assert (answer.status, query_code(answer)) == (400, "InvalidAction")
    answer = ask("POST", "/service/Logs_20140328/operation/DescribeLogGroups", b"\xa0", {**scope("logs"), **RPC})
    assert (answer.status, cbor2.loads(answer.body)["__type"]) == (400, "UnknownOperationException")


def test_put_metric_data_takes_a_megabyte(ask: Callable[..., Answer]) -> None:
    headers = {
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Encoding": "gzip",
    }
    body = json.dumps({"Namespace": "Large", "MetricData": [{"MetricName": "a", "Value": 1}]}).encode()
    assert ask("POST", "/", gzip.compress(body.ljust(1_048_576)), headers).status == 200
    answer = ask("POST", "/", gzip.compress(body.ljust(1_048_577)), headers)
    assert (answer.status, answer.code) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_malformed_http_is_an_error_in_aws_form(raw: bytes, status: int, emulator: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = Answer(response)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/x-amz-json-1.1")
    assert answer.json["__type"]
    assert answer.headers["x-amzn-requestid"]
