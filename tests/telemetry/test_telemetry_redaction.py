"""What must not stand in a log is taken out."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry import redaction

from .telemetry_lines import line, written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("paid by 4111 1111 1111 1111 today", "paid by [redacted] today"),
        ("paid by 4111-1111-1111-1111", "paid by [redacted]"),
        ("5500005555555559,378282246310005", "[redacted],[redacted]"),
        ("old: 4222222222222", "old: [redacted]"),
        ("4111111111111112 is no card", "4111111111111112 is no card"),
        ("at 1795364220000 ms, order 2026112219334600", "at 1795364220000 ms, order 2026112219334600"),
        ("trace 6b03157df5a16a75e657406e66efacd7", "trace 6b03157df5a16a75e657406e66efacd7"),
        ("mail to ada.lovelace+x@mail.example.org, please", "mail to [redacted], please"),
        ("user@host and @decorator stay", "user@host and @decorator stay"),
        ("a@b.cd e@f.gh", "[redacted] [redacted]"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("{'Cookie': 'session=1; a=2'}", "{'Cookie': '[redacted]'}"),
        ("sent Bearer eyJhbGciOi.x-y_z to it", "sent Bearer [redacted] to it"),
        ("/login?user=ada&password=hunter2&next=/", "/login?user=ada&password=[redacted]&next=/"),
        ('{"api_key": "k-123", "n": 1}', '{"api_key": "[redacted]", "n": 1}'),
        ("the token has expired", "the token has expired"),
    ],
)
def test_what_must_not_be_in_a_text_is_taken_out(text: str, told: str) -> None:
    assert redaction.text(text) == told
    assert line(text)["message"] == told


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("Authorization", "x", "[redacted]"),
        ("set-cookie", {"a": 1}, "[redacted]"),
        ("card_number", 7, "[redacted]"),
        ("card_token", "tok_visa", "[redacted]"),
        ("user_email", "ada", "[redacted]"),
        ("number", 4111111111111111, "[redacted]"),
        ("at_ms", 1795364220000, 1795364220000),
        ("note", "ask a@b.org", "ask [redacted]"),
        (
            "headers",
            {"Accept": "*/*", "Cookie": "a=b", "to": ["a@b.org"]},
            {"Accept": "*/*", "Cookie": "[redacted]", "to": ["[redacted]"]},
        ),
        ("tokens_used", 12, 12),
        ("order_id", "o-1", "o-1"),
    ],
)
def test_a_field_that_must_not_be_told_is_known_by_its_name_first(key: str, value: Any, told: Any) -> None:
    assert line(**{key: value})[key] == told


def test_an_exception_and_an_argument_are_redacted_too() -> None:
    try:
        raise ValueError("no such card 4111111111111111")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "", 0, "mail %s", ("a@b.org",), sys.exc_info())
    assert "4111111111111111" not in written(record).replace("raise", "")
    assert json.loads(written(record))["message"] == "mail [redacted]"


@given(st.text(alphabet="@.a1 -", max_size=300))
def test_redaction_takes_any_text(text: str) -> None:
    assert redaction.text(redaction.text(text)) == redaction.text(text)


def test_redaction_of_a_long_text_takes_no_square_of_its_length() -> None:
    began = time.process_time()
    for text in ("a" * 8_000 + "@", "@" * 8_000, "4" * 8_000, "4 " * 4_000, "token" * 1_600, "a.@" * 2_700):
        redaction.text(text)
    assert time.process_time() - began < 0.5
