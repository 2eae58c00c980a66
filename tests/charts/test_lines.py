"""From answers to lines."""

from __future__ import annotations

from typing import Any

from kit.charts.dashboard import Widget
from kit.charts.lines import Answer, Line, lines_of, stacked
from kit.charts.queries import plan_widget
from kit.charts.theme import PRINT, SCREEN
from kit.charts.timerange import TimeRange

NOW = 10_000.0
SHOWN = TimeRange(NOW - 600, NOW, live=True)


def lines(
    answers: list[Answer], *rows: list[Any], live_data: bool = False, shown: TimeRange = SHOWN, **properties: Any
) -> tuple[Line, ...]:
    widget = Widget(0, "metric", 0, 0, 6, 6, {"metrics": list(rows) or [["A", "B"]], "period": 60, **properties})
    return lines_of(plan_widget(widget, shown, adapt=False), answers, PRINT, live_data=live_data)


def answer(*points: tuple[float, float], id_: str = "w0_0", label: str = "L") -> Answer:
    return Answer(id_, label, tuple(t for t, _ in points), tuple(v for _, v in points))


def test_points_that_are_far_apart_are_not_joined() -> None:
    (line,) = lines([answer((9400, 1), (9460, 2), (9700, 3))])
    assert list(line.values) == [1, 2, None, 3]
    assert list(line.times) == [9_400_000, 9_460_000, 9_580_000, 9_700_000]
    assert line.points == 3


def test_a_period_that_still_runs_is_left_out() -> None:
    (line,) = lines([answer((9840, 5), (9900, 6), (9960, 1))])
    assert list(line.values) == [5, 6]
    assert line.latest == 6


def test_a_period_that_just_ended_is_given_time_to_settle() -> None:
    (line,) = lines([answer((9818, 5), (9878, 6), (9939, 1))])
    assert list(line.values) == [5, 6]


def test_live_data_keeps_the_running_period() -> None:
    (line,) = lines([answer((9840, 5), (9900, 6), (9960, 1))], live_data=True)
    assert line.running
    assert list(line.values) == [5, 6, 1]
    assert line.latest == 6, "a period that still runs is no value to read yet"


def test_the_first_points_show_at_once() -> None:
    (line,) = lines([answer((9960, 1))])
    assert line.latest == 1
    assert list(line.values) == [1]


def test_colours_are_the_authors_else_the_palettes_in_order() -> None:
    answers = [answer((9400, 1), id_=f"w0_{n}") for n in range(3)]
    shown = lines(answers, ["A", "B"], ["A", "C", {"color": "#123456"}], ["A", "D"])
    assert [line.color for line in shown] == [PRINT.series[0], "#123456", PRINT.series[1]]
    assert "#123456" in SCREEN.own("#123456")


def test_an_array_expression_gives_a_line_for_each_series() -> None:
    shown = lines([answer((9400, 1), label="a"), answer((9400, 2), label="b")], [{"expression": "SEARCH('x', 'Sum')"}])
    assert [(line.label, line.key) for line in shown] == [("a", "w0_0.0"), ("b", "w0_0.1")]
    assert shown[0].color != shown[1].color


def test_hidden_rows_are_not_drawn() -> None:
    assert lines([answer((9400, 1))], ["A", "B", {"visible": False}]) == ()


def test_numbers_that_are_none_are_left_out() -> None:
    (line,) = lines([answer((9400, float("nan")), (9460, float("inf")), (9520, 3))])
    assert list(line.values) == [3]


def test_a_stack_has_a_zero_where_one_of_its_lines_has_no_point() -> None:
    answers = [answer((9400, 1), (9460, 2), id_="w0_0"), answer((9460, 5), id_="w0_1")]
    first, second = stacked(lines(answers, ["A", "B"], ["A", "C"]))
    assert first.times == second.times
    assert list(second.values) == [0, 5]
    assert list(second.base) == [1, 2]
