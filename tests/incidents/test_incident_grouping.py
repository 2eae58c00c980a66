"""Which pages are one incident, and how it stands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import KitError
from kit.incidents import JOIN_S, QUIET_S, REOPEN_S, Act, Inbox, Incident, Page
from kit.incidents.grouping import choose, service_of, stand
from tests.incidents.conftest import T0, page

FAST, SLOW = "shop-checkout-availability-page-fast", "shop-checkout-availability-page-slow"


def told(inbox: Inbox, *pages: Page) -> list[Incident]:
    for each in pages:
        inbox.receive(each)
    return inbox.incidents(max(each.at for each in pages))


@pytest.mark.parametrize(
    ("alarm", "service"),
    [("practice-shop-checkout-availability-ticket", "shop"), ("payments", "payments"), ("practice-", ""), ("", "")],
)
def test_the_service_is_the_name_up_to_the_first_dash(alarm: str, service: str) -> None:
    assert service_of(alarm) == service


def test_pages_of_one_service_are_one_incident(inbox: Inbox) -> None:
    (found,) = told(inbox, page(FAST), page(SLOW, 200), page("shop-canary-failing", 400))
    assert found.pages == 3
    assert found.title == f"{FAST} and 2 more"


def test_what_breaks_at_the_same_time_is_one_incident_and_what_breaks_later_is_not(inbox: Inbox) -> None:
    assert len(told(inbox, page(FAST), page("payments-down", JOIN_S - 1))) == 1
    assert len(told(inbox, page("search-down", 2 * JOIN_S))) == 2


def test_an_old_incident_swallows_no_news_of_another_alarm(inbox: Inbox) -> None:
    """A ticket that stands for days must not hide what happens meanwhile."""
    found = told(inbox, page("shop-memory-slope", severity="ticket"), page(FAST, REOPEN_S + 1))
    assert [each.title for each in found] == [FAST, "shop-memory-slope"]


def test_a_page_opens_an_acknowledged_ticket_again(inbox: Inbox) -> None:
    inbox.receive(page("shop-memory-slope", severity="ticket"))
    assert inbox.act(1, Act(T0 + 60, "Ada", "ack")).state == "acknowledged"
    (found,) = told(inbox, page(FAST, 120))
    assert (found.state, found.severity, found.reopened) == ("open", "page", 1)
    (found,) = (inbox.act(1, Act(T0 + 150, "Ada", "ack")),)
    assert (found.state, found.time_to_acknowledge_s) == ("acknowledged", 60)
    (found,) = told(inbox, page(SLOW, 180))
    assert found.state == "acknowledged", "who has the page has its second alarm too"


def test_an_incident_ends_by_itself_once_all_its_alarms_were_ok_for_a_while(inbox: Inbox) -> None:
    told(inbox, page(FAST), page(SLOW, 10), page(FAST, 60, "OK"), page(SLOW, 90, "OK"))
    (before,) = inbox.incidents(T0 + 90 + QUIET_S - 1)
    (after,) = inbox.incidents(T0 + 90 + QUIET_S)
    assert before.state == "open"
    assert (after.state, after.resolved, after.resolved_by) == ("resolved", T0 + 90 + QUIET_S, "kit")
    assert after.timeline[-1].text == "all alarms have been OK for 5 min"


def test_while_one_alarm_stands_nothing_ends_by_itself(inbox: Inbox) -> None:
    told(inbox, page(FAST), page(SLOW, 10), page(FAST, 60, "OK"))
    (found,) = inbox.incidents(T0 + 9 * QUIET_S)
    assert found.state == "open"


def test_a_later_page_opens_it_again_for_a_while_and_then_is_a_new_one(inbox: Inbox) -> None:
    told(inbox, page(FAST), page(FAST, 60, "OK"))
    ended = 60 + QUIET_S
    (found,) = told(inbox, page(FAST, ended + REOPEN_S - 1))
    assert (found.id, found.state, found.reopened) == (1, "open", 1)
    inbox.act(1, Act(T0 + ended + REOPEN_S, "Ada", "resolve"))
    found_later = told(inbox, page(FAST, ended + 2 * REOPEN_S + 2))
    assert [each.id for each in found_later] == [2, 1]


def test_bursts_are_one_incident_with_as_many_pages_as_changes(inbox: Inbox) -> None:
    """Flapping: 30 s of errors every two minutes for half an hour."""
    for burst in range(15):
        inbox.receive(page(FAST, 120 * burst))
        if burst == 0:
            inbox.act(1, Act(T0 + 20, "Ada", "ack"))
        inbox.receive(page(FAST, 120 * burst + 40, "OK"))
    (found,) = inbox.incidents(T0 + 1800)
    assert (found.pages, found.state, found.reopened, found.time_to_acknowledge_s) == (15, "acknowledged", 0, 20)


def test_an_ok_that_overtakes_its_alarm_is_not_forgotten(inbox: Inbox) -> None:
    assert inbox.receive(page(FAST, 60, "OK")) is None
    assert inbox.receive(page(FAST, 0)) == 1
    (found,) = inbox.incidents(T0 + 61)
    assert found.alarms == {FAST: "OK"}


def test_the_same_message_and_the_same_change_count_once(inbox: Inbox) -> None:
    first = page(FAST, severity="ticket")
    assert [inbox.receive(first), inbox.receive(first), inbox.receive(page(FAST, 0.4))] == [1, 1, 1]
    (found,) = inbox.incidents(T0)
    assert (found.pages, found.severity) == (1, "page")


def test_a_clock_that_is_behind_does_not_put_the_answer_before_the_page(inbox: Inbox) -> None:
    inbox.receive(page(FAST, 3))
    assert inbox.act(1, Act(T0, "Ada", "resolve")).state == "resolved"


def test_who_acknowledges_a_resolved_or_unknown_incident_is_told(inbox: Inbox) -> None:
    inbox.receive(page(FAST))
    inbox.act(1, Act(T0 + 1, "Ada", "resolve"))
    with pytest.raises(KitError, match="resolved already"):
        inbox.act(1, Act(T0 + 2, "Ada", "ack"))
    with pytest.raises(KitError, match="none of this number"):
        inbox.act(2, Act(T0 + 2, "Ada", "ack"))


alarms = st.sampled_from([FAST, SLOW, "payments-down", "search-down"])
flaps = st.lists(st.tuples(alarms, st.integers(0, 5_000), st.sampled_from(["ALARM", "OK"])), min_size=1, max_size=12)


@given(flaps)
@settings(max_examples=10, deadline=None)
def test_every_alarm_is_in_exactly_one_incident_and_none_is_lost(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, str]]
) -> None:
    inbox = Inbox(tmp_path_factory.mktemp("inbox"), "local")
    pages = {(alarm, at // 5): page(alarm, at // 5 * 5, state) for alarm, at, state in changes}
    for each in pages.values():
        inbox.receive(each)
    found = inbox.incidents(T0 + 10_000)
    assert sum(each.pages for each in found) == sum(each.state == "ALARM" for each in pages.values())
    assert all(each.pages for each in found)


@given(st.lists(st.tuples(alarms, st.integers(0, 280), st.sampled_from(["ALARM", "OK"])), max_size=9), st.randoms())
@settings(max_examples=10, deadline=None)
def test_what_happened_within_the_window_is_one_incident_however_it_came_in(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, str]], dice: random.Random
) -> None:
    pages = [page(FAST), *{(a, at // 5): page(a, at // 5 * 5 + 6, state) for a, at, state in changes}.values()]
    shuffled = dice.sample(pages, len(pages))
    inbox = Inbox(tmp_path_factory.mktemp("inbox"), "local")
    for each in shuffled:
        inbox.receive(each)
    (found,) = inbox.incidents(T0 + 300)
    expected = stand(1, [each for each in pages if inbox.receive(each) is not None], (), T0 + 300)
    assert (found.opened, found.pages, found.state) == (expected.opened, expected.pages, expected.state)
    assert found.opened == min(each.at for each in pages if each.state == "ALARM")


@given(st.lists(st.floats(0, 3600), max_size=8), st.lists(st.floats(0, 3600), max_size=8))
def test_an_incident_is_resolved_at_a_time_only_while_it_is_resolved(up: list[float], acks: list[float]) -> None:
    pages = [page(FAST), *(page(FAST, at, "OK" if number % 2 else "ALARM") for number, at in enumerate(sorted(up)))]
    found = stand(1, pages, [Act(T0 + at, "Ada", "ack") for at in acks], T0 + 4000)
    assert (found.resolved is not None) == (found.state == "resolved")
    assert list(found.timeline) == sorted(found.timeline, key=lambda entry: entry.at)
    assert found.state != "acknowledged" or found.time_to_acknowledge_s is not None


def test_no_incident_takes_a_page_when_there_is_none(tmp_path: Path) -> None:
    assert choose(page(FAST), []) is None
