"""Metric math against a slow second opinion, which works timestamp by timestamp on dicts and knows no parser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Part = tuple[str, str, Any]  # text, kind (S or TS), value: a float, or {timestamp: float}
LENGTH = 5
METRICS: dict[str, list[float | None]] = {
    "m1": [1.0, 2.0, None, 0.0, -4.0],
    "m2": [None, 0.5, None, 3.0, 0.0],
    "m3": [None, None, None, None, None],
}
leaves = st.one_of(
    st.sampled_from(sorted(METRICS)).map(
        lambda name: (name, "TS", {t: v for t, v in enumerate(METRICS[name]) if v is not None})
    ),
    st.sampled_from([0.0, 1.0, 2.0, 0.5]).map(lambda value: (repr(value), "S", value)),
)
OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">=": lambda a, b: float(a >= b),
    "AND": lambda a, b: float(a != 0 and b != 0),
    "OR": lambda a, b: float(a != 0 or b != 0),
}


def _apply(name: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (name == "/" and right == 0):
        return None
    result = OPERATORS[name](left, right)
    return result if math.isfinite(result) else None


def _binary(parts: tuple[Part, str, Part]) -> Part:
    (left, left_kind, a), name, (right, right_kind, b) = parts
    text = f"({left} {name} {right})"
    if left_kind == right_kind == "S":
        return text, "S", _apply(name, a, b)
    out = {}
    for t in range(LENGTH):
        x = a.get(t) if left_kind == "TS" else a
        y = b.get(t) if right_kind == "TS" else b
        if left_kind == right_kind:
            if x is None and y is None:
                continue
            x, y = x or 0.0, y or 0.0
        result = _apply(name, x, y)
        if result is not None:
            out[t] = result
    return text, "TS", out


def _at(part: Part, t: int) -> float | None:
    _, kind, value = part
    found: float | None = value.get(t) if kind == "TS" else value
    return found


def _if(parts: tuple[Part, Part, Part]) -> Part:
    condition, then, otherwise = parts
    out = {}
    for t in range(LENGTH):
        asked = condition[2].get(t)
        if asked is None:
            continue
        result = (_at(then, t) or 0.0) if asked != 0 else _at(otherwise, t)
        if result is not None:
            out[t] = result
    return f"IF({condition[0]}, {then[0]}, {otherwise[0]})", "TS", out


def _filled(part: Part, how: str) -> Part:
    text, _, points = part
    out = dict(points)
    for t in range(LENGTH):
        if t in points:
            continue
        before = [p for p in points if p < t]
        after = [p for p in points if p > t]
        if how == "REPEAT" and before:
            out[t] = points[max(before)]
        elif how == "LINEAR" and before and after:
            a, b = max(before), min(after)
            out[t] = points[a] + (points[b] - points[a]) * (t - a) / (b - a)
        elif how not in ("REPEAT", "LINEAR"):
            out[t] = float(how)
    return f"FILL({text}, {how})", "TS", out


def _series(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    return inner.filter(lambda part: part[1] == "TS")


def _grow(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(sorted(OPERATORS)), inner).map(_binary),
        st.tuples(_series(inner), inner, inner).map(_if),
        st.tuples(_series(inner), st.sampled_from(["0", "7", "REPEAT", "LINEAR"])).map(lambda pair: _filled(*pair)),
        _series(inner).map(lambda part: (f"ABS({part[0]})", "TS", {t: abs(v) for t, v in part[2].items()})),
    )


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(st.recursive(leaves, _grow, max_leaves=8).filter(lambda part: part[1] == "TS" and "m" in part[0]))
def test_metric_math_equals_a_slow_literal_reading_of_its_rules(
    calculate: Callable[..., list[list[float | None]]], part: Part
) -> None:
    text, _, points = part
    assert calculate(text, **METRICS) == [[points.get(t) for t in range(LENGTH)]]
