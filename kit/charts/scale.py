"""Where a value axis begins and ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

TICKS = 4
LARGEST = 1e110
"""CloudWatch stores values up to 2**360, which is a little less."""

STARTS_AT_ZERO = 0.7
"""Values that reach below this share of their maximum are drawn from zero; a tight cluster is shown close up."""


def domain(
    values: Iterable[float], low: float | None = None, high: float | None = None, ceiling: float | None = None
) -> tuple[float, float]:
    """The ends of an axis that holds ``values``, on round numbers.

    ``low`` and ``high`` are kept as given. An axis does not rise past ``ceiling`` (100 for a percentage) by rounding.
    """
    finite = [value for value in values if math.isfinite(value)]
    bottom = min(finite, default=0.0)
    top = max(finite, default=1.0)
    if bottom > 0 and bottom < STARTS_AT_ZERO * top:
        bottom = 0.0
    elif top < 0 and top > STARTS_AT_ZERO * bottom:
        top = 0.0
    bottom = low if low is not None else bottom
    top = high if high is not None else top
    if top <= bottom:
        bottom, top = _around(bottom, low, high)
    step = tick_step(bottom, top)
    if low is None:
        bottom = math.floor(bottom / step + 1e-9) * step
    if high is None:
        rounded = math.ceil(top / step - 1e-9) * step
        top = rounded if ceiling is None or max(finite, default=0.0) > ceiling else min(rounded, ceiling)
    return bottom, top


def finite(value: Any) -> float | None:
    """A number from a body as a float; None for anything else, and for what no axis can hold."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if abs(value) < LARGEST else None


def tick_step(bottom: float, top: float) -> float:
    """The distance between the grid lines of an axis."""
    return nice_step((top - bottom) / TICKS)


def nice_step(raw: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if not math.isfinite(raw) or raw <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if raw <= factor * power * (1 + 1e-9))


def _around(bottom: float, low: float | None, high: float | None) -> tuple[float, float]:
    """A flat line is no span: from zero up to somewhat above it, or one unit when it lies on zero."""
    if low is not None and high is None:
        return low, low + (abs(low) or 1.0)
    if high is not None and low is None:
        return high - (abs(high) or 1.0), high
    if bottom > 0:
        return 0.0, bottom * 1.25
    return (bottom * 1.25, 0.0) if bottom < 0 else (0.0, 1.0)
