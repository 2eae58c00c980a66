"""GetSamplingRules."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol import Context
from kit.emulator.xray.engine import Engine


def handle(engine: Engine, _params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """The default rule."""
    return {"SamplingRuleRecords": engine.sampling.rules()}
