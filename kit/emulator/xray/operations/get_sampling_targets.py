"""GetSamplingTargets."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol import Context
from kit.emulator.xray.engine import Engine
from kit.emulator.xray.sampling import RULE_NAME


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Each reporting client's share of the reservoir; a report on a rule that doesn't exist is named."""
    targets, unknown = [], []
    for report in params["SamplingStatisticsDocuments"]:
        if report["RuleName"] == RULE_NAME:
            targets.append(engine.sampling_target(report["ClientID"]))
        else:
            unknown.append({"RuleName": report["RuleName"], "ErrorCode": "400", "Message": "Unknown rule"})
    return {
        "SamplingTargetDocuments": targets,
        "LastRuleModification": engine.sampling.modified,
        "UnprocessedStatistics": unknown,
        "UnprocessedBoostStatistics": [],
    }
