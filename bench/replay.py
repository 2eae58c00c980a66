"""How much CPU a week of burn-rate alarms costs, beside ``promtool test rules`` on the same series.

160 windows (20 services, 4 tiers, a long and a short one each) are evaluated at each of 10,080 minutes. promtool takes
minutes for that, so it gets some of the services for the whole week, and its time is scaled up by their share.

Both sides must agree on every minute at which an alert fires. They do, because the series leave out where the two
differ: a window without any sample has no result in PromQL, while CloudWatch looks up to two periods further back and
then asks TreatMissingData. No gap here is as long as the shortest window.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.evaluation.alarm import AlarmDefinition
from kit.evaluation.replay import Replay, Transition
from kit.evaluation.request import MetricRef
from kit.evaluation.sliding import History, Intervals

TARGET = 300
MINUTES = 7 * 24 * 60
WEEK_S = MINUTES * 60
SERVICES = [f"service-{number:02d}" for number in range(1, 21)]
BUDGET = 0.001
"""The share of requests that may fail: an objective of 99.9 %."""
TIERS = [
    ("page-fast", 3600, 14.4),
    ("page-slow", 21_600, 6.0),
    ("ticket-fast", 86_400, 3.0),
    ("ticket-slow", 259_200, 1),
]
"""Tier, long window in seconds, burn rate (SRE Workbook, "Alerting on SLOs"); the short window is a twelfth."""

Values = list[float | None]


@dataclass(frozen=True)
class BurnWindow:
    """One alarm: the error ratio of ``service`` over ``seconds`` is above ``limit``, with enough traffic to tell."""

    service: str
    tier: str
    seconds: int
    limit: float

    @property
    def name(self) -> str:
        return f"{self.service}-{self.tier}-{self.seconds}s"

    @property
    def least(self) -> float:
        """So many requests that three failures are needed to reach the limit."""
        return round(3 / self.limit)


def windows(services: Iterable[str]) -> list[BurnWindow]:
    return [
        BurnWindow(service, tier, seconds, burn * BUDGET)
        for service in services
        for tier, long, burn in TIERS
        for seconds in (long, long // 12)
    ]


def traffic(service: str) -> tuple[Values, Values]:
    """Failed and all requests of every minute: some failures all the time, incidents, and short gaps."""
    chance = random.Random(service)
    incidents = [(chance.randrange(MINUTES), chance.randint(3, 180), chance.uniform(0.002, 0.1)) for _ in range(6)]
    errors = [0.0005] * MINUTES
    for start, length, share in incidents:
        errors[start : start + length] = [share] * len(errors[start : start + length])
    total: Values = [float(chance.randint(80, 160)) for _ in range(MINUTES)]
    bad: Values = [
        float(sum(chance.random() < share for _ in range(int(count or 0))))
        for count, share in zip(total, errors, strict=True)
    ]
    for _ in range(20):
        gap = chance.randrange(MINUTES // 10) * 10
        for minute in range(gap, min(gap + chance.randint(1, 3), MINUTES)):
            total[minute] = bad[minute] = None
    return bad, total


# --- the kit


def by_kit(series: Mapping[str, tuple[Values, Values]]) -> tuple[dict[str, list[Transition]], float]:
    """The transitions of every window, their reasons read, and the CPU seconds that it took."""
    began = time.process_time()
    history = History()
    for service, (bad, total) in series.items():
        for metric, values in (("Bad", bad), ("Total", total)):
            history.add(_metric(metric, service), Intervals.of_values(0, 60, values))
    found: dict[str, list[Transition]] = {}
    for window in windows(series):
        # every minute like promtool; on AWS a window of more than a day is evaluated once an hour
        found[window.name] = list(Replay(_alarm(window), history, 0, WEEK_S, every=60).transitions())
        for transition in found[window.name]:
            _ = transition.state  # works out the reason
    return found, time.process_time() - began


def _metric(name: str, service: str) -> MetricRef:
    return MetricRef("Bench", name, (("Service", service),))


def _alarm(window: BurnWindow) -> AlarmDefinition:
    return AlarmDefinition.from_api(
        {
            "AlarmName": window.name,
            "Metrics": [
                {"Id": "ratio", "Expression": f"IF(total > {window.least}, bad / total, 0)"},
                _query("bad", "Bad", window),
                _query("total", "Total", window),
            ],
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": window.limit,
            "TreatMissingData": "notBreaching",
        }
    )


def _query(name: str, metric: str, window: BurnWindow) -> dict[str, Any]:
    dimensions = [{"Name": "Service", "Value": window.service}]
    asked = {"Namespace": "Bench", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": window.seconds, "Stat": "Sum"}, "ReturnData": False}


# --- promtool


def by_promtool(
    promtool: str,
    series: Mapping[str, tuple[Values, Values]],
    expected: Mapping[str, Sequence[Transition]],
) -> tuple[str, float]:
    """What promtool has to object ("" for nothing) and its CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        rules, tests = Path(folder, "rules.yaml"), Path(folder, "tests.yaml")
        # JSON is YAML
        rules.write_text(json.dumps({"groups": [{"name": "burn", "rules": [_rule(w) for w in windows(series)]}]}))
        tests.write_text(json.dumps(_tests(series, expected)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([promtool, "test", "rules", str(tests)], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    objections = "" if done.returncode == 0 else done.stdout + done.stderr
    return objections, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _rule(window: BurnWindow) -> dict[str, str]:
    # a range has both its ends in it, and a minute's sample stands at the minute's end: one second less
    bad, total = (
        f'sum_over_time({name}{{service="{window.service}"}}[{window.seconds - 1}s])' for name in ("bad", "total")
    )
    return {"alert": window.name, "expr": f"({bad} / {total} > {window.limit!r}) and {total} > {window.least}"}


def _tests(series: Mapping[str, tuple[Values, Values]], expected: Mapping[str, Sequence[Transition]]) -> dict[str, Any]:
    """The series, and as expectations what the kit found: who fires at and before every change, and how long."""
    fires = {window: _firing(expected[window.name]) for window in windows(series)}
    moments = {at for window in fires for change in expected[window.name] for at in (change.at - 60, change.at)}
    firing = [
        {
            "expr": 'ALERTS{alertstate="firing"}',
            "eval_time": f"{at}s",
            "exp_samples": [_sample("ALERTS", window, 1) for window, minutes in fires.items() if at in minutes],
        }
        for at in sorted(moments)
    ]
    in_all = {
        "expr": 'count_over_time(ALERTS{alertstate="firing"}[8d])',
        "eval_time": f"{WEEK_S}s",
        "exp_samples": [_sample("", window, len(minutes)) for window, minutes in fires.items() if minutes],
    }
    given = [
        {"series": f'{name}{{service="{service}"}}', "values": " ".join(["_", *map(_notation, values)])}
        for service, pair in series.items()
        for name, values in zip(("bad", "total"), pair, strict=True)
    ]
    case = {"interval": "1m", "input_series": given, "promql_expr_test": [*firing, in_all]}
    return {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [case]}


def _notation(value: float | None) -> str:
    return "_" if value is None else f"{value:g}"


def _sample(name: str, window: BurnWindow, value: int) -> dict[str, Any]:
    labels = f'alertname="{window.name}", alertstate="firing", service="{window.service}"'
    return {"labels": f"{name}{{{labels}}}", "value": value}


def _firing(changes: Sequence[Transition]) -> set[int]:
    """The evaluations at which the alarm is in ALARM."""
    ends = [change.at for change in changes[1:]] + [WEEK_S + 60]
    return {
        at
        for change, end in zip(changes, ends, strict=True)
        if change.after == "ALARM"
        for at in range(change.at, end, 60)
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--promtool-services",
        type=int,
        default=1,
        choices=range(1, len(SERVICES) + 1),
        metavar="1…20",
        help="how many of the 20 services promtool gets (default 1)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    asked = parser.parse_args(arguments)
    promtool = shutil.which("promtool")
    if promtool is None:
        print("bench: promtool is not on the PATH; it is in Debian's package prometheus", file=sys.stderr)
        return 1
    series = {service: traffic(service) for service in SERVICES}
    transitions, kit_s = by_kit(series)
    sliced = {service: series[service] for service in SERVICES[: asked.promtool_services]}
    objections, slice_s = by_promtool(promtool, sliced, transitions)
    whole_s = slice_s * len(SERVICES) / len(sliced)
    result = {
        "windows": len(transitions),
        "steps": MINUTES,
        "transitions": sum(map(len, transitions.values())),
        "kit_cpu_s": round(kit_s, 3),
        "promtool_cpu_s": round(whole_s, 1),
        "promtool_slice_cpu_s": round(slice_s, 2),
        "promtool_slice": f"{len(sliced)} of {len(SERVICES)} services, all {MINUTES} steps",
        "ratio": round(whole_s / kit_s),
        "target": TARGET,
        "agree": not objections,
    }
    print(json.dumps(result) if asked.json else _told(result))
    if objections:
        print(f"bench: promtool disagrees on where alerts fire:\n{objections[:4000]}", file=sys.stderr)
    return 0 if not objections and whole_s / kit_s >= TARGET else 1


def _told(result: Mapping[str, Any]) -> str:
    scaled = f"scaled up from {result['promtool_slice_cpu_s']} s for {result['promtool_slice']}"
    agreement = "yes, promtool fires at the same minutes" if result["agree"] else "NO"
    return "\n".join(
        [
            f"{result['windows']} windows x {result['steps']} steps, {result['transitions']} changes of state",
            f"kit        {result['kit_cpu_s']:8.2f} CPU s for the whole, the reasons of the changes included",
            f"promtool   {result['promtool_cpu_s']:8.1f} CPU s, {scaled}",
            f"ratio      {result['ratio']:8d} (to hold: at least {result['target']})",
            f"agreement  {agreement}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
