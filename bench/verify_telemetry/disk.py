"""The far end refuses and the disk is full too: then records are dropped, each of them counted, and service goes on."""

from __future__ import annotations

from bench.telemetry_sinks.client import sinks
from bench.verify_telemetry.driven import driven
from bench.verify_telemetry.plan import Plan, counted, losses
from bench.verify_telemetry.result import Result

# Less than a batch takes on disk, and just what the file of counts needs.
FILE_BYTES = 16_384
SMALL = {f"TELEMETRY_{name}_QUEUE_BYTES": str(512 * 1024) for name in ("LOG", "SPAN", "EMF")}
SLICE_S = 1.0
OWN_LINES = 3
"""One a signal, which says that its records are dropped, and may be dropped itself; no request knows of it."""


def row(plan: Plan) -> Result:
    """Both caps are reached; the drops that the service counted are the records that are missing."""
    result = Result("full disk, endpoint refused")
    with sinks() as far, driven(far, plan.folder, DRIVER_FILE_BYTES=str(FILE_BYTES), **SMALL) as driver:
        plan.say(result.name)
        far.mood("refused")
        slices = [driver.slice(SLICE_S, plan.rate) for _ in range(max(1, round(plan.seconds)))]
        far.mood("ok")
        driver.slice(SLICE_S, plan.rate)
        driver.until_all(min(plan.drain_s, 15.0))
        result.boot_s, result.exit_s = driver.boot_s, driver.exit()
        result.requests = driver.answered
        result.rate = plan.rate * SLICE_S * len(slices) / sum(one["took_s"] for one in slices)
        result.memory_mb = (max(one["rss"] for one in slices) - slices[0]["rss"]) / 1e6
        result.lost, result.twice = losses(far, [driver])
        told = counted(far, "TelemetryDropped")
    result.notes.append(f"missing by id {result.lost}, counted as dropped {told}")
    own = {"logs": OWN_LINES}
    if any(not lost <= told[name] <= lost + own.get(name, 0) for name, lost in result.lost.items()):
        result.broken.append(f"{result.lost} dropped, but {told} counted")
    if not result.lost["logs"]:
        result.broken.append("nothing had to be dropped: the row proves nothing")
    return result.judge(plan.patience, lossless=False)
