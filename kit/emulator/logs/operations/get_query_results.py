"""GetQueryResults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.insights.query import MOST_RESULTS
from kit.emulator.logs.insights.run import Row
from kit.emulator.logs.pages import page
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """The rows of a query; it has always run to its end here."""
    answer = engine.queries.get(params["queryId"]).answer
    found, token = page(answer.rows, params.get("nextToken"), params.get("maxItems") or MOST_RESULTS)
    return {
        "queryLanguage": "CWLI",
        "status": "Complete",
        "results": [_cells(answer.columns, row) for row in found],
        "statistics": {
            "recordsMatched": float(answer.matched),
            "recordsScanned": float(answer.scanned),
            "bytesScanned": float(answer.bytes),
        },
        "nextToken": token,
    }


def _cells(columns: Sequence[str], row: Row) -> list[dict[str, str]]:
    pairs = zip(columns, row, strict=True)
    return [{"field": name, "value": value} for name, value in pairs if value is not None]
