"""The plainest of HTTP requests, read in a quarter of the time that a whole parser takes.

SDKs send a small call as one piece: ``POST / HTTP/1.1``, a few plain headers, a body of known length. What is anything
else in the least is left to the server's own parser.
"""

from __future__ import annotations

import re

from kit.emulator.protocol.http import Request

# Visible ASCII and spaces only, every header on one line, its name followed by a colon and one space.
_HEAD = re.compile(rb"POST / HTTP/1\.1(?:\r\n[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?)+")
_LENGTH = re.compile(r"[0-9]{1,7}", re.ASCII)
# These change how the rest is to be read.
_SPECIAL = frozenset({"transfer-encoding", "expect", "upgrade", "trailer", "te"})
_END = b"\r\n\r\n"


def whole_request(data: bytes) -> Request | None:
    """The request that these bytes are from first to last; None where it takes more than this to know."""
    end = data.find(_END)
    if end < 0 or _HEAD.fullmatch(data, 0, end) is None:
        return None
    lines = data[:end].decode("ascii").split("\r\n")
    del lines[0]
    headers = {name.lower(): value for name, _, value in [line.partition(": ") for line in lines]}
    length = headers.get("content-length", "")
    body = data[end + len(_END) :]
    if len(headers) < len(lines) or not _LENGTH.fullmatch(length) or int(length) != len(body):
        return None
    if not _SPECIAL.isdisjoint(headers) or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    headers["content-type"] = headers.get("content-type", "").lower()
    return Request("POST", "/", "", headers, body)
