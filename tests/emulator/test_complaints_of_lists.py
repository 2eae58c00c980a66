"""What a validation complaint quotes: lists, maps and structures as a Java service writes them."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.protocol.aws_json import JsonLeaves
from kit.emulator.protocol.complaints import Problem, framework
from kit.emulator.protocol.java_text import double_text
from kit.emulator.protocol.model import Operation, Ref, ServiceModel, Shape
from kit.emulator.protocol.reading import ReaderCompiler
from kit.emulator.services import build_services

SERVICES = build_services()


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def complaint(service: str, operation: str, body: dict[str, Any]) -> str:
    found = SERVICES[service]
    shape = found.model.operations[operation].input
    assert shape is not None
    problems: list[Problem] = []
    ReaderCompiler(found.model, JsonLeaves()).of(shape)(body, problems)
    return found.complain(operation, problems).message


def one(shown: str, path: str, rule: str) -> str:
    return f"1 validation error detected: Value {shown} at '{path}' failed to satisfy constraint: {rule}"


@pytest.mark.parametrize(
    ("service", "operation", "body", "expected"),
    [
        (
            "cloudwatch",
            "DescribeAlarms",
            {"AlarmNames": [f"x{n}" for n in range(101)]},
            one(
                f"'[{', '.join(f'x{n}' for n in range(101))}]'",
                "alarmNames",
                "Member must have length less than or equal to 100",
            ),
        ),
        (
            "cloudwatch",
            "PutMetricAlarm",
            {
                "AlarmName": "a",
                "EvaluationPeriods": 1,
                "ComparisonOperator": "LessThanThreshold",
                "Dimensions": [{"Name": "n", "Value": str(n)} for n in range(31)],
            },
            one(
                f"'[{', '.join(f'Dimension(name=n, value={n})' for n in range(31))}]'",
                "dimensions",
                "Member must have length less than or equal to 30",
            ),
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [None]},
            one("'[]'", "logEvents", "Member must have length greater than or equal to 1"),
        ),
        (
            "logs",
            "TagResource",
            {"resourceArn": "arn", "tags": {}},
            one("'{}'", "tags", "Member must have length greater than or equal to 1"),
        ),
    ],
)
def test_a_list_of_a_wrong_size_is_shown_in_javas_form(
    service: str, operation: str, body: dict[str, Any], expected: str
) -> None:
    assert complaint(service, operation, body) == expected


@pytest.mark.parametrize(
    ("service", "operation", "body", "expected"),
    [
        (
            "cloudwatch",
            "DescribeAlarms",
            {"AlarmNames": ["ok", "", "x" * 256]},
            one(
                f"'[ok, , {'x' * 256}]'",
                "alarmNames",
                "Member must satisfy constraint: [Member must have length less than or equal to 255, "
                "Member must have length greater than or equal to 1]",
            ),
        ),
        (
            "logs",
            "FilterLogEvents",
            {"logGroupName": "g", "logStreamNames": ["a", "b:c"]},
            one(
                "'[a, b:c]'",
                "logStreamNames",
                "Member must satisfy constraint: [Member must have length less than or equal to 512, "
                "Member must have length greater than or equal to 1, "
                "Member must satisfy regular expression pattern: [^:*]*]",
            ),
        ),
    ],
)
def test_what_a_list_holds_is_told_of_the_list_and_once(
    service: str, operation: str, body: dict[str, Any], expected: str
) -> None:
    assert complaint(service, operation, body) == expected


def test_a_map_tells_of_its_keys_and_of_its_values() -> None:
    text = complaint("logs", "TagResource", {"resourceArn": "arn", "tags": {"": "a", "k": "v" * 257}})
    shown = f"Value '{{=a, k={'v' * 257}}}' at 'tags' failed to satisfy constraint: "
    assert text.startswith(f"2 validation errors detected: {shown}Map keys must satisfy constraint: [Member must have")
    assert f"; {shown}Map value must satisfy constraint: [Member must have length less than or equal to 256, " in text


def test_the_older_operations_name_the_item_itself() -> None:
    body = {"Namespace": "N", "MetricName": "m", "StartTime": 0, "EndTime": 1, "Period": 60, "Statistics": ["Most"]}
    text = complaint("cloudwatch", "GetMetricStatistics", body)
    assert text.startswith("The parameter Statistics.member.1 must be a value in the set [ SampleCount, ")


def holder_of(kind: Shape) -> ServiceModel:
    """A model whose one operation takes a list, which must be empty, of structures with a member of this shape."""
    shapes = {
        "Input": Shape("structure", members={"Items": Ref("Items")}),
        "Items": Shape("list", member=Ref("Item"), max=0),
        "Item": Shape("structure", members={"Held": Ref("Held"), "Absent": Ref("Held"), "Inner": Ref("Texts")}),
        "Held": kind,
        "Texts": Shape("map", key=Ref("Text"), value=Ref("TextList")),
        "TextList": Shape("list", member=Ref("Text")),
        "Text": Shape("string"),
    }
    return ServiceModel(
        metadata=SERVICES["logs"].model.metadata, operations={"Do": Operation("Do", input=Ref("Input"))}, shapes=shapes
    )


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        ("string", "it's", "it's"),
        ("integer", 3, "3"),
        ("long", 2**40, "1099511627776"),
        ("double", 3, "3.0"),
        ("double", 1e10, "1.0E10"),
        ("boolean", True, "true"),
        ("timestamp", 1_795_341_600, "Sun Nov 22 10:00:00 UTC 2026"),
        ("timestamp", 9e15, "9.0E15"),
        ("blob", "AAEC", "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]"),
    ],
)
def test_structures_and_maps_are_named_all_the_way_down(kind: str, given: Any, shown: str) -> None:
    problems: list[Problem] = []
    body = {"Items": [{"Held": given, "Inner": {"k": ["a", "b"], "l": []}, "Unknown": 1}]}
    ReaderCompiler(holder_of(Shape(kind)), JsonLeaves()).of(Ref("Input"))(body, problems)
    (problem,) = problems
    assert problem.value == f"[Item(held={shown}, absent=null, inner={{k=[a, b], l=[]}})]"


def test_a_list_deep_inside_is_named_by_its_path() -> None:
    problems: list[Problem] = []
    model = holder_of(Shape("string"))
    model.shapes.update({"Items": Shape("list", member=Ref("Item")), "Text": Shape("string", max=1)})
    body = {"Items": [{"Inner": {"K": ["a", "bc", "de"], "l": []}}]}
    ReaderCompiler(model, JsonLeaves()).of(Ref("Input"))(body, problems)
    rule = "Member must satisfy constraint: [Member must have length less than or equal to 1]"
    assert framework("X", problems).message == one("'[a, bc, de]'", "items.1.member.inner.K.member", rule)


def test_a_blob_too_long_is_shown_as_a_buffer() -> None:
    problems: list[Problem] = []
    model = holder_of(Shape("blob", max=2))
    ReaderCompiler(model, JsonLeaves()).of(Ref("Held"))("AAEC", problems)
    assert framework("X", problems).message == one(
        "'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]'", "", "Member must have length less than or equal to 2"
    )


def test_a_long_value_is_cut() -> None:
    text = complaint("cloudwatch", "DescribeAlarms", {"AlarmNames": [f"name-{n:050}" for n in range(200)]})
    assert "..." in text
    assert len(text) < 1300


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (-1.25e-5, "-1.25E-5"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (123456789.5, "1.234567895E8"),
        (1e300, "1.0E300"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_doubles_are_written_as_java_does(number: float, shown: str) -> None:
    assert double_text(number) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_reads_back_as_it_was(number: float) -> None:
    text = double_text(number)
    assert float(text) == number
    assert "." in text


def test_lists_are_quoted_so_over_the_wire(client: Callable[..., Any]) -> None:
    logs, cloudwatch = client("logs"), client("cloudwatch")
    group = f"/complaints/{uuid.uuid4()}"
    code, message = refused(logs.filter_log_events, logGroupName=group, logStreamNames=["a", "b*"])
    assert code == "InvalidParameterException"
    assert message.startswith("1 validation error detected: Value '[a, b*]' at 'logStreamNames' failed to satisfy ")
    code, message = refused(cloudwatch.describe_alarms, AlarmTypes=["MetricAlarm", "Bell"])
    assert code == "ValidationError"
    assert message.startswith(
        "1 validation error detected: Value '[MetricAlarm, Bell]' at 'alarmTypes' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must satisfy enum value set: ["
    )
