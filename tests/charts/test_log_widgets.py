"""A log widget's query, and its rows as a table or as lines."""

from __future__ import annotations

from typing import Any

import pytest

from kit.charts.dashboard import Widget
from kit.charts.logs import LogQuery, draw_log, log_query, read_rows
from kit.charts.theme import SCREEN
from kit.charts.timerange import TimeRange

SHOWN = TimeRange(1_800_000_000.0, 1_800_000_600.0, live=True)


def widget(query: Any = "SOURCE '/a' | fields @message", **more: Any) -> Widget:
    return Widget(0, "log", 0, 0, 6, 6, {"query": query, **more})


def rows(*found: dict[str, str], matched: float = 3) -> Any:
    results = [[{"field": name, "value": value} for name, value in each.items()] for each in found]
    return read_rows({"results": results, "statistics": {"recordsMatched": matched}})


def test_the_sources_are_cut_off_the_query() -> None:
    text = "SOURCE '/a' | source \"/b\" | SOURCE '/a' |\nfields x | filter y = 'SOURCE'"
    asked = log_query(widget(text, region="eu-west-1"))
    assert asked == LogQuery(("/a", "/b"), "fields x | filter y = 'SOURCE'", "eu-west-1", 200)


@pytest.mark.parametrize("query", [None, 3, "", "fields @message"])
def test_a_query_without_a_group_says_so(query: Any) -> None:
    assert isinstance(log_query(widget(query)), str)


def test_a_table_has_a_column_for_each_field_and_tells_of_more_lines() -> None:
    found = rows({"@timestamp": "t", "level": "INFO", "@ptr": "p"}, {"@timestamp": "u", "message": "m"}, matched=900)
    drawing = draw_log(widget(), found, SHOWN, SCREEN)
    assert drawing.kind == "logs"
    assert drawing.content["columns"] == ("@timestamp", "level", "message")
    assert drawing.content["rows"] == [["t", "INFO", ""], ["u", "", "m"]]
    assert drawing.content["of"] == 900
    counted = draw_log(widget("SOURCE '/a' | stats count(*) by level"), found, SHOWN, SCREEN)
    assert counted.content["of"] == 2, "rows of stats are no lines of the log"


def test_bins_become_a_line_for_each_text_with_gaps_where_nothing_was_counted() -> None:
    found = rows(
        {"bin(1m)": "2027-01-15 08:00:00.000", "level": "INFO", "lines": "4"},
        {"bin(1m)": "2027-01-15 08:01:00.000", "level": "ERROR", "lines": "1"},
        {"bin(1m)": "2027-01-15 08:02:00.000", "level": "INFO", "lines": "6"},
    )
    drawing = draw_log(widget(view="timeSeries"), found, SHOWN, SCREEN)
    assert [(line.label, line.values) for line in drawing.lines] == [
        ("ERROR lines", (1.0,)),
        ("INFO lines", (4.0, None, 6.0)),
    ]
    assert drawing.lines[1].times[0] == 1_800_000_000_000
    assert drawing.lines[0].period == 60


@pytest.mark.parametrize("view", ["bar", "pie"])
def test_groups_become_parts(view: str) -> None:
    drawing = draw_log(
        widget(view=view), rows({"level": "INFO", "n": "4"}, {"level": "ERROR", "n": "1"}), SHOWN, SCREEN
    )
    assert [(part["label"], part["v"]) for part in drawing.content] == [("INFO", 4.0), ("ERROR", 1.0)]


def test_a_number_that_names_a_group_is_not_its_size() -> None:
    drawing = draw_log(widget(view="bar"), rows({"status": "503", "n": "4"}), SHOWN, SCREEN)
    assert [(part["label"], part["v"]) for part in drawing.content] == [("503", 4.0)]


@pytest.mark.parametrize("found", [rows(), rows({"level": "INFO"}), rows({"bin(1m)": "2027-99-15 08:00:00", "n": "x"})])
def test_what_gives_nothing_to_draw_says_so(found: Any) -> None:
    assert draw_log(widget(view="timeSeries"), found, SHOWN, SCREEN).kind == "note"
    assert draw_log(widget(view="pie"), found, SHOWN, SCREEN).kind == "note"
