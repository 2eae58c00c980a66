"""Nothing is wrong: everything arrives, at the whole rate."""

from __future__ import annotations

from bench.telemetry_sinks.client import sinks
from bench.verify_telemetry.driven import driven
from bench.verify_telemetry.plan import Plan, losses
from bench.verify_telemetry.result import Result

PROBE = 3_000
FLAT_OUT = 1e6
"""A rate that nothing reaches."""


def row(plan: Plan) -> Result:
    """The whole time at the whole rate; what the machine does for a bare app says what may be asked of it."""
    result = Result("healthy")
    with sinks() as far, driven(far, plan.folder) as driver:
        plan.say("healthy")
        took = driver.slice(plan.seconds, plan.rate)
        driver.until_all(plan.drain_s)
        result.boot_s, result.exit_s = driver.boot_s, driver.exit()
        result.requests, result.rate = driver.answered, (driver.answered - 1) / took["took_s"]
        result.lost, result.twice = losses(far, [driver])
    result.notes.append(f"p50 {took['p50']:.0f} µs, p99 {took['p99']:.0f} µs")
    if result.rate < 0.98 * plan.rate:
        most = bare_rate(plan)
        result.notes.append(f"asked for {plan.rate:.0f}/s; a bare app does {most:.0f}/s here, flat out")
        if plan.twin:  # else speed is not in question
            result.broken.append(f"only {result.rate:.0f} requests a second")
    return result.judge(plan.patience)


def bare_rate(plan: Plan) -> float:
    """Requests a second of the app without telemetry, one after the other."""
    with sinks() as far, driven(far, plan.folder, variant="bare") as driver:
        return PROBE / driver.slice(PROBE / FLAT_OUT, FLAT_OUT)["took_s"]
