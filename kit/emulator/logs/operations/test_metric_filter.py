"""TestMetricFilter."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.patterns import parse_pattern
from kit.emulator.protocol import Context


def handle(_engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Which of the messages match, counted from 1, and what a metric filter would extract from each."""
    pattern = parse_pattern(params["filterPattern"])
    tried = (
        (number, text, pattern.extract(text.encode())) for number, text in enumerate(params["logEventMessages"], 1)
    )
    return {
        "matches": [
            {"eventNumber": number, "eventMessage": text, "extractedValues": values}
            for number, text, values in tried
            if values is not None
        ]
    }
