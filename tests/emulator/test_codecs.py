"""The query and CBOR codecs against botocore's own serializers and parsers, without a server."""

from __future__ import annotations

import json
import random
import string
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.protocol import AwsError, Context, Request, Response
from kit.emulator.protocol.model import load_model
from kit.emulator.services import build_services

CLOUDWATCH = build_services()["cloudwatch"]
MODEL = BotocoreModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")
CONTEXT = Context("us-east-1", "123456789012", ManualClock(1_700_000_000), "request-1")
PROTOCOLS = ["json", "smithy-rpc-v2-cbor", "query"]


class Mirror:
    """Stands for the operations: keeps what a handler would have got, and answers what it is told."""

    def __init__(self, answer: dict[str, Any] | None = None) -> None:
        self.answer = answer or {}
        self.params: dict[str, Any] | None = None

    def handler(self, _operation: str) -> Any:
        def handle(_engine: Any, params: dict[str, Any], _context: Context) -> dict[str, Any]:
            self.params = msgspec.to_builtins(params)  # what comes as records is the same as what comes as dicts
            return self.answer

        return handle


def ask(request: Request, mirror: Mirror) -> Response:
    real = CLOUDWATCH
    service = type(real)(real.name, real.model, real.codecs, mirror, real.complain)  # type: ignore[arg-type]
    return service.answer(request, None, CONTEXT)


def request(protocol: str, operation: str, params: dict[str, Any]) -> Request:
    """The request as botocore would send it."""
    made = create_serializer(protocol).serialize_to_request(params, MODEL.operation_model(operation))
    body = urlencode(made["body"]) if isinstance(made["body"], dict) else made["body"]
    headers = {name.lower(): value for name, value in made["headers"].items()}
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return Request(made["method"], made["url_path"], "", headers, raw)


def parsed(protocol: str, operation: str, response: Response) -> dict[str, Any]:
    """The answer as botocore would understand it."""
    raw = {"status_code": response.status, "headers": dict(response.headers), "body": response.body, "context": {}}
    shape = MODEL.operation_model(operation).output_shape
    assert shape is not None
    result: dict[str, Any] = create_parser(protocol).parse(raw, shape)
    result.pop("ResponseMetadata")
    return result


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DATA = st.fixed_dictionaries(
    {"MetricName": TEXTS},
    optional={
        "Dimensions": st.lists(st.fixed_dictionaries({"Name": TEXTS, "Value": TEXTS}), max_size=12),
        "Timestamp": st.integers(0, 4_000_000_000),
        "Value": NUMBERS,
        "Values": st.lists(NUMBERS, max_size=12),
        "StatisticValues": st.fixed_dictionaries(dict.fromkeys(("SampleCount", "Sum", "Minimum", "Maximum"), NUMBERS)),
        "Unit": st.sampled_from(["Count", "Bytes/Second"]),
        "StorageResolution": st.integers(1, 2**31 - 1),
    },
)


@given(
    st.fixed_dictionaries(
        {"Namespace": st.from_regex(r"[^:]{1,20}", fullmatch=True).filter(str.isprintable)},
        optional={"MetricData": st.lists(DATA, max_size=12)},
    )
)
def test_a_handler_gets_the_same_whatever_the_protocol(params: dict[str, Any]) -> None:
    got = []
    for protocol in PROTOCOLS:
        mirror = Mirror()
        response = ask(request(protocol, "PutMetricData", params), mirror)
        assert response.status == 200, response.body
        got.append(mirror.params)
    assert got[0] == got[1] == got[2] == params


@given(
    st.lists(
        st.fixed_dictionaries(
            {"Id": TEXTS, "Timestamps": st.lists(st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000))},
            optional={"Values": st.lists(NUMBERS), "Label": st.text(max_size=20), "StatusCode": st.just("Complete")},
        )
    )
)
def test_a_client_reads_the_same_whatever_the_protocol(results: list[dict[str, Any]]) -> None:
    answer = {"MetricDataResults": results, "NextToken": "a&b"}
    call = {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}
    read = []
    for protocol in PROTOCOLS:
        response = ask(request(protocol, "GetMetricData", call), Mirror(answer))
        read.append(parsed(protocol, "GetMetricData", response))
    assert read[0] == read[1]
    if _sayable(json.dumps(results, ensure_ascii=False)):
        assert read[0] == read[2]


def _sayable(text: str) -> bool:
    """XML 1.0 has no way to write most control characters; json.dumps escapes them."""
    return (
        "\\u" not in text and "\\b" not in text and "\\f" not in text and "\ufffe" not in text and "\uffff" not in text
    )


def test_what_xml_can_not_say_is_replaced_and_line_ends_are_kept() -> None:
    answer = {"MetricDataResults": [{"Id": "a", "Label": "\0\x1f\ufffe]]> <&>\"'\r\n\t"}]}
    call = {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}
    response = ask(request("query", "GetMetricData", call), Mirror(answer))
    label = parsed("query", "GetMetricData", response)["MetricDataResults"][0]["Label"]
    assert label == "\ufffd\ufffd\ufffd]]> <&>\"'\r\n\t"


def test_the_results_wrapper_is_named_after_the_operation() -> None:
    raw = Loader().load_service_model("cloudwatch", "service-2")["operations"]
    for name, operation in raw.items():
        if "output" in operation:
            assert operation["output"]["resultWrapper"] == f"{name}Result"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("StartTime", "1700000000", "MalformedInput"),
        ("StartTime", "yesterday", "MalformedInput"),
        ("MaxDatapoints", "1_000", "MalformedInput"),
        ("MaxDatapoints", "9" * 18, "MalformedInput"),
        ("MetricDataQueries.member.1.ReturnData", "yes", "MalformedInput"),
        ("MetricDataQueries", "text", "MalformedInput"),
        ("MetricDataQueries.member", "text", "MalformedInput"),
        ("MetricDataQueries.member.0.Id", "a", "MalformedInput"),
        ("MetricDataQueries.member.1", "text", "MalformedInput"),
        ("StartTime.a.b", "1", "MalformedInput"),
    ],
)
def test_a_form_with_a_wrong_value_is_malformed_input(key: str, value: str, code: str) -> None:
    fields = {"Action": "GetMetricData", "Version": "2010-08-01", "StartTime": "2026-01-01", "EndTime": "2026-01-01"}
    if key.startswith("StartTime."):
        del fields["StartTime"]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = ask(Request("POST", "/", "", headers, urlencode(fields | {key: value}).encode()), Mirror())
    assert response.status == 400
    assert f"<Code>{code}</Code>".encode() in response.body


def test_the_items_of_a_list_come_by_their_numbers_and_gaps_are_passed_over() -> None:
    fields = {"Action": "DescribeAlarms", "Version": "2010-08-01"}
    fields |= {f"AlarmNames.member.{number}": f"a{number}" for number in (10, 2, 999_999_999, 1)}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    mirror = Mirror()
    ask(Request("POST", "/", "", headers, urlencode(fields).encode()), mirror)
    assert mirror.params == {"AlarmNames": ["a1", "a2", "a10", "a999999999"]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_error_tells_its_query_code_in_every_protocol(protocol: str) -> None:
    codec = CLOUDWATCH.codecs[PROTOCOLS.index(protocol)]
    fields = {"dashboardValidationMessages": [{"DataPath": "/widgets/0", "Message": "<no>"}]}
    response = codec.fail(AwsError("InvalidParameterInput", "The field <a> & more", fields=fields), "request-1")
    headers = {name.lower(): value for name, value in response.headers.items()}
    raw = {"status_code": response.status, "headers": headers, "body": response.body, "context": {}}
    known = create_parser(protocol).parse(raw, MODEL.shape_for("PutDashboardOutput"))["Error"]
    assert (known["Code"], known["Message"]) == ("InvalidParameterInput", "The field <a> & more")
    assert b"/widgets/0" in response.body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_noise_is_refused_and_never_breaks(protocol: str) -> None:
    noise = random.Random(protocol)
    good = request(protocol, "PutMetricData", {"Namespace": "N", "MetricData": [{"MetricName": "a", "Values": [1.5]}]})
    for _ in range(300):
        body = bytearray(good.body)
        for _ in range(noise.randint(1, 6)):
            body[noise.randrange(len(body))] = noise.choice(string.printable.encode() + bytes(range(256)))
        response = ask(Request(good.method, good.path, "", good.headers, bytes(body)), Mirror())
        assert response.status in (200, 400), (bytes(body), response.body)


def test_a_shape_of_every_type_is_known_to_the_codecs() -> None:
    known = {"structure", "list", "map", "string", "integer", "long", "float", "double", "boolean", "timestamp", "blob"}
    assert {shape.type for shape in load_model("cloudwatch").shapes.values()} <= known
