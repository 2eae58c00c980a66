"""Centralised sampling with the one rule that every account has: one request a second, then 5 %.

Source: AWS X-Ray Developer Guide, "Configure sampling rules" and "Using the X-Ray API to get sampling rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RULE_NAME = "Default"
FIXED_RATE = 0.05
RESERVOIR = 1
REPORT_EVERY_S = 10
# A client that has not reported for so long has stopped, and its share is free.
_CLIENT_LIVES_S = 30.0
_MOST_CLIENTS = 1000


class Sampling:
    """Hands the reservoir out: the one trace a second goes to the client that has reported for the longest time."""

    def __init__(self, region: str, account: str, now: float) -> None:
        self._arn = f"arn:aws:xray:{region}:{account}:sampling-rule/{RULE_NAME}"
        self.modified = now
        self._last_seen: dict[str, float] = {}

    def rules(self) -> list[dict[str, Any]]:
        """SamplingRuleRecords."""
        rule = {
            "RuleName": RULE_NAME,
            "RuleARN": self._arn,
            "ResourceARN": "*",
            "Priority": 10_000,
            "FixedRate": FIXED_RATE,
            "ReservoirSize": RESERVOIR,
            "ServiceName": "*",
            "ServiceType": "*",
            "Host": "*",
            "HTTPMethod": "*",
            "URLPath": "*",
            "Version": 1,
            "Attributes": {},
        }
        return [{"SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": self.modified}]

    def target(self, client: str, now: float) -> Mapping[str, Any]:
        """The SamplingTargetDocument for a client's report on the default rule."""
        alive = {name: seen for name, seen in self._last_seen.items() if now - seen <= _CLIENT_LIVES_S}
        if client in alive or len(alive) < _MOST_CLIENTS:
            alive[client] = now
        self._last_seen = alive
        holder = next(iter(alive))
        return {
            "RuleName": RULE_NAME,
            "FixedRate": FIXED_RATE,
            "ReservoirQuota": RESERVOIR if client == holder else 0,
            "ReservoirQuotaTTL": now + 2 * REPORT_EVERY_S,
            "Interval": REPORT_EVERY_S,
        }

    def dump(self) -> tuple[float, dict[str, float]]:
        """When the rules were changed last, and when which client reported last, epoch seconds."""
        return self.modified, self._last_seen

    def restore(self, modified: float, last_seen: Mapping[str, float]) -> None:
        """Go on from what ``dump`` told."""
        self.modified, self._last_seen = modified, dict(last_seen)
