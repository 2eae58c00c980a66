"""Series and states as text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.definitions.cases import duration, seconds
from kit.definitions.cases_notation import NotationError, parse_states, parse_values, write_states, write_values

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("60", (60,)),
        ("60x3", (60, 60, 60)),
        ("0+2x5", (0, 2, 4, 6, 8)),
        ("10-2.5x3", (10, 7.5, 5)),
        ("_", (None,)),
        ("_x3 1", (None, None, None, 1)),
        ("1 _ 2x2\n 3", (1, None, 2, 2, 3)),
        ("-1.5x2", (-1.5, -1.5)),
        ("-4+1x3", (-4, -3, -2)),
        ("1e3x2", (1000, 1000)),
        ("1e+3", (1000,)),
        (".5", (0.5,)),
        ("", ()),
    ],
)
def test_a_term_stands_for_its_values(text: str, values: tuple[float | None, ...]) -> None:
    assert parse_values(text) == values


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("60 60x", "column 4: '60x' is no term"),
        ("x5", "column 1: 'x5' is no term"),
        ("1 2 3,4", "column 5: '3,4' is no term"),
        ("0+2", "column 1: '0+2' does not say how many values; write 0+2x5"),
        ("5x0", "column 1: '5x0' must be repeated"),
        ("5x9999999999", "must be repeated from 1 to 604800 times"),
        ("5x604800 5", "column 10: more than 604800 values"),
        ("1e999", "too large"),
        ("NaN", "column 1: 'NaN' is no term"),
        ("_+1x3", "column 1: '_+1x3' is no term"),
    ],
)
def test_what_is_no_term_is_named_with_its_column(text: str, told: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse_values(text)
    assert told in str(caught.value)


@given(st.lists(st.none() | NUMBERS, max_size=50).map(tuple))
def test_values_that_are_written_are_read_back_the_same(values: tuple[float | None, ...]) -> None:
    assert parse_values(write_values(values)) == values


@given(st.lists(st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]), max_size=50).map(tuple))
def test_states_that_are_written_are_read_back_the_same(states: tuple[str, ...]) -> None:
    assert parse_states(write_states(states)) == states  # type: ignore[arg-type]


@given(st.text(alphabet="0123456789.+-xe_ OKALRMI\n", max_size=40) | st.text(max_size=40))
def test_no_text_makes_the_notations_fail_otherwise_than_by_their_error(text: str) -> None:
    for parse in (parse_values, parse_states):
        with suppress(NotationError):
            parse(text)


def test_states_may_be_short_long_and_repeated() -> None:
    assert parse_states("I INSUFFICIENT_DATA OKx2 ALARM") == (
        *("INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "OK", "OK"),
        "ALARM",
    )
    with pytest.raises(NotationError, match="column 3: 'OKAY' is no state"):
        parse_states("I OKAY")


@given(st.integers(0, 10_000_000))
def test_durations_that_are_written_are_read_back_the_same(moment: int) -> None:
    assert seconds(duration(moment)) == moment
