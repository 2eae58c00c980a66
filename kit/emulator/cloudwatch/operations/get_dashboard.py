"""GetDashboard."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    name = params["DashboardName"]
    found = engine.dashboards.get(name)
    if found is None:
        raise AwsError("DashboardNotFoundError", f"Dashboard {name} does not exist", status=404)
    return {"DashboardArn": found.arn, "DashboardBody": found.body, "DashboardName": found.name}
