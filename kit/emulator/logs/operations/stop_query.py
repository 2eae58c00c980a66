"""StopQuery."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Refuse: a query has ended by the time that its id is known."""
    engine.queries.get(params["queryId"])
    raise AwsError("InvalidParameterException", "The specified query has already ended.")
