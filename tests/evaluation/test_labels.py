"""Dynamic labels (User Guide, "Use dynamic labels")."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.evaluation.labels import LabelError, Shown, Where, parse_label
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.statistics import parse_statistic

TEN = 1_795_341_600  # 2026-11-22 10:00:00 UTC
STAT = MetricStat(MetricRef("Shop", "Latency", (("Route", "/items"),)), 60, parse_statistic("p99"))
SHOWN = Shown("Latency", STAT, [(TEN, 2.0), (TEN + 60, 8.0), (TEN + 120, 0.5), (TEN + 240, 3.25)])
WHERE = Where(TEN + 300, 0, "123456789012", "eu-west-1")


@pytest.mark.parametrize(
    ("placeholder", "text"),
    [
        ("${AVG}", "3.438"),
        ("${DATAPOINT_COUNT}", "4"),
        ("${FIRST}", "2"),
        ("${FIRST_LAST_RANGE}", "1.25"),
        ("${FIRST_LAST_TIME_RANGE}", "4m"),
        ("${FIRST_TIME}", "2026-11-22 10:00:00 UTC"),
        ("${FIRST_TIME_RELATIVE}", "5m"),
        ("${LABEL}", "Latency"),
        ("${LAST}", "3.25"),
        ("${LAST_TIME}", "2026-11-22 10:04:00 UTC"),
        ("${LAST_TIME_RELATIVE}", "1m"),
        ("${MAX}", "8"),
        ("${MAX_TIME}", "2026-11-22 10:01:00 UTC"),
        ("${MAX_TIME_RELATIVE}", "4m"),
        ("${MIN}", "0.5"),
        ("${MIN_MAX_RANGE}", "7.5"),
        ("${MIN_MAX_TIME_RANGE}", "1m"),
        ("${MIN_TIME}", "2026-11-22 10:02:00 UTC"),
        ("${MIN_TIME_RELATIVE}", "3m"),
        ("${SUM}", "13.75"),
        ("${PROP('AccountId')}", "123456789012"),
        ("${PROP('AccountLabel')}", "123456789012"),
        ("${PROP('Dim.Route')}", "/items"),
        ("${PROP('Dim.Host')}", ""),
        ("${PROP('MetricName')}", "Latency"),
        ("${PROP('Namespace')}", "Shop"),
        ("${PROP('Period')}", "60"),
        ("${PROP('Region')}", "eu-west-1"),
        ("${PROP('Stat')}", "p99"),
    ],
)
def test_every_documented_placeholder(placeholder: str, text: str) -> None:
    assert parse_label(f"[{placeholder}]").of(SHOWN, WHERE) == f"[{text}]"


def test_times_are_told_in_the_readers_time_zone() -> None:
    assert parse_label("${LAST_TIME}").of(SHOWN, Where(TEN, 330)) == "2026-11-22 15:34:00 +0530"


def test_a_series_without_points_has_no_values_but_its_properties() -> None:
    nothing = Shown("e1", None, [])
    text = "${LABEL} ${MAX} ${LAST_TIME} ${MIN_TIME_RELATIVE} ${DATAPOINT_COUNT} <${PROP('Stat')}>"
    assert parse_label(text).of(nothing, WHERE) == "e1 -- -- -- 0 <>"


def test_a_label_without_placeholders_is_itself() -> None:
    assert not parse_label("costs $5 {net}").dynamic
    assert parse_label("costs $5 {net}").of(SHOWN, WHERE) == "costs $5 {net}"


@pytest.mark.parametrize(
    ("label", "position", "message"),
    [
        ("max ${MAXIMUM}", 4, "found '${MAXIMUM}'"),
        ("${max}", 0, "expected a dynamic value"),
        ("${MAX", 0, "expected '}'"),
        ("a ${}", 2, "found '${}'"),
        ("${LABEL} ${LABEL}", 9, "only once"),
        ("${PROP('Host')}", 0, "expected a property of AccountId"),
        ("${PROP('Dim.')}", 0, "expected a property of"),
        ("${PROP(Stat)}", 0, "expected a dynamic value"),
        ("${MAX}" * 7, 36, "at most 6 statistical values"),
    ],
)
def test_a_label_that_can_not_be_used_says_where_and_why(label: str, position: int, message: str) -> None:
    with pytest.raises(LabelError) as caught:
        parse_label(label)
    assert caught.value.position == position
    assert message in str(caught.value)


def test_properties_and_the_default_label_do_not_count_as_values() -> None:
    assert parse_label("${MAX}" * 6 + "${LABEL}" + "${PROP('Stat')}" * 3).dynamic


@given(
    st.lists(st.sampled_from(["${", "}", "MAX", "${MAX}", "$", "PROP('Stat')", "${LABEL}", " ", "x"])).map("".join),
    st.lists(st.floats(-(2.0**360), 2.0**360), max_size=3),
)
def test_no_label_crashes(text: str, values: list[float]) -> None:
    points = [(60 * index, value) for index, value in enumerate(values)]
    with contextlib.suppress(LabelError):
        assert isinstance(parse_label(text).of(Shown("x", STAT, points), WHERE), str)
