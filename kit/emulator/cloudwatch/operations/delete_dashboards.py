"""DeleteDashboards: all of them, or none if one doesn't exist."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    missing = engine.dashboards.delete(params["DashboardNames"])
    if missing is not None:
        raise AwsError("DashboardNotFoundError", f"Dashboard {missing} does not exist", status=404)
    return {}
