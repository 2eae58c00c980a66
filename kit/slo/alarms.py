"""The alarms of one objective: for each tier a child per window, and the composite that tells someone.

1. A child watches the error ratio over one window: ``Period`` is the window and one period is evaluated, so
   CloudWatch slides it by the minute. It has no actions.
2. The composite is in ALARM while both children are: enough budget went, and it is still going.
3. Each tier's actions are held back while any more urgent tier is in ALARM, and after that for the tier's own short
   window: so long may it take to see that the failure is over. An alarm takes one suppressor, so a tier with two or
   more above it gets a composite of its own that is in ALARM while any of them is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kit.definitions.stage import ACCOUNT, REGION
from kit.slo.model import Metric, Policy, Slo, length, number, percent, shown

GENERATED_FROM = "kit:generated-from"
"""The tag that marks a generated alarm; its value is the SLO's file."""

WAIT_S = {"page": 90, "ticket": 1800}
"""How long a tier waits for a more urgent one that is about to alarm: a page for its next evaluation, a minute away at
most, a ticket for half an hour."""


def alarms_of(slo: Slo, suppressors: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The PutMetricAlarm and PutCompositeAlarm inputs of an objective, children before their composite.

    ``suppressors`` names, for an SLO that another one holds back, the alarm that does.
    """
    for index, policy in enumerate(slo.policies):
        yield _child(slo, policy, "long", policy.long_s)
        yield _child(slo, policy, "short", policy.short_s)
        above = [slo.alarm(other) for other in slo.policies[:index]]
        suppressor = above[0] if above else suppressors.get(slo.name)
        if len(above) > 1:
            suppressor = f"{slo.alarm(policy)}-suppressor"
            yield _suppressor(slo, policy, suppressor, above)
        yield _composite(slo, policy, suppressor)


def ratio(slo: Slo, least_total: int, prefix: str = "") -> str:
    """The error ratio as metric math; zero, not missing, on too few events.

    A missing point would make CloudWatch reach back for an older one.
    """
    bad, total = f"{prefix}bad", f"{prefix}total"
    share = f"1 - {prefix}good/{total}" if slo.counts_good else f"{bad}/{total}"
    return f"IF({total} > {least_total}, {share}, 0)"


def _child(slo: Slo, policy: Policy, window: str, seconds: int) -> dict[str, Any]:
    threshold = slo.threshold(policy)
    burn = slo.burn_rate(policy)
    times = "the rate" if burn == 1 else f"{shown(burn)} times the rate"
    told = (
        f"Over the last {length(seconds)}, more than {percent(threshold)} of {slo.events} {slo.failed}: {times} that "
        f"a promise of {percent(slo.target)} over {length(slo.period_s)} allows."
    )
    return {
        "AlarmName": f"{slo.alarm(policy)}-{window}",
        "AlarmDescription": f"{told} Runbook: {_runbook(slo, policy)}",
        "Metrics": [
            {
                "Id": "ratio",
                "Expression": ratio(slo, slo.least_total(policy)),
                "Label": f"Share of {slo.events} that {slo.failed}",
                "ReturnData": True,
            },
            _stat("good" if slo.counts_good else "bad", slo.counted, seconds),
            _stat("total", slo.total, seconds),
        ],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": number(threshold),
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
        "Tags": _tags(slo, "info"),
    }


def _stat(name: str, metric: Metric, seconds: int) -> dict[str, Any]:
    named = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in metric.dimensions],
    }
    return {"Id": name, "MetricStat": {"Metric": named, "Period": seconds, "Stat": metric.stat}, "ReturnData": False}


def _composite(slo: Slo, policy: Policy, suppressor: str | None) -> dict[str, Any]:
    name = slo.alarm(policy)
    told = (
        f"More than {percent(slo.threshold(policy))} of {slo.events} {slo.failed} over the last "
        f"{length(policy.long_s)}, and still over the last {length(policy.short_s)}: that spends "
        f"{percent(slo.spent(policy))} of the {length(slo.period_s)} error budget within {length(policy.long_s)}."
    )
    topic = [f"arn:aws:sns:{REGION}:{ACCOUNT}:{policy.topic}"]
    held: dict[str, Any] = {}
    if suppressor is not None:
        held = {
            "ActionsSuppressor": suppressor,
            "ActionsSuppressorWaitPeriod": WAIT_S[policy.severity],
            "ActionsSuppressorExtensionPeriod": policy.short_s,
        }
    return {
        "AlarmName": name,
        "AlarmDescription": f"{told} Runbook: {_runbook(slo, policy)}",
        "AlarmRule": f'ALARM("{name}-long") AND ALARM("{name}-short")',
        "AlarmActions": topic,
        **({"OKActions": topic} if policy.tells_end else {}),
        **held,
        "Tags": _tags(slo, policy.severity),
    }


def _suppressor(slo: Slo, policy: Policy, name: str, above: list[str]) -> dict[str, Any]:
    told = f"Holds {slo.alarm(policy)} back: someone was told of the same failure already, by a more urgent alarm."
    return {
        "AlarmName": name,
        "AlarmDescription": f"{told} Runbook: {_runbook(slo, policy)}",
        "AlarmRule": " OR ".join(f'ALARM("{one}")' for one in above),
        "Tags": _tags(slo, "info"),
    }


def _runbook(slo: Slo, policy: Policy) -> str:
    return slo.runbook.replace("{alarm}", slo.alarm(policy))


def _tags(slo: Slo, severity: str) -> list[dict[str, str]]:
    tags = {
        "kit:set": slo.service,
        "kit:owner": slo.owner,
        "kit:severity": severity,
        "kit:slo": slo.name,
        GENERATED_FROM: slo.file,
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]
