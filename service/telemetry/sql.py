"""SQL text -> what may be shown of it: literals become ``?``, and a summary such as ``SELECT orders``.

(OpenTelemetry: "Semantic conventions for database client calls", db.query.text and db.query.summary.)
"""

from __future__ import annotations

import re
from functools import lru_cache

LENGTH = 2_048
# Strings with doubled quotes, then numbers that are no part of a name or of a parameter ($1, :p1, %(p1)s).
LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w$:.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b")
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TARGET = re.compile(
    r"\b(?:FROM|INTO|UPDATE|TABLE|JOIN)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?[\"`\[]?([\w.]+)", re.IGNORECASE
)


@lru_cache(maxsize=512)
def sanitised(statement: str) -> tuple[str, str, str]:
    """(text without literals and comments, operation such as SELECT, summary such as ``SELECT orders``)."""
    # Literals first: a string may hold what looks like a comment.
    text = " ".join(COMMENT.sub(" ", LITERAL.sub("?", statement)).split())[:LENGTH]
    operation = text.partition(" ")[0].upper()[:32]
    target = TARGET.search(text)
    return text, operation, f"{operation} {target[1]}" if target else operation
