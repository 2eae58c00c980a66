"""The JSON codec against the real service models, without a server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.protocol import AwsError, Context, Request, Response
from kit.emulator.protocol.model import load_model
from kit.emulator.protocol.operations import file_name
from kit.emulator.services import build_services

SERVICES = build_services()
CONTEXT = Context("us-east-1", "123456789012", ManualClock(1_700_000_000), "request-1")


class Recorder:
    """Stands for a service's operations: notes what a handler would have got, answers what it is told."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.params: dict[str, Any] = {}

    def handler(self, _operation: str) -> Any:
        def handle(_engine: Any, params: dict[str, Any], _context: Context) -> dict[str, Any]:
            self.params = params
            return self.answer

        return handle


def call(service: str, operation: str, body: Any, answer: dict[str, Any] | None = None) -> tuple[Response, Recorder]:
    recorder = Recorder(answer or {})
    real = SERVICES[service]
    changed = type(real)(real.name, real.model, real.codecs, recorder, real.complain)  # type: ignore[arg-type]
    path = real.model.operations[operation].http.request_uri if operation in real.model.operations else "/none"
    headers = {"x-amz-target": f"{real.model.metadata.target_prefix}.{operation}"}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return changed.answer(Request("POST", path, "", headers, raw), None, CONTEXT), recorder


def message(response: Response) -> tuple[str, str]:
    body = json.loads(response.body)
    code = response.headers.get("x-amzn-errortype") or body["__type"]
    return code, body.get("message") or body["Message"]


@pytest.mark.parametrize(
    ("operation", "name"),
    [("PutMetricData", "put_metric_data"), ("GetOTelEnrichment", "get_o_tel_enrichment")],
)
def test_an_operation_is_found_by_its_file_name(operation: str, name: str) -> None:
    assert file_name(operation) == name


def test_every_operation_file_answers_an_operation_of_its_model() -> None:
    for service in SERVICES.values():
        known = {file_name(operation) for operation in service.model.operations}
        assert service.operations._names <= known, service.name
        for operation in service.model.operations:
            if operation in service.operations:
                assert callable(service.operations.handler(operation)), operation


def test_timestamps_reach_the_handler_as_epoch_seconds_and_unknown_members_not_at_all() -> None:
    body = {"MetricDataQueries": [], "StartTime": 1700000000.5, "EndTime": "2023-11-14T22:13:20Z", "Bogus": 1}
    response, recorder = call("cloudwatch", "GetMetricData", body)
    assert response.status == 200
    assert recorder.params == {"MetricDataQueries": [], "StartTime": 1700000000.5, "EndTime": 1700000000.0}


def test_timestamps_leave_as_epoch_seconds_with_milliseconds() -> None:
    answer = {"MetricDataResults": [{"Id": "a", "Timestamps": [1700000000.12345], "Values": [1.0]}]}
    response, _ = call("cloudwatch", "GetMetricData", {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}, answer)
    assert json.loads(response.body)["MetricDataResults"][0]["Timestamps"] == [1700000000.123]


def test_an_answer_outside_the_model_is_an_internal_error_and_not_a_page() -> None:
    response, _ = call("logs", "DescribeLogGroups", {}, {"noSuchMember": 1})
    assert response.status == 500
    assert message(response)[0] == "InternalFailure"


def test_a_null_is_an_absent_member() -> None:
    _, recorder = call("logs", "DescribeLogGroups", {"logGroupNamePrefix": None, "limit": 5})
    assert recorder.params == {"limit": 5}


def test_a_null_in_a_list_is_no_item_of_it() -> None:
    body = {"logGroupName": "g", "logStreamName": "s", "logEvents": [None]}
    response, _ = call("logs", "PutLogEvents", body)
    assert "at 'logEvents' failed to satisfy constraint: Member must have length greater" in message(response)[1]


def test_missing_members_are_named_all_together() -> None:
    response, _ = call("logs", "PutLogEvents", {})
    code, text = message(response)
    assert (response.status, code) == (400, "InvalidParameterException")
    assert text.startswith("3 validation errors detected: Value null at 'logGroupName' failed to satisfy constraint: ")
    assert "Value null at 'logEvents' failed to satisfy constraint: Member must not be null" in text


def test_a_member_deep_inside_is_named_by_its_path() -> None:
    body = {
        "logGroupName": "g",
        "logStreamName": "s",
        "logEvents": [{"timestamp": 1, "message": "a"}, {"message": "b"}],
    }
    response, _ = call("logs", "PutLogEvents", body)
    text = "1 validation error detected: Value null at 'logEvents.2.member.timestamp' failed to satisfy constraint: "
    assert message(response)[1] == text + "Member must not be null"


def test_cloudwatch_metric_operations_complain_in_their_own_words() -> None:
    response, _ = call("cloudwatch", "PutMetricData", {})
    assert message(response) == ("MissingRequiredParameterException", "The parameter Namespace is required.")
    assert response.headers["x-amzn-query-error"] == "MissingParameter;Sender"
    bad_unit = {"Namespace": "N", "MetricData": [{"MetricName": "a", "Unit": "Furlongs"}]}
    text = message(call("cloudwatch", "PutMetricData", bad_unit)[0])[1]
    assert text.startswith("The parameter MetricData.member.1.Unit must be a value in the set [ Seconds, ")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"[" * 100_000, "The request body is not valid JSON"),
        (b'{"logGroupName": "\\ud800"}', "The request body is not valid JSON"),
        ([], "Start of list found where not expected."),
        ({"logGroupName": 3}, "NUMBER_VALUE can not be converted to a String"),
        ({"logGroupName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"logGroupName": {}}, "Start of structure or map found where not expected."),
        ({"limit": "3"}, "STRING_VALUE can not be converted to an Integer"),
        ({"limit": 1.5}, "1.5 can not be converted to an Integer"),
    ],
)
def test_a_wrong_type_is_a_serialization_error(body: Any, text: str) -> None:
    response, _ = call("logs", "DescribeLogStreams", body)
    assert response.status == 400
    assert message(response) == ("SerializationException", text)


def test_bounds_of_the_model_are_kept_and_worded() -> None:
    code, text = message(call("logs", "DescribeLogGroups", {"limit": 51})[0])
    assert code == "InvalidParameterException"
    assert text == (
        "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 50"
    )


@pytest.mark.parametrize("service", ["cloudwatch", "logs"])
def test_an_unknown_operation_is_an_aws_error(service: str) -> None:
    response, _ = call(service, "MakeCoffee", {})
    assert response.status == 400
    assert message(response)[0] == "UnknownOperationException"
    assert response.headers["x-amzn-requestid"] == "request-1"


def test_an_error_takes_its_shape_and_status_from_the_model() -> None:
    codec = SERVICES["cloudwatch"].codecs[0]
    error = AwsError("ResourceNotFound", "Dashboard x does not exist")
    response = codec.fail(error, "r")
    assert response.status == 404
    assert response.headers["x-amzn-query-error"] == "ResourceNotFound;Sender"
    invalid = AwsError("InvalidParameterInput", "bad", fields={"dashboardValidationMessages": [{"Message": "m"}]})
    body = json.loads(codec.fail(invalid, "r").body)
    assert body["__type"] == "DashboardInvalidInputError"
    assert body["dashboardValidationMessages"] == [{"Message": "m"}]


def test_patterns_that_python_cannot_read_are_left_out_and_the_others_are_used() -> None:
    model = load_model("logs")
    usable = [shape.pattern for shape in model.shapes.values() if shape.pattern and r"\p{" not in shape.pattern]
    assert len(usable) > 20
    assert any(re.compile(pattern) for pattern in usable if r"\w-_" not in pattern)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
MEMBERS = [
    "Namespace",
    "MetricData",
    "MetricName",
    "Dimensions",
    "Value",
    "Values",
    "Counts",
    "Timestamp",
    "Unit",
    "Name",
]


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(MEMBERS), inner)))
def test_any_json_is_read_or_refused_as_aws_does_and_never_breaks(tree: Any) -> None:
    response, recorder = call("cloudwatch", "PutMetricData", json.dumps(tree).encode())
    if response.status == 200:
        assert recorder.params["Namespace"]
    else:
        assert response.status == 400
        assert message(response)[0] in (
            "SerializationException",
            "MissingRequiredParameterException",
            "InvalidParameterValueException",
        )
