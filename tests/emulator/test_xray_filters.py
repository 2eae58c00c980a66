"""Filter expressions on one summary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.protocol import AwsError
from kit.emulator.xray.filters import Test, parse_filter
from kit.emulator.xray.summary import Annotation, HttpFacts, ServiceId, Summary

SUMMARY = Summary(
    start=1000.0,
    duration=3.5,
    response_time=2.5,
    fault=True,
    error=False,
    throttle=False,
    partial=False,
    http=HttpFacts("http://shop/checkout", 503, "POST", "curl/8", None),
    annotations=[
        Annotation("operation", "POST /checkout", [0]),
        Annotation("attempt", 2.0, [0]),
        Annotation("member", True, [0]),
        Annotation("http.route", "/x", [0]),
    ],
    users=[("u1", 0)],
    services=[ServiceId("shop", "AWS::ECS::Container", "1"), ServiceId("payments", None, "1")],
    entry_point=0,
    resource_arns=[],
    instance_ids=["i-1"],
    zones=["us-east-1a"],
    exceptions=[("Timeout", "card processor did not answer")],
)


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("", True),
        ("fault", True),
        ("ok", False),
        ("!ok", True),
        ("!(fault OR error)", False),
        ("fault = true", True),
        ("fault != true", False),
        ("error = false", True),
        ("partial", False),
        ("throttle", False),
        ("responsetime > 2", True),
        ("responseTime <= 2.5", True),
        ("duration < 3", False),
        ("duration != 3", True),
        ("http.status = 503", True),
        ("http.status >= 500 AND http.status < 600", True),
        ('http.url CONTAINS "checkout"', True),
        ('http.url BEGINSWITH "http://shop"', True),
        ('http.url ENDSWITH "/cart"', False),
        ('http.method = "POST"', True),
        ('http.method != "POST"', False),
        ('http.clientip CONTAINS ""', False),
        ('user CONTAINS ""', True),
        ('user = "u1"', True),
        ('name = "payments"', True),
        ('name != "payments"', False),
        ('type = "AWS::ECS::Container"', True),
        ('type = "Timeout"', True),
        ('message CONTAINS "processor"', True),
        ('availabilityzone = "us-east-1a"', True),
        ('instance.id = "i-1"', True),
        ('resource.arn = "x"', False),
        ("annotation.attempt = 2", True),
        ("annotation.attempt > 2", False),
        ('annotation.operation = "POST /checkout"', True),
        ('annotation.operation BEGINSWITH "GET"', False),
        ('annotation.operation != "GET /"', True),
        ('annotation.attempt = "2"', False),
        ("annotation.member = true", True),
        ("annotation.member = false", False),
        ("annotation.member = 1", False),
        ("annotation.operation", True),
        ("annotation.missing", False),
        ("!annotation.missing", True),
        ('annotation.missing != "x"', False),
        ('annotation[http.route] = "/x"', True),
        ('annotation.http.route = "/x"', True),
        ("fault responsetime > 2 !partial", True),
        ("fault annotation.attempt", True),
        ("ok OR fault AND duration > 3", True),
        ("(ok OR fault) AND duration > 30", False),
        ("ok or FAULT and Duration > 3", True),
    ],
)
def test_an_expression_passes_as_documented(expression: str, passes: bool) -> None:
    assert parse_filter(expression)(SUMMARY) is passes


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('service("shop") { fault }', "service is not supported"),
        ('edge("a", "b")', "edge is not supported"),
        ('group.name = "g"', "group.name is not supported"),
        ("inferred", "inferred is not supported"),
        ('rootcause.fault.service { name = "x" }', "rootcause.fault.service is not supported"),
        ("nonsense = 3", "unknown keyword nonsense"),
        ("duration", "unexpected end of"),
        ("duration CONTAINS 3", "unexpected 'CONTAINS'"),
        ('duration > "3"', "unexpected"),
        ("http.url = 3", "unexpected '3'"),
        ("fault AND", "unexpected end of"),
        ("(fault", "unexpected end of"),
        ("fault)", "unexpected ')'"),
        ("OR fault", "unknown keyword OR"),
        ('user = "unclosed', "unexpected"),
        ("annotation.x > true", "unexpected"),
        ("annotation.x < ", "unexpected end of"),
        ("!" * 60 + "fault", "nested too deeply"),
        ("#", "unexpected '#'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(expression: str, why: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse_filter(expression)
    assert raised.value.code == "InvalidRequestException"
    assert why in raised.value.message


def test_a_trace_without_an_end_passes_no_test_of_its_duration() -> None:
    unfinished = Summary(**{f: getattr(SUMMARY, f) for f in SUMMARY.__struct_fields__} | {"duration": None})
    assert not parse_filter("duration > 0")(unfinished)
    assert not parse_filter("duration != 0")(unfinished)


def read_or_code(expression: str) -> Test | str:
    try:
        return parse_filter(expression)
    except AwsError as error:
        return error.code


WORDS = ["fault", "ok", "!", "(", ")", "AND", "OR", "duration", ">", "=", "3", '"x"', "annotation.a", "user", "true"]


@given(st.lists(st.sampled_from(WORDS), max_size=12) | st.lists(st.text(max_size=4), max_size=6))
def test_any_expression_is_read_or_refused_and_never_breaks(words: list[str]) -> None:
    test = read_or_code(" ".join(words))
    if isinstance(test, str):
        assert test == "InvalidRequestException"
    else:
        assert isinstance(test(SUMMARY), bool)
