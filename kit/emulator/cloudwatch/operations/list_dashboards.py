"""ListDashboards: by name, 1000 a page."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import page_after
from kit.emulator.protocol import Context

PAGE = 1000


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    prefix = params.get("DashboardNamePrefix", "")
    entries = [
        (
            dashboard.name,
            {
                "DashboardName": dashboard.name,
                "DashboardArn": dashboard.arn,
                "LastModified": dashboard.modified_at,
                "Size": dashboard.size,
            },
        )
        for dashboard in engine.dashboards.all()
        if dashboard.name.startswith(prefix)
    ]
    page, more = page_after("ListDashboards", entries, params.get("NextToken"), PAGE, "InvalidParameterValue")
    return {"DashboardEntries": page} | ({"NextToken": more} if more else {})
