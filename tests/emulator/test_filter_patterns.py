"""Filter patterns on single messages.

The tables follow the Amazon CloudWatch Logs User Guide, "Filter pattern syntax": rows that are its own examples say so.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.logs.patterns import Pattern, parse_pattern
from kit.emulator.protocol import AwsError


def matches(pattern: str, message: str) -> bool:
    return parse_pattern(pattern).matches(message.encode())


def read_or_code(pattern: str) -> Pattern | str:
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
        # the guide, "Matching terms": a term is found inside of words too
        ("ERROR", "[ERROR] A fatal exception has occurred", True),
        ("ERROR", "Exiting with ERRORCODE: -1", True),
        ('"ERROR" - "Exiting"', "Exiting with ERRORCODE: -1", False),
        ("ERROR Exception", "[ERROR] Caught IllegalArgumentException", True),
        ("ERROR Exception", "[ERROR] Unhandled Exception", True),
        ("Failed to process the request", "[ERROR] Unable to continue: Failed to process the request", True),
        # the guide, "OR pattern matching"
        ("?ERROR ?WARN", "ERROR WARN message", True),
        ("?ERROR ?WARN", "WARN message", True),
        ("ERROR WARN", "ERROR message", False),
        ("ERROR -WARN", "ERROR message", True),
        ("ERROR -WARN", "ERROR WARN message", False),
        # the guide: beside other terms, those with a question mark are ignored
        ("?ERROR -debug", "INFO", True),
        # the guide, "Supported regular expressions"
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%AUTHORIZED%", "[ERROR 403] FORBIDDEN", False),
        ("%^[hc]at%", "hat", True),
        ("%^[hc]at%", "a hat", False),
        ("%[hc]at$%", "a cat", True),
        ("%colou?r%", "color", True),
        ("%a{3,5}%", "aa", False),
        ("%gray|grey%", "a grey day", True),
        (r"%10\.10\.0\.1%", "10.10.0.1", True),
        (r"%10\.10\.0\.1%", "10.10x0.1", False),
        (r"%\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}%", "from 192.168.0.7", True),
        ("%[Ee]rror|[Ff]ail%", "Failure", True),
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
        ('{ $.level = "E*R" }', False),
        ('{ $.level = "*RRO*" }', True),
        ("{ $.n = * }", True),
        ('{ $.ok = "*" }', True),
        ("{ $.nothing = * }", False),
        ("{ $.http = * }", False),
        ("{ $.list != 1 }", False),
        ("{ $.nothing != 1 }", False),
        ("{ $.level != 500 }", True),
        ("{ $.level = %^ERR% }", True),
        ("{ $.http.status = %50[34]% }", True),
        ("{ $.level != %^ERR% }", False),
        ("{ $.http.status = 50* }", True),
        ("{ $.n > -.5 }", True),
        ("{ $.ms < +1000 }", True),
        ("{ $.ms >= 41250e-2 }", True),
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
        "{ $.a = %x!% }",
        "{ $.a = %(x)% }",
        "{ $.a = %x% || $.b = %y% || $.c = %z% }",
        "{ $.a = a@b }",
        "{ $.a = grüße }",
        "{ $.a > nan }",
        "%x!%",
        "%a b%",
        "%ü%",
        "%*%",
        "%a{2000}%",
        r"%(a)\1%",
        r"%\b%",
        "%x% y",
        "[a, b",
        "[a b]",
        "[a, a]",
        "[a > b]",
        "[..., x, ...]",
        "[a = 1 && b = 2]",
        "[a] b",
        "{" + "(" * 60 + "$.a = 1" + ")" * 60 + "}",
        "{}",
        "a.b",
        '"unclosed',
    ],
)
def test_what_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse_pattern(pattern)
    assert raised.value.code == "InvalidParameterException"


ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code]", False),
        ("[ip, user, username, timestamp, request, status_code, bytes, more]", False),
        ("[..., status_code, bytes]", True),
        ("[ip, user, ..., status_code, bytes]", True),
        ("[ip, user, ...]", True),
        ("[...]", True),
        ("[a, b, c, d, e, f, g, h, ...]", False),
        ("[ip, user, username, timestamp, request, status_code, bytes > 1000]", True),
        ("[ip, user, username, timestamp, request, status_code = 200, bytes]", False),
        ("[ip, user, username, timestamp, request, status_code = 4*, bytes]", True),
        ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]", True),
        ("[..., status_code = 4* && bytes > 2000, bytes]", False),
        ("[ip = %127\\.0\\.0\\.[1-9]%, ...]", True),
        ('[..., request = "GET /index.html HTTP/1.0", status, bytes]', True),
        ("[..., (status = 500 || status = 404) && bytes < 2000, bytes]", True),
        ("[ip != 127.*, ...]", False),
        ("[..., status >= 4.04e2, bytes]", True),
        ("[..., username > 1, timestamp, request, status, bytes]", False),
    ],
)
def test_fields_of_an_access_log(pattern: str, expected: bool) -> None:
    assert matches(pattern, ACCESS) is expected


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("[w1=ERROR, w2]", {"ERROR message"}),
        ("[w1=ERROR || w1=WARN, w2]", {"ERROR message", "WARN message"}),
        ("[w1=!ERROR&&w1=!WARN, w2]", {"INFO message"}),
    ],
)
def test_alternatives_in_fields(pattern: str, matching: set[str]) -> None:
    events = {"ERROR WARN message", "ERROR message", "WARN message", "INFO message"}
    assert {event for event in events if matches(pattern, event)} == matching


def test_fields_are_extracted_by_name_and_by_place() -> None:
    # the guide's own example, with its trailing comma
    assert parse_pattern("[..., request=*.html*, status_code=4*,]").extract(ACCESS.encode()) == {
        "$status_code": "404",
        "$request": "GET /index.html HTTP/1.0",
        "$7": "1534",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$3": "frank",
        "$2": "-",
        "$1": "127.0.0.1",
    }


def test_members_are_extracted_by_selector() -> None:
    pattern = parse_pattern("{ $.ms = * || $.['http'].status > 1 || $.list = * || $.text = %x% }")
    assert pattern.extract(json.dumps(EVENT).encode()) == {"$.ms": "412.5", "$.http.status": "503", "$.text": "3"}
    assert pattern.name_of("$.http['status']") == "$.http.status"
    assert pattern.name_of("$.n") is None


def test_a_costly_expression_takes_no_longer_than_another() -> None:
    assert not matches("%.*.*.*.*.*.*.*.*x%", "y" * 100_000)


@given(st.text(alphabet="{}()$.,[]\"'ab1 =!<>&|*-?%ISNOTEXRU\\", max_size=40), st.text(max_size=20))
def test_any_pattern_is_read_or_refused_and_never_breaks(pattern: str, message: str) -> None:
    matcher = read_or_code(pattern)
    if isinstance(matcher, str):
        assert matcher == "InvalidParameterException"
        return
    for event in (message.encode(), b'{"a": 1}', b'1 "a b" [c]'):
        assert (matcher.extract(event) is not None) is matcher.matches(event)


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


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{ $.a", "unexpected end of '{ $.a'"),
        ("{ $.a == 1 }", "unexpected '=' in '{ $.a == 1 }'"),
        ("[a b]", "unexpected 'b' in '[a b]'"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_with_its_place(pattern: str, why: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse_pattern(pattern)
    assert raised.value.message == f"Invalid filter pattern: {why}"
