"""Filter patterns on single messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.logs.patterns import Matcher, parse_pattern
from kit.emulator.protocol import AwsError


def matches(pattern: str, message: str) -> bool:
    return parse_pattern(pattern)(message.encode())


def read_or_code(pattern: str) -> Matcher | str:
    try:
        return parse_pattern(pattern)
    except AwsError as error:
        return error.code


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("ERROR timeout", "timeout after ERROR", True),
        ("ERROR timeout", "ERROR alone", False),
        ('"ERROR: bad"', "x ERROR: bad y", True),
        ('"ERROR: bad"', "ERROR bad", False),
        ('"say \\"hi\\""', 'they say "hi"', True),
        ("ERROR -timeout", "ERROR refused", True),
        ("ERROR -timeout", "ERROR timeout", False),
        ('-"Exiting now"', "Exiting now", False),
        ("?ERROR ?WARN", "a WARN", True),
        ("?ERROR ?WARN", "an INFO", False),
        ("?ERROR ?WARN -debug", "WARN debug", False),
        ("?ERROR REQUEST", "REQUEST only", True),
        ("grüße", "viele grüße", True),
    ],
)
def test_terms(pattern: str, message: str, expected: bool) -> None:
    assert matches(pattern, message) is expected


EVENT = {
    "level": "ERROR",
    "ms": 412.5,
    "n": 3,
    "ok": True,
    "bad": False,
    "nothing": None,
    "text": "3",
    "http": {"status": 503, "path": "/items/9", "a.b": 1},
    "list": [{"x": 1}, {"x": 2}],
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.level = "ERROR" }', True),
        ("{ $.level = ERROR }", True),
        ('{ $.level != "ERROR" }', False),
        ('{ $.missing != "ERROR" }', False),
        ('{ $.level = "ERR*" }', True),
        ("{ $.http.path = /items/* }", True),
        ('{ $.http.path = "*s/9" }', True),
        ('{ $.http.path = "*x*" }', False),
        ('{ $.level = "E*R*R" }', True),
        ('{ $.level = "ERROR*ERROR" }', False),
        ("{ $.ms > 412 }", True),
        ("{ $.ms >= 412.5 && $.n < 4 }", True),
        ("{ $.ms <= 4.12e2 }", False),
        ("{ $.n = 3 }", True),
        ("{ $.n != 3 }", False),
        ("{ $.text = 3 }", False),
        ('{ $.text = "3" }', True),
        ("{ $.n = -3 }", False),
        ("{ $.ok > 0 }", False),
        ("{ $.ok IS TRUE }", True),
        ("{ $.bad IS FALSE }", True),
        ("{ $.n IS TRUE }", False),
        ("{ $.nothing IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.nothing NOT EXISTS }", False),
        ("{ $.http.status = 503 }", True),
        ("{ $.http['a.b'] = 1 }", True),
        ('{ $.["http"].status = 503 }', True),
        ("{ $.list[1].x = 2 }", True),
        ("{ $.list[2].x NOT EXISTS }", True),
        ("{ $.level.deeper = 1 }", False),
        ("{ ($.n = 4) || ($.level = ERROR && $.ok IS TRUE) }", True),
        ("{ $.n = 4 || $.n = 3 && $.ok IS FALSE }", False),
        ("{$.n=3&&$.ms>1}", True),
    ],
)
def test_selectors_into_json(pattern: str, expected: bool) -> None:
    assert matches(pattern, json.dumps(EVENT)) is expected


@pytest.mark.parametrize("message", ["", "plain", "{broken", '["a"]', "3"])
def test_an_event_that_is_no_json_object_matches_no_selector(message: str) -> None:
    assert matches("{ $.missing NOT EXISTS }", message) is False


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ a = 1 }",
        "{ $.a < b }",
        "{ $.a IS MAYBE }",
        "{ $.a NOT THERE }",
        "{ ($.a = 1 }",
        "{ $.a == 1 }",
        "{ $.a = 1 && }",
        "{ $.a = %x% }",
        "{" + "(" * 60 + "$.a = 1" + ")" * 60 + "}",
        "{}",
        "[a, b]",
        "%x%",
        "a.b",
        '"unclosed',
    ],
)
def test_what_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse_pattern(pattern)
    assert raised.value.code == "InvalidParameterException"


@given(st.text(alphabet="{}()$.[]\"'ab1 =!<>&|*-?%ISNOTEXRU\\", max_size=40), st.text(max_size=20))
def test_any_pattern_is_read_or_refused_and_never_breaks(pattern: str, message: str) -> None:
    matcher = read_or_code(pattern)
    if isinstance(matcher, str):
        assert matcher == "InvalidParameterException"
        return
    assert isinstance(matcher(message.encode()), bool)
    assert isinstance(matcher(b'{"a": 1}'), bool)


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5) | st.sampled_from(["x", "y"]), min_size=1),
    st.sampled_from("abc"),
    st.sampled_from(["=", "!=", "<", ">="]),
    st.integers(-5, 5),
)
def test_a_comparison_agrees_with_python(event: dict[str, Any], key: str, sign: str, number: int) -> None:
    value: Any = event.get(key)
    numeric = isinstance(value, int)
    expected = {
        "=": numeric and value == number,
        "!=": value is not None and value != number,
        "<": numeric and value < number,
        ">=": numeric and value >= number,
    }[sign]
    assert matches(f"{{ $.{key} {sign} {number} }}", json.dumps(event)) is bool(expected)
