"""Dynamic labels: ``[max: ${MAX}] ${LABEL}`` (User Guide, "Use dynamic labels").

How values and times are written is not documented; the choices stand in ``_number``, ``_time`` and ``_span``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from kit.evaluation.request import MetricStat

MAX_VALUES = 6
"""Statistical values in one label, each time it is written. The User Guide of 2023 said five."""

NOTHING = "--"
"""What stands for the value of a series without points."""


class LabelError(ValueError):
    """A label that can't be used; ``position`` is the zero-based character at which it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        self.message = message
        self.position = position
        super().__init__(f"{message} (at character {position + 1} of the label)")


@dataclass(frozen=True, slots=True)
class Where:
    """What a label may say that no datapoint tells: now (epoch seconds), the minutes that the reader's time zone is
    ahead of UTC, and the account and Region of the metrics.
    """

    now: float
    ahead_min: int = 0
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """The series that a label describes: its default label, its metric if it is one, and (timestamp, value) points."""

    default: str
    stat: MetricStat | None
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Label:
    """A parsed label: texts at the even places, what is between ``${`` and ``}`` at the odd ones."""

    parts: tuple[str, ...]

    @property
    def dynamic(self) -> bool:
        return len(self.parts) > 1

    def of(self, shown: Shown, where: Where) -> str:
        """The label as it reads for this series."""
        texts = [_value(part, shown, where) if i % 2 else part for i, part in enumerate(self.parts)]
        return "".join(texts)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_NUMBERS: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": _mean,
    "FIRST": lambda values: values[0],
    "FIRST_LAST_RANGE": lambda values: values[-1] - values[0],
    "LAST": lambda values: values[-1],
    "MAX": max,
    "MIN": min,
    "MIN_MAX_RANGE": lambda values: max(values) - min(values),
    "SUM": sum,
}
_Points = Sequence[tuple[int, float]]
_MOMENTS: dict[str, Callable[[_Points], int]] = {
    "FIRST_TIME": lambda points: points[0][0],
    "LAST_TIME": lambda points: points[-1][0],
    "MAX_TIME": lambda points: max(points, key=lambda point: point[1])[0],
    "MIN_TIME": lambda points: min(points, key=lambda point: point[1])[0],
}
_SPANS = {"FIRST_LAST_TIME_RANGE": ("FIRST_TIME", "LAST_TIME"), "MIN_MAX_TIME_RANGE": ("MIN_TIME", "MAX_TIME")}
_RELATIVE = "_RELATIVE"
_STATISTICAL = frozenset(
    [*_NUMBERS, *_MOMENTS, *_SPANS, *(name + _RELATIVE for name in _MOMENTS), "DATAPOINT_COUNT"],
)

_DIMENSION = "Dim."
_PROPERTIES: Mapping[str, Callable[[MetricStat, Where], str]] = {
    "AccountId": lambda stat, where: stat.account or where.account,
    "AccountLabel": lambda stat, where: stat.account or where.account,
    "MetricName": lambda stat, _: stat.metric.name,
    "Namespace": lambda stat, _: stat.metric.namespace,
    "Period": lambda stat, _: str(stat.period),
    "Region": lambda _, where: where.region,
    "Stat": lambda stat, _: stat.statistic.text,
}
_PROPERTY = re.compile(r"PROP\(\s*'([^']*)'\s*\)")


@lru_cache(maxsize=1024)
def parse_label(text: str) -> Label:
    """The label that ``text`` spells. Raises LabelError with the position of the placeholder that can't be used."""
    parts: list[str] = []
    values, at = 0, 0
    while (opened := text.find("${", at)) >= 0:
        closed = text.find("}", opened)
        if closed < 0:
            raise LabelError("expected '}' for the '${' that begins here", opened)
        inner = text[opened + 2 : closed].strip()
        _check(inner, parts, opened)
        values += inner in _STATISTICAL
        if values > MAX_VALUES:
            raise LabelError(f"a label has at most {MAX_VALUES} statistical values; here is one more", opened)
        parts += [text[at:opened], inner]
        at = closed + 1
    return Label((*parts, text[at:]))


def _check(inner: str, before: Sequence[str], position: int) -> None:
    prop = _PROPERTY.fullmatch(inner)
    if prop is not None:
        name = prop.group(1)
        if name not in _PROPERTIES and not (name.startswith(_DIMENSION) and len(name) > len(_DIMENSION)):
            known = ", ".join([*_PROPERTIES, "Dim.<name>"])
            raise LabelError(f"expected a property of {known}, but found '{name}'", position)
    elif inner == "LABEL":
        if inner in before[1::2]:
            raise LabelError("${LABEL} can stand in a label only once", position)
    elif inner not in _STATISTICAL:
        raise LabelError(f"expected a dynamic value such as ${{LAST}} or ${{MAX}}, but found '${{{inner}}}'", position)


def _value(inner: str, shown: Shown, where: Where) -> str:
    prop = _PROPERTY.fullmatch(inner)
    if prop is not None:
        return _property(prop.group(1), shown.stat, where)
    if inner == "LABEL":
        return shown.default
    if inner == "DATAPOINT_COUNT":
        return str(len(shown.points))
    return _of_points(inner, shown.points, where) if shown.points else NOTHING


def _of_points(inner: str, points: _Points, where: Where) -> str:
    if inner in _NUMBERS:
        return _number(_NUMBERS[inner]([value for _, value in points]))
    if inner in _SPANS:
        one, other = (_MOMENTS[name](points) for name in _SPANS[inner])
        return _span(abs(one - other))
    moment = _MOMENTS[inner.removesuffix(_RELATIVE)](points)
    return _span(abs(where.now - moment)) if inner.endswith(_RELATIVE) else _time(moment, where.ahead_min)


def _property(name: str, stat: MetricStat | None, where: Where) -> str:
    """A property that the series has not, because it is no single metric or has no such dimension, is empty."""
    if stat is None:
        return ""
    if name in _PROPERTIES:
        return _PROPERTIES[name](stat, where)
    return dict(stat.metric.dimensions).get(name.removeprefix(_DIMENSION), "")


def _number(value: float) -> str:
    """Three decimals at most from 1 on, four significant digits below."""
    text = f"{value:.3f}" if abs(value) >= 1 or value == 0 else f"{value:.4g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _time(moment: int, ahead_min: int) -> str:
    zone = UTC if ahead_min == 0 else timezone(timedelta(minutes=ahead_min))
    at = datetime.fromtimestamp(moment, zone)
    return f"{at:%Y-%m-%d %H:%M:%S} {'UTC' if ahead_min == 0 else f'{at:%z}'}"


def _span(seconds: float) -> str:
    """The two largest units of a duration: ``2d 3h``, ``5m``, ``30s``."""
    left, parts = int(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2]) or "0s"
