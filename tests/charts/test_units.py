"""Numbers for people."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.units import UNITS, axis_expression, text, unit_named, unit_of_axis_label


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0, "Count", "0"),
        (7, "Count", "7"),
        (9876, "Count", "9,876"),
        (12_345, "Count", "12.35k"),
        (2.5e6, "Count", "2.5M"),
        (34.4567, "None", "34.46"),
        (0.001234, "None", "0.00123"),
        (99.95, "Percent", "99.95%"),
        (99.9999, "Percent", "99.999%"),
        (100, "Percent", "100%"),
        (1.5, "Percent", "1.5%"),
        (0.4, "Milliseconds", "0.4 ms"),
        (250.6, "Milliseconds", "250.6 ms"),
        (1234, "Milliseconds", "1.23 s"),
        (0.25, "Seconds", "250 ms"),
        (5400, "Seconds", "1.5 h"),
        (0, "Seconds", "0 s"),
        (88_123_456, "Bytes", "88.1 MB"),
        (2048, "Kilobytes", "2.05 MB"),
        (1500, "Bytes/Second", "1.5 kB/s"),
        (-1234, "Milliseconds", "−1.23 s"),
        (None, "Count", "–"),
        (math.nan, "Count", "–"),
    ],
)
def test_a_value_is_written_for_reading(value: float | None, unit: str, shown: str) -> None:
    assert text(value, unit_named(unit)) == shown


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(sorted(UNITS)))
def test_any_value_can_be_written(value: float, unit: str) -> None:
    assert text(value, UNITS[unit])


@pytest.mark.parametrize(
    ("label", "unit"), [("ms", "Milliseconds"), (" % ", "Percent"), ("requests", None), (None, None)]
)
def test_an_axis_label_may_name_the_unit(label: str | None, unit: str | None) -> None:
    assert unit_of_axis_label(label) == unit


def test_an_unknown_unit_is_a_plain_number() -> None:
    assert unit_named("Furlongs") is UNITS["None"]


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_an_axis_expression_knows_all_steps(unit: str) -> None:
    expression = axis_expression(UNITS[unit])
    assert all(repr(step.suffix)[1:-1] in expression for step in UNITS[unit].steps if step.size >= 1)
