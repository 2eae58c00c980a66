"""From the promise to what watches it: OpenSLO v1 files become burn-rate alarms and the SLO dashboard.

``read_slos`` takes the files strictly, ``generated`` makes every alarm and the dashboard, ``differences`` compares
them with the files that stand there. Nothing here writes, and nothing speaks to AWS.
"""

from __future__ import annotations

from kit.slo.alarms import GENERATED_FROM
from kit.slo.generation import Difference, Standing, differences, generated, standing
from kit.slo.model import Policy, Slo
from kit.slo.reading import read_slos

__all__ = [
    "GENERATED_FROM",
    "Difference",
    "Policy",
    "Slo",
    "Standing",
    "differences",
    "generated",
    "read_slos",
    "standing",
]
