"""The shorthand of metric rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.charts.rows import RowError, expand_rows

SHOP = ["Shop", "Latency", "Service", "shop", "Operation", "GET /items"]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ([".", "Fault", ".", ".", ".", "."], ["Shop", "Fault", *SHOP[2:]]),
        ([".", ".", ".", "payments"], ["Shop", "Latency", "Service", "payments"]),
        (["...", "POST /checkout"], [*SHOP[:5], "POST /checkout"]),
        (["...", "payments", "Operation", "."], ["Shop", "Latency", "Service", "payments", "Operation", "GET /items"]),
        (["..."], SHOP),
        (["Other", "Metric"], ["Other", "Metric"]),
    ],
)
def test_a_shorthand_row_repeats_the_row_above(row: list[str], cells: list[str]) -> None:
    assert list(expand_rows([SHOP, row])[1].cells) == cells


def test_three_dots_with_options_mean_the_same_metric_drawn_otherwise() -> None:
    first, second = expand_rows([[*SHOP, {"stat": "p50"}], ["...", {"stat": "p99", "color": "#0a0b0c"}]])
    assert (second.cells, second.stat, second.color) == (first.cells, "p99", "#0a0b0c")


def test_an_expression_row_is_not_the_row_above() -> None:
    rows = expand_rows([SHOP, [{"expression": "m1*2", "id": "e1"}], ["...", "POST /checkout"]])
    assert rows[1].expression == "m1*2"
    assert rows[2].cells[-1] == "POST /checkout"


def test_options_are_not_inherited() -> None:
    assert expand_rows([[*SHOP, {"yAxis": "right", "visible": False}], ["..."]])[1].axis == "left"


def test_options_are_read() -> None:
    options = {"id": "m1", "label": "L", "period": 10, "visible": False, "yAxis": "right", "region": "eu-west-1"}
    row = expand_rows([[*SHOP, {**options, "accountId": "111122223333", "color": "red"}]])[0]
    assert (row.id, row.label, row.period, row.visible, row.axis) == ("m1", "L", 10, False, "right")
    assert (row.region, row.account) == ("eu-west-1", "111122223333")
    assert row.color is None, "CloudWatch takes hex colours only"
    assert row.dimensions == (("Service", "shop"), ("Operation", "GET /items"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["."]], "nothing above"),
        ([["...", "x"]], "no longer row above"),
        ([["A", "B"], ["...", "x", "y", "z"]], "no longer row above"),
        ([SHOP, ["A", "...", "x"]], "may only stand first"),
        ([["A", "B", "lonely"]], "in pairs"),
        ([["A"]], "in pairs"),
        ([[{}]], "neither a metric nor an expression"),
        ([[]], "at least one"),
        (["text"], "must be a list"),
        ([["A", 5]], "must be text"),
        ([["A", "B", {"id": "Big"}]], "lower-case"),
        ([["A", "B", {"id": "m"}], ["A", "C", {"id": "m"}]], "used twice"),
        ([["A", "B", {"period": "60"}]], "whole number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(rows: list[Any], words: str) -> None:
    with pytest.raises(RowError, match=words):
        expand_rows(rows)


CELL = st.one_of(st.sampled_from([".", "...", "A", "B", "C"]), st.integers(), st.none())


@given(st.lists(st.lists(st.one_of(CELL, st.dictionaries(st.sampled_from(["id", "expression"]), CELL)))))
def test_any_rows_are_either_whole_metrics_or_refused(rows: list[Any]) -> None:
    try:
        expanded = expand_rows(rows)
    except RowError:
        return
    for row in expanded:
        assert row.expression or (len(row.cells) >= 2 and len(row.cells) % 2 == 0)
        assert "." not in row.cells
        assert "..." not in row.cells
