"""Numbers for people. One table of units serves the values printed here, the axes, and the pages' tooltips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Step(NamedTuple):
    """A value whose size is at least ``since`` is divided by ``size`` and written with ``suffix``."""

    size: float
    suffix: str
    since: float


@dataclass(frozen=True, slots=True)
class Unit:
    """How a CloudWatch unit is written: ``steps`` ascend, and a value takes the last that it reaches.

    ``fine`` units (shares, counts, plain numbers) get a digit more: there 99.95 and 99.9 are not the same.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def fine(self) -> bool:
        """Whether the last digits matter."""
        return self.name in ("None", "Count", "Percent")


def _steps(*pairs: tuple[float, str]) -> tuple[Step, ...]:
    return tuple(Step(size, suffix, size) for size, suffix in pairs)


# A count of 9,876 says more than 9.88k.
_PLAIN = (Step(1, "", 1), Step(1e3, "k", 1e4), Step(1e6, "M", 1e6), Step(1e9, "G", 1e9))
_BYTES = _steps((1, " B"), (1e3, " kB"), (1e6, " MB"), (1e9, " GB"), (1e12, " TB"))
_BITS = _steps((1, " b"), (1e3, " kb"), (1e6, " Mb"), (1e9, " Gb"), (1e12, " Tb"))

_SIMPLE = {
    "None": _PLAIN,
    "Count": _PLAIN,
    "Percent": _steps((1, "%")),
    "Microseconds": _steps((1, " µs"), (1e3, " ms"), (1e6, " s")),
    "Milliseconds": _steps((1, " ms"), (1e3, " s"), (6e4, " min")),
    "Seconds": _steps((1e-3, " ms"), (1, " s"), (60, " min"), (3600, " h"), (86_400, " d")),
}


def _scaled(prefix: str, power: int) -> dict[str, tuple[Step, ...]]:
    """``Kilobytes`` and the like: the same suffixes, counted from a bigger unit."""
    return {
        f"{prefix}{name}".capitalize(): tuple(Step(s.size / 1e3**power, s.suffix, s.since / 1e3**power) for s in steps)
        for name, steps in (("bytes", _BYTES), ("bits", _BITS))
    }


def _table() -> dict[str, Unit]:
    steps = dict(_SIMPLE)
    for power, prefix in enumerate(("", "kilo", "mega", "giga", "tera")):
        steps |= _scaled(prefix, power)
    rates = {
        f"{name}/Second": tuple(Step(s.size, f"{s.suffix}/s", s.since) for s in each)
        for name, each in steps.items()
        if name == "Count" or name.endswith(("ytes", "its"))
    }
    return {name: Unit(name, each) for name, each in (steps | rates).items()}


UNITS = _table()
PLAIN = UNITS["None"]

_AXIS_LABELS = {
    "%": "Percent",
    "percent": "Percent",
    "ms": "Milliseconds",
    "milliseconds": "Milliseconds",
    "s": "Seconds",
    "seconds": "Seconds",
    "µs": "Microseconds",
    "microseconds": "Microseconds",
    "bytes": "Bytes",
    "count": "Count",
}


def unit_named(name: str | None) -> Unit:
    """The unit that CloudWatch calls ``name``; plain numbers for any other name."""
    return UNITS.get(name or "None", PLAIN)


def unit_of_axis_label(label: str | None) -> str | None:
    """The unit that an axis label such as ``ms`` or ``%`` plainly means; else None."""
    return _AXIS_LABELS.get((label or "").strip().casefold())


def text(value: float | None, unit: Unit) -> str:
    """A value for reading, with three or four of its digits (more near 100); a dash when there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    step = _step(abs(value), unit)
    return f"{_digits(value / step.size, fine=unit.fine)}{step.suffix}"


def axis_expression(unit: Unit) -> str:
    """The same for axis ticks, which are round, as a Vega expression over ``datum.value``."""
    first = next(step for step in unit.steps if step.size <= 1)
    expression = f"format(datum.value / {first.size!r}, ',.4~r') + '{first.suffix}'"
    for step in unit.steps[1:]:
        expression = (
            f"abs(datum.value) >= {step.size!r} ? format(datum.value / {step.size!r}, ',.4~r') + '{step.suffix}'"
            f" : {expression}"
        )
    return f"datum.value == 0 ? '0' : {expression}"


def _step(magnitude: float, unit: Unit) -> Step:
    if magnitude == 0:
        return next((step for step in unit.steps if step.size == 1), unit.steps[0])
    reached = unit.steps[0]
    for step in unit.steps[1:]:
        if magnitude >= step.since:
            reached = step
    return reached


def _digits(value: float, *, fine: bool) -> str:
    magnitude = abs(value)
    if magnitude >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    if fine and 99 <= magnitude < 100:
        value = math.floor(value * 1000) / 1000  # an objective that is missed must never read as 100
        decimals = 3
    elif magnitude >= 100:
        decimals = 0 if magnitude % 1 < 0.05 else 1
    elif magnitude >= 10:
        decimals = 2 if fine else 1
    elif magnitude >= 1 or magnitude == 0:
        decimals = 2
    else:
        decimals = min(9, 2 - math.floor(math.log10(magnitude)))
    shown = f"{value:.{decimals}f}".replace("-", "−")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
