"""One text for one value, and short digests of it: what a plan file and a live tag remember."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> str:
    """JSON with sorted keys and nothing between; 1.0 and 1 are one number, as they are to AWS."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def short_digest(value: Any) -> str:
    """Four characters (24 bits), of an alphabet that a tag's value may hold."""
    return base64.b64encode(hashlib.sha256(canonical(value).encode()).digest()[:3]).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
