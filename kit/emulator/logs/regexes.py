"""Regular expressions in filter patterns, written ``%...%``.

Source: Amazon CloudWatch Logs User Guide, "Supported regular expressions (regex) syntax": letters, digits, some symbols
and the operators ``^ $ ? [ ] { } | \\ * + .``; no parentheses, no multi-byte characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from kit.emulator.protocol import AwsError

_ALLOWED = re.compile(
    r"(?:[A-Za-z0-9:_#=@/;,^$?\[\]{}|*+.\-]|\\[dDsSwW]|\\x[0-9A-Fa-f]{2}|\\[^A-Za-z0-9\s])+", re.ASCII
)


def parse_regex(text: str) -> Callable[[bytes], bool]:
    """What tells whether a UTF-8 text holds a match of ``%...%``. Raises InvalidParameterException."""
    inner = text[1:-1]
    if not inner.isascii() or not _ALLOWED.fullmatch(inner):
        raise AwsError("InvalidParameterException", f"Invalid character(s) in regular expression '{text}'")
    # RE2 takes time linear in the text whatever the expression; Python's own engine could be kept busy for hours
    re2: Any = import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(inner.encode(), options).search
    except re2.error as error:
        raise AwsError("InvalidParameterException", f"Invalid regular expression '{text}'") from error
    return lambda message: found(message) is not None
