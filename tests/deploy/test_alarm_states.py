"""The alarms as a tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kit.deploy.states import AlarmNow, as_tree


def alarm(name: str, *children: str) -> AlarmNow:
    return AlarmNow(name, "OK", datetime(2026, 11, 22, tzinfo=UTC), "", children, bool(children))


def tree(*alarms: AlarmNow) -> list[tuple[int, str]]:
    return [(depth, one.name) for depth, one in as_tree(alarms)]


def test_children_stand_below_their_composite() -> None:
    assert tree(alarm("a"), alarm("b", "c", "d"), alarm("c"), alarm("d", "e"), alarm("e")) == [
        (0, "a"),
        (0, "b"),
        (1, "c"),
        (1, "d"),
        (2, "e"),
    ]


def test_a_child_of_two_composites_stands_below_both() -> None:
    assert tree(alarm("a", "c"), alarm("b", "c"), alarm("c")) == [(0, "a"), (1, "c"), (0, "b"), (1, "c")]


def test_a_child_that_was_deleted_is_left_out() -> None:
    assert tree(alarm("a", "gone")) == [(0, "a")]


def test_composites_in_a_ring_do_not_vanish() -> None:
    assert tree(alarm("a", "b"), alarm("b", "a")) == [(0, "a"), (0, "b")]


def test_what_only_holds_others_back_comes_last_and_is_no_root() -> None:
    page, ticket = alarm("page", "child"), replace(alarm("ticket", "other"), suppressor="the-suppressor", tells=True)
    suppressor = alarm("the-suppressor", "page", "canary")
    assert tree(page, alarm("child"), alarm("other"), suppressor, ticket) == [
        (0, "page"),
        (1, "child"),
        (0, "ticket"),
        (1, "other"),
        (0, "the-suppressor"),
    ]


def test_an_alarm_that_tells_somebody_is_a_root_although_it_holds_others_back() -> None:
    page = replace(alarm("page", "child"), tells=True)
    assert tree(page, alarm("child"), replace(alarm("ticket"), suppressor="page"))[0] == (0, "page")
