"""DescribeQueries."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.pages import page
from kit.emulator.protocol import Context

_PAGE = 1_000


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """The queries that are kept, newest first; all of them have run to their end."""
    group, status = params.get("logGroupName"), params.get("status", "Complete")
    wanted = [] if status != "Complete" or params.get("queryLanguage", "CWLI") != "CWLI" else engine.queries.all()
    chosen = [kept for kept in wanted if group is None or group in kept.groups]
    found, token = page(chosen, params.get("nextToken"), params.get("maxResults", _PAGE))
    return {
        "queries": [
            {
                "queryLanguage": "CWLI",
                "queryId": kept.id,
                "queryString": kept.text,
                "status": "Complete",
                "createTime": kept.created,
                "logGroupName": kept.groups[0],
            }
            for kept in found
        ],
        "nextToken": token,
    }
