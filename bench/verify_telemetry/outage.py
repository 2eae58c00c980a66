"""The far end is in trouble for a while, and then well again: nothing may be lost, and no request may feel it.

healthy twin  ──▶ its own sinks            1 s of requests each, in turn
the driver    ──▶ sinks in trouble ──▶ healed
a visitor     ──▶ boots and ends while the trouble lasts; what it kept is sent by the next process to start
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from statistics import median

from bench.telemetry_sinks.client import Sinks, sinks
from bench.verify_telemetry.driven import Driven, driven
from bench.verify_telemetry.plan import Plan, losses
from bench.verify_telemetry.result import Result
from service.telemetry import Settings

WARM_S = 2.0
VISIT_S, VISIT_RATE = 0.5, 200
# Python gives memory back late and in pieces: the queues' cap is not the whole of what a process may grow by.
SLACK_MB = 32.0
CAP_MB = (Settings.log_queue_bytes + Settings.emf_queue_bytes + Settings.span_queue_bytes) / 1e6 + SLACK_MB


def row(plan: Plan, name: str, mood: str, **more: str) -> Result:
    """One trouble. ``more`` is added to the environment of the processes that meet it."""
    result = Result(name, cap_mb=CAP_MB)
    with ExitStack() as stack:
        far = stack.enter_context(sinks())
        if mood == "expired":
            more = {**more, **_container_credentials(far)}
        ill = stack.enter_context(driven(far, plan.folder, **more))
        twin = None
        if plan.twin:
            own = plan.folder / "twin"
            own.mkdir()
            twin = stack.enter_context(driven(stack.enter_context(sinks()), own, **_twin_environment(more)))
        for one in filter(None, (ill, twin)):
            one.slice(WARM_S if plan.twin else 0.5, plan.rate)
        plan.say(f"{name}: in trouble")
        far.mood(mood)
        visitor = _trouble(plan, result, ill, twin, more)
        plan.say(f"{name}: healed")
        began = time.monotonic()
        far.mood("ok")
        heir = stack.enter_context(driven(far, plan.folder, **more))  # sends what the visitor had to keep
        for one in (ill, visitor, heir):
            one.until_all(max(1.0, plan.drain_s - (time.monotonic() - began)))
        result.healed_s = time.monotonic() - began
        result.boot_s = max(result.boot_s or 0, ill.boot_s, heir.boot_s)
        result.exit_s = max(result.exit_s or 0, ill.exit(), heir.exit())
        everybody = [ill, visitor, heir]
        result.requests = sum(one.answered for one in everybody)
        result.lost, result.twice = losses(far, everybody)
    return result.judge(plan.patience)


def _trouble(plan: Plan, result: Result, ill: Driven, twin: Driven | None, more: dict[str, str]) -> Driven:
    """Requests for as long as the trouble lasts, and a visit in its middle; returns the visitor, which has ended."""
    slices = max(1, round(plan.seconds))
    told: dict[Driven, list[dict[str, float]]] = {one: [] for one in (ill, twin) if one is not None}
    visitor = None
    for number in range(slices):
        for one in random.sample(list(told), len(told)):
            told[one].append(one.slice(plan.seconds / slices, plan.rate))
        if number == slices // 2:
            visitor = _visit(plan, result, ill.far, more)
    assert visitor is not None
    result.rate = plan.rate * plan.seconds / sum(one["took_s"] for one in told[ill])
    if twin is not None:
        result.p50_times = _ratio(told, ill, twin, "p50")
        result.p99_times = _ratio(told, ill, twin, "p99")
        most = max(sick["rss"] - well["rss"] for sick, well in zip(told[ill], told[twin], strict=True))
        result.memory_mb = max(0.0, most / 1e6)
    else:
        result.memory_mb = max(0.0, (max(one["rss"] for one in told[ill]) - told[ill][0]["rss"]) / 1e6)
    return visitor


def _visit(plan: Plan, result: Result, far: Sinks, more: dict[str, str]) -> Driven:
    """A process that boots, serves and ends in the middle of it."""
    with driven(far, plan.folder, **more) as visitor:
        visitor.slice(VISIT_S, VISIT_RATE)
        result.boot_s, result.exit_s = visitor.boot_s, visitor.exit()
    return visitor


def _ratio(told: dict[Driven, list[dict[str, float]]], ill: Driven, twin: Driven, figure: str) -> float:
    return median(one[figure] for one in told[ill]) / median(one[figure] for one in told[twin])


def _container_credentials(far: Sinks) -> dict[str, str]:
    """Keys that come from a credentials endpoint, as in a container, and so can be had anew."""
    return {"AWS_ACCESS_KEY_ID": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{far.url}/credentials"}


def _twin_environment(more: dict[str, str]) -> dict[str, str]:
    """The twin's sinks are others: the address of the ill one's credentials is not for it."""
    return {name: value for name, value in more.items() if not name.startswith("AWS_")}
