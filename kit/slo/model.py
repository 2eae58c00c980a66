"""A promise and its tiers as frozen values, and the arithmetic that leads from one to the other.

Source of the arithmetic: The Site Reliability Workbook, "Alerting on SLOs". Numbers are fractions, so that 14.4 × 1 %
is 0.144 and not a float beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

DAY_S = 86_400
POLICY_PERIOD_S = 30 * DAY_S
"""The burn rates of policies are meant for this SLO period."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One CloudWatch metric with the complete set of its dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A tier: how fast the budget may burn, over a long and a short window (seconds), and who is told.

    ``burn_rate`` is meant for a period of 30 days. ``guard`` is the number of bad events that shall make an alarm at
    the least: the k of ``Slo.least_total``.
    """

    name: str
    severity: str
    topic: str
    burn_rate: Fraction
    long_s: int
    short_s: int
    guard: int
    tells_end: bool


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective. ``policies`` are ordered by their long window, so the most urgent comes first.

    ``events`` and ``failed`` are words: "checkouts", "failed". ``counted`` is the bad metric, or the good one when
    ``counts_good``. ``suppressed_by`` names another SLO whose most urgent page holds this one's back.
    """

    file: str
    name: str
    title: str
    service: str
    owner: str
    target: Fraction
    period_s: int
    events: str
    failed: str
    counted: Metric
    counts_good: bool
    total: Metric
    policies: tuple[Policy, ...]
    runbook: str
    guard: int | None = None
    suppressed_by: str | None = None

    @property
    def budget(self) -> Fraction:
        """b: the share of events that may be bad."""
        return 1 - self.target

    def burn_rate(self, policy: Policy) -> Fraction:
        """B for this SLO's period: a shorter one is used up sooner at the same rate."""
        return policy.burn_rate * self.period_s / POLICY_PERIOD_S

    def threshold(self, policy: Policy) -> Fraction:
        """B·b: the error ratio above which the tier alarms."""
        return self.burn_rate(policy) * self.budget

    def least_total(self, policy: Policy) -> int:
        """Nmin = k/(B·b), rounded up: with so many events or fewer in the window, k bad ones could be an alarm."""
        return math.ceil((self.guard or policy.guard) / self.threshold(policy))

    def spent(self, policy: Policy) -> Fraction:
        """The share of the budget that goes within the long window at the tier's burn rate."""
        return self.burn_rate(policy) * policy.long_s / self.period_s

    def alarm(self, policy: Policy) -> str:
        """The name of the tier's composite."""
        return f"{self.name}-{policy.name}"


def number(value: Fraction) -> float:
    """As it stands in JSON."""
    return float(value)


def shown(value: Fraction) -> str:
    """As it stands in a sentence: six digits at most."""
    return f"{float(value):.6g}"


def percent(value: Fraction) -> str:
    """``0.144`` as ``14.4 %``."""
    return f"{shown(value * 100)} %"


def length(seconds: int) -> str:
    """A length of time in words that practice scale can translate: ``1 h``, ``5 min``, ``30 d``."""
    for unit, size in (("d", DAY_S), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
