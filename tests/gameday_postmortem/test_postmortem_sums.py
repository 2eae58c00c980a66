"""The sums of a write-up, by themselves: budgets, moments, the first signal, log lines and the waterfall."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.gameday.journal import Line as Noted
from kit.gameday.postmortem.first_signal import first_movers, moved
from kit.gameday.postmortem.gather import concerning
from kit.gameday.postmortem.impact import Absent, Hurt, absent, agreement, budget, hurt
from kit.gameday.postmortem.model import Change, Metric, Missing, Objective, Series, Window
from kit.gameday.postmortem.moments import hurt_periods, moments
from kit.gameday.postmortem.stories import LONGEST, MOST, Line, answered_by_failure, stories
from kit.gameday.postmortem.timeline import merged
from kit.gameday.postmortem.waterfall import bars, picture
from kit.gameday.postmortem.words import escaped, length, percent

BAD, ALL = Metric("Shop", "Fault", (("Service", "shop"),)), Metric("Shop", "Requests", (("Service", "shop"),))
OBJECTIVE = Objective("a", "A", 0.99, 30 * 86_400, "checkouts", "failed", BAD, ALL)
WINDOW = Window(1000, 1300)
UNKNOWN = Missing("nobody knows")


def series(*values: float | None, metric: Metric = BAD, start: int = 1000, period: int = 10) -> Series:
    points = {start + number * period: value for number, value in enumerate(values) if value is not None}
    return Series(metric, period, points)


def change(at: float, after: str, alarm: str = "a", severity: str = "page") -> Change:
    return Change(at, alarm, "OK" if after == "ALARM" else "ALARM", after, "", severity)


# impact


def test_who_never_came_is_what_was_usual_before() -> None:
    total = series(69, 71, 70, None, 72, 0, 1, 28, 70, 0, metric=ALL)
    found = absent(total, 1050, 1090, 1200.0, 3.0)
    assert found == Absent(
        (70.5 - 0) + (70.5 - 1) + (70.5 - 28), 30, 7.05, ((1050, 1060), (1060, 1070), (1070, 1080)), 1200.0, 3.0
    )


@given(st.lists(st.integers(0, 20) | st.none(), max_size=20))
def test_where_few_come_anyway_or_nothing_is_known_nobody_is_missed(after: list[int | None]) -> None:
    found = absent(series(*[20] * 5, *after, metric=ALL), 1050, 1250, UNKNOWN, UNKNOWN)
    assert isinstance(found, Absent)
    assert found.number == 0
    assert isinstance(absent(series(20, 20, *after, metric=ALL), 1020, 1250, UNKNOWN, UNKNOWN), Missing)


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ({"operation": "POST /checkout", "status": 503}, True),
        ({"operation": "POST /checkout", "status": 0}, False),
        ({"operation": "POST /checkout", "status": 409}, False),
        ({"operation": "GET /items", "status": 503}, False),
        ({"operation": "POST /checkout"}, False),
        ([], False),
    ],
)
def test_of_the_canary_only_checkouts_that_were_answered_by_a_failure_count(told: object, counts: bool) -> None:
    assert answered_by_failure(Line(1, "g", json.dumps(told)), "POST /checkout") is counts


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=40))
def test_bad_and_good_counters_tell_the_same(pairs: list[tuple[int, int]]) -> None:
    total = series(*(bad + good for bad, good in pairs), metric=ALL)
    by_bad = hurt(OBJECTIVE, series(*(bad for bad, _ in pairs)), total)
    counting_good = Objective(*("a", "A", 0.99, 1, "", "", BAD, ALL, True))
    by_good = hurt(counting_good, series(*(good for _, good in pairs)), total)
    assert by_bad == by_good
    assert 0 <= by_bad.share <= 1


def test_a_window_as_long_as_the_period_burns_what_is_no_more_left() -> None:
    run = Hurt(50, 10_000)
    found = budget(OBJECTIVE, 86_400, run, 86_400, run, 86_400)
    assert found.burnt == pytest.approx(0.5)
    assert found.left == pytest.approx(0.5)


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 10))
def test_practice_scale_burns_as_many_times_as_much_as_its_period_is_shorter(bad: int, more: int, k: int) -> None:
    run = Hurt(bad, bad + more)
    whole, part = (budget(OBJECTIVE, p, run, 300, UNKNOWN, 0).burnt for p in (86_400 * k, 86_400))
    assert isinstance(whole, float)
    assert part == pytest.approx(k * whole)


def test_without_traffic_a_budget_is_not_known_rather_than_whole() -> None:
    found = budget(OBJECTIVE, 86_400, Hurt(0, 0), 300, Hurt(0, 0), 0)
    assert isinstance(found.burnt, Missing)
    assert isinstance(found.left, Missing)


@pytest.mark.parametrize(
    ("ours", "theirs", "probes", "agrees"),
    [(360, 358, 2, True), (363, 358, 2, True), (364, 358, 2, False), (1010, 1000, 0, True), (1011, 1000, 0, False)],
)
def test_counts_agree_within_three_or_one_percent(ours: float, theirs: float, probes: float, agrees: bool) -> None:
    assert agreement(ours, theirs, probes).agrees is agrees


# moments


def test_one_failure_is_no_harm_and_three_beyond_the_budget_are() -> None:
    bad, total = series(1, 2, 3, 3, None), series(10, 10, 10, 1000, 10, metric=ALL)
    assert hurt_periods(OBJECTIVE, bad, total, WINDOW) == [(1020, 1030)]


def test_all_moments_of_a_plain_incident() -> None:
    changes = [change(1060, "ALARM", "t", "ticket"), change(1080, "ALARM"), change(1200, "OK"), change(1250, "OK", "t")]
    found = moments(WINDOW, None, [(1050, 1060), (1060, 1070), (1140, 1150)], changes, [1020.0, 1095.0, 1099.0])
    told = (found.began, found.detected, found.acknowledged, found.mitigated, found.restored)
    assert told == (1050, 1080, 1095, 1150, 1200)
    assert found.since(found.detected, found.began) == 30


def test_what_did_not_happen_says_why() -> None:
    found = moments(WINDOW, 1010.0, [(1280, 1290), (1290, 1300)], [change(1050, "ALARM")], [])
    assert found.acknowledged == Missing("nobody acknowledged it")
    assert found.mitigated == Missing("it still hurt at the end")
    assert found.restored == Missing("a was not OK again at the end")
    nothing = moments(WINDOW, None, [], [], [])
    assert all(isinstance(each, Missing) for each in (nothing.began, nothing.detected, nothing.mitigated))
    unknown = moments(WINDOW, None, UNKNOWN, UNKNOWN, UNKNOWN)
    assert unknown.detected == unknown.restored == UNKNOWN


spans = st.lists(st.integers(100, 128).map(lambda n: (10 * n, 10 * n + 10)), max_size=10)
turns = st.lists(st.builds(change, st.integers(1000, 1300), st.sampled_from(["ALARM", "OK"]), st.sampled_from("ab")))


@given(spans, turns, st.lists(st.floats(1000, 1300)))
def test_moments_come_in_their_order(hurt_: list[tuple[int, int]], changes: list[Change], acks: list[float]) -> None:
    found = moments(WINDOW, None, hurt_, sorted(changes, key=lambda c: c.at), acks)
    if not isinstance(found.detected, Missing):
        assert isinstance(found.began, Missing) or found.began <= found.detected
        assert isinstance(found.acknowledged, Missing) or found.acknowledged >= found.detected
        assert isinstance(found.restored, Missing) or found.restored >= found.detected
    for later in (found.detected, found.mitigated, found.restored):
        took = found.since(later, found.began)
        assert isinstance(took, Missing) or took >= 0


def test_what_fires_after_the_end_is_another_story() -> None:
    changes = [change(1290, "ALARM"), change(1310, "OK"), change(1320, "ALARM"), change(1330, "ALARM", "b")]
    assert [each.at for each in concerning(changes, WINDOW)] == [1290, 1310]


# the first signal


def test_a_step_is_seen_at_the_end_of_its_first_period() -> None:
    found = moved(series(*[100] * 9, *[300] * 5), 1095, 1300)
    assert found is not None
    assert (found.at, found.usual, found.value) == (1100, 100, 300)


def test_one_odd_value_moves_nothing() -> None:
    assert moved(series(*[100] * 10, 300, *[100] * 5), 1095, 1300) is None


def test_a_series_without_a_past_is_left_out() -> None:
    assert moved(series(1, 2), 1000, 1300) is None
    assert first_movers([series()], 1000, 1300) == []


@given(st.lists(st.integers(0, 10_000), min_size=6, max_size=40), st.integers(0, 1000))
def test_no_series_moves_by_being_all_the_same(noise: list[int], level: int) -> None:
    assert moved(series(*[level] * 40), 1200, 1400) is None
    found = moved(series(*noise, *noise), 1000 + 10 * len(noise), 2000)
    assert found is None or found.at > 1000 + 10 * len(noise)


@given(st.permutations(range(4)))
def test_the_earliest_comes_first_whatever_the_order(order: list[int]) -> None:
    names = [Metric("n", f"m{number}", ()) for number in range(4)]
    steps = [series(*[10] * (12 + number), *[500] * 8, metric=names[number]) for number in range(4)]
    found = first_movers([steps[number] for number in order], 1110, 1300)
    assert [each.series.metric.name for each in found] == ["m0", "m1", "m2", "m3"]


# stories


def test_numbers_and_ids_aside_alike_lines_are_one() -> None:
    ids = ("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7")
    lines = [
        Line(at, "g", json.dumps({"level": "ERROR", "message": f"order {id_} took {at} s"}))
        for at, id_ in enumerate(ids)
    ]
    (story,) = stories(lines)
    assert (story.first, story.last, story.count) == (0, 1, 2)


texts = st.one_of(
    st.text(),
    st.dictionaries(st.sampled_from(["level", "message", "service", "status", "exception"]), st.text()).map(json.dumps),
    st.recursive(st.none(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps),
)


@given(st.lists(st.builds(Line, st.floats(0, 1e9), st.just("g"), texts), max_size=30))
@settings(max_examples=50)
def test_whatever_is_logged_gives_few_short_stories_in_their_order(lines: list[Line]) -> None:
    found = stories(lines)
    assert len(found) <= MOST
    assert [each.first for each in found] == sorted(each.first for each in found)
    assert all(len(each.text) <= LONGEST and each.first <= each.last for each in found)
    assert sum(each.count for each in found) <= len(lines)


# timeline


def test_a_blind_round_that_goes_on_gives_nothing_away() -> None:
    journal = [Noted(1.0, "r", 1, "run.started"), Noted(2.0, "r", 2, "fault.set", data={"fault": "db-lock"})]
    load = [Noted(2.1, "", 1, "fault.set", "locust", None, {"fault": "db-lock"})]
    assert "db-lock" not in str(merged(journal, load, (), (), hide_faults=True))
    assert [entry.source for entry in merged(journal, load, (), ())] == ["run", "fault"]


def test_alarms_that_tell_nobody_are_told_only_where_none_did() -> None:
    child, parent = change(1, "ALARM", "child", ""), change(2, "ALARM", "parent")
    assert len(merged((), (), [child], ())) == 1
    assert ["parent" in entry.text for entry in merged((), (), [child, parent], ())] == [True]


# the waterfall


def segment(id_: str, start: float, end: float | None = 1.0, **more: object) -> dict[str, object]:
    ended = {} if end is None else {"end_time": end}
    return {"id": id_, "name": f"<{id_}>", "start_time": start, **ended, **more}


def test_parents_come_before_children_wherever_they_stand() -> None:
    inside = segment("c", 0.4, 0.5, subsegments=[segment("d", 0.45, 0.46, fault=True)])
    documents = [segment("b", 0.2, 0.9, parent_id="a"), segment("a", 0.1, subsegments=[inside]), segment("x", 0, None)]
    found = bars(documents)
    assert [(bar.name, bar.depth) for bar in found] == [("<a>", 0), ("<b>", 1), ("<c>", 1), ("<d>", 2)]
    assert found[0].start == 0
    assert found[1].start == pytest.approx(0.1)
    ET.fromstring(picture(found))


def test_a_trace_that_goes_in_circles_or_is_empty_is_drawn_still() -> None:
    assert bars([]) == []
    ET.fromstring(picture([]))
    looped = [segment("a", 0, parent_id="b"), segment("b", 0, parent_id="a"), segment("c", 0, parent_id="c")]
    assert bars(looped) == []
    many = [segment(f"{number:03}", number / 100) for number in range(90)]
    assert "and 50 more" in picture(bars(many))


# words


@given(st.text())
def test_escaped_text_is_on_one_line_and_opens_no_cell_or_tag(text: str) -> None:
    found = escaped(text)
    assert "\n" not in found
    for sign in "|<`*[":
        assert all(found[at - 1] == "\\" for at, c in enumerate(found) if c == sign)


@given(st.floats(0, 1e8))
def test_lengths_are_read_in_two_units_at_most(seconds: float) -> None:
    assert len(length(seconds).split()) in (2, 4)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (125, "2 min 5 s"), (7500, "2 h 5 min"), (30 * 86_400, "30 d")],
)
def test_lengths_in_words(seconds: float, told: str) -> None:
    assert length(seconds) == told


def test_shares_in_words() -> None:
    assert [percent(share) for share in (0.15584, 0.002041, -4.53, 0)] == ["15.6 %", "0.204 %", "-453 %", "0 %"]
