"""kill -9 at full rate: what was lost is counted by the next process to start, and is what is really missing."""

from __future__ import annotations

import random
import time

from bench.telemetry_sinks.client import Sinks, sinks
from bench.verify_telemetry.driven import EACH, driven
from bench.verify_telemetry.plan import Plan, counted, losses
from bench.verify_telemetry.result import Result

SETTLED_S = 2.0
DOCUMENTS_A_CALL = 50
ON_ITS_WAY = {"spans": DOCUMENTS_A_CALL * EACH["spans"], "logs": 1_000, "counts": 0}
"""Records of one call at most: no process can note an answer that it did not live to see. A document of X-Ray's holds
all spans of a request.
"""
LINGER_S = 1.2
"""Log lines are sent together for so long, a round of the encoder included."""


def row(plan: Plan) -> Result:
    """Kill one in the middle of its work, and start another beside its leavings."""
    result = Result("kill -9")
    with sinks() as far, driven(far, plan.folder) as victim:
        plan.say("kill -9")
        victim.begin(plan.seconds * 2, plan.rate)
        time.sleep(plan.seconds + random.random())
        victim.kill()
        time.sleep(SETTLED_S)
        with driven(far, plan.folder) as heir:
            result.boot_s = heir.boot_s
            heir.slice(1, 50)
            time.sleep(SETTLED_S)
            heir.until_all(plan.drain_s)
            result.exit_s = heir.exit()
        result.rate, result.requests = plan.rate, victim.answered + heir.answered
        result.lost, result.twice = losses(far, [victim, heir])
        if any((own := heir.short()).values()):
            result.broken.append(f"the next process lost {own} itself")
        _compare(result, far, in_flight=victim.begun - victim.answered, rate=plan.rate)
    return result.judge(plan.patience, lossless=False)


def _compare(result: Result, far: Sinks, in_flight: int, rate: float) -> None:
    """Nothing lost goes uncounted.

    More may be counted than is missing: what a call on its way has brought all the same, and what the request that was
    being served had left when it was killed.
    """
    told = counted(far, "TelemetryLost")
    result.notes.append(f"missing by id {result.lost}, counted by the next start {told}")
    for name, lost in result.lost.items():
        call = min(ON_ITS_WAY[name], round(rate * EACH.get(name, 1) * LINGER_S))
        if not lost <= told[name] <= lost + in_flight * EACH.get(name, 1) + call:
            result.broken.append(f"{lost} of its {name} lost, but {told[name]} counted")
