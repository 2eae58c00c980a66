"""The calendar functions of metric math: what the clock on the wall, in UTC, says at an epoch second.

User Guide, "Using metric math": MINUTE, HOUR, DAY (1 is Monday), DATE (of the month), MONTH, YEAR, EPOCH.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


FIELDS: dict[str, Callable[[float], float]] = {
    "MINUTE": lambda timestamp: float(timestamp // 60 % 60),
    "HOUR": lambda timestamp: float(timestamp // 3600 % 24),
    "DAY": lambda timestamp: float(_utc(timestamp).isoweekday()),
    "DATE": lambda timestamp: float(_utc(timestamp).day),
    "MONTH": lambda timestamp: float(_utc(timestamp).month),
    "YEAR": lambda timestamp: float(_utc(timestamp).year),
    "EPOCH": float,
}
