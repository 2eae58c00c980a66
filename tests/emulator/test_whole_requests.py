"""The short way to read a request takes only what the server's own parser would read the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from kit.emulator.protocol.whole import whole_request

PLAIN = b"POST / HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Target: a.B\r\nContent-Length: 2\r\n\r\n{}"

NAMES = st.sampled_from(
    ["Host", "host", "X-Amz-Target", "X_Under", "Content-Type", "Connection", "Expect", "TE", "x y"]
)
VALUES = st.one_of(
    st.sampled_from(["localhost", "close", "Keep-Alive", "100-continue", "a, b", "", " a", "a\t", "\u00e9", "a\rb"]),
    st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=5),
)
LENGTHS = st.sampled_from(["2", "02", "+2", "2 ", " 2", "3", "1", "x", "", "2\u00b2", "2, 2"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Mostly well formed."""
    first = draw(st.sampled_from([*["POST / HTTP/1.1"] * 6, "GET / HTTP/1.1", "POST /x HTTP/1.1", "POST / HTTP/1.0"]))
    headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    length = draw(st.one_of(st.just("2"), LENGTHS))
    headers.insert(draw(st.integers(0, len(headers))), ("Content-Length", length))
    mark = draw(st.sampled_from([": ", ": ", ": ", ":", " : ", ":  "]))
    end = draw(st.sampled_from(["\r\n", "\r\n", "\r\n", "\n"]))
    lines = [first, *[name + mark + value for name, value in headers]]
    return (end.join(lines) + end + end).encode("latin-1") + draw(st.sampled_from([b"{}", b"{}", b"{", b"{}{}"]))


@given(requests())
@example(PLAIN)
def test_what_is_taken_is_read_as_the_whole_parser_reads_it(data: bytes) -> None:
    found = whole_request(data)
    if found is None:
        return
    parser = HTTPRequestParser(Adjustments())
    rest = data
    while not parser.completed:
        rest = rest[parser.received(rest) :]
    assert parser.error is None
    assert not rest
    assert not parser.connection_close
    headers = {name.replace("_", "-").lower(): value for name, value in parser.headers.items()}
    headers["content-type"] = headers.get("content-type", "").lower()
    assert (found.method, found.path, found.headers) == (parser.command, parser.path, headers)
    assert found.body == parser.get_body_stream().read()


def test_a_plain_request_is_taken() -> None:
    found = whole_request(PLAIN)
    assert found is not None
    assert found.headers["x-amz-target"] == "a.B"
    assert found.body == b"{}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST", b"GET"),
        (b"POST / ", b"POST /?a=b "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Host", b"Transfer-Encoding: chunked\r\nHost"),
        (b"Host", b"Expect: 100-continue\r\nHost"),
        (b"Host", b"Connection: close\r\nHost"),
        (b"Host", b"Host: other\r\nHost"),
        (b"Host: localhost", b"Host: local\r\n host"),
        (b"Host: localhost", b"Host: local\nhost"),
        (b"X-Amz-Target", b"X_Amz_Target"),
        (b"Length: 2", b"Length: 3"),
        (b"Length: 2", b"Length: 1"),
        (b"Length: 2", b"Length: +2"),
        (b"\r\n\r\n{}", b"\r\n"),
    ],
)
def test_what_is_unusual_in_any_way_is_left_to_the_whole_parser(old: bytes, new: bytes) -> None:
    assert old in PLAIN
    assert whole_request(PLAIN.replace(old, new, 1)) is None
