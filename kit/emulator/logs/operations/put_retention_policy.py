"""PutRetentionPolicy."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import AwsError, Context

# The values that the API Reference lists.
_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Keep a group's events for so many days."""
    days = params["retentionInDays"]
    if days not in _DAYS:
        allowed = ", ".join(map(str, _DAYS))
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]",
        )
    engine.set_retention(engine.group(params["logGroupName"]), days)
    return {}
