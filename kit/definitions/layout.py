"""JSON as people read it: what fits on a line stands on one."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 120


def json_text(value: Any) -> str:
    """The text of a file: two spaces a level, the outermost level always open, a newline at the end."""
    return _laid_out(value, "", opened=True) + "\n"


def _laid_out(value: Any, indent: str, *, opened: bool = False, before: int = 0) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return short
    if not opened and len(indent) + before + len(short) < WIDTH:
        return short
    inner = indent + "  "
    if isinstance(value, list):
        lines = [_laid_out(item, inner) for item in value]
    else:
        keys = {key: json.dumps(key, ensure_ascii=False) + ": " for key in value}
        lines = [keys[key] + _laid_out(item, inner, before=len(keys[key])) for key, item in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent}{closing}"
