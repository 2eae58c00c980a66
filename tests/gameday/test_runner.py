"""A run over a world of fakes, with a clock that the test moves: the journal, the verdict, and taking back always."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday.course import Course
from kit.gameday.journal import Journal
from kit.gameday.runner import exit_code
from kit.gameday.watch import Change, Sent

START = 1_800_000_000.0


def _change(at: float, alarm: str, old: str, new: str, known_after: float = 2.0) -> tuple[float, Change]:
    return at + known_after, Change(START + at, f"practice-{alarm}", old, new, "because")


def _sent(at: float, alarm: str) -> tuple[float, Sent]:
    return at + 2.0, Sent(START + at, f"practice-{alarm}", "page")


@pytest.fixture
def world(empty: Any) -> Any:
    """A run as it should be."""
    return empty(
        alarms=[
            _change(150, "fast", "OK", "ALARM"),
            _sent(150.2, "fast"),
            _change(170, "slow", "OK", "ALARM"),
            _change(215, "fast", "ALARM", "OK"),
            _sent(215.1, "fast"),
        ]
    )


def kinds(journal: Journal) -> list[str]:
    return [line.kind for line in journal.lines()]


def test_a_run_as_expected_is_written_down_from_start_to_end(scenario: Scenario, world: Any, journal: Journal) -> None:
    verdict = world.runner(scenario, journal).run({"stage": "local"})
    assert verdict.good
    assert exit_code(verdict) == 0
    assert verdict.detected == 90
    assert verdict.pages == 1
    assert kinds(journal) == [
        *("run.started", "preflight.checked", "load.started", "fault.set", "alarm.changed", "page.sent"),
        *("alarm.changed", "fault.lifted", "alarm.changed", "load.changed", "rollback", "run.ended"),
    ]
    assert [line.seq for line in journal.lines()] == list(range(1, 13))


def test_each_line_names_what_it_follows_from(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.runner(scenario, journal).run({})
    causes = {line.seq: (line.kind, line.cause) for line in journal.lines()}
    assert causes[5] == ("alarm.changed", 4)
    assert causes[6] == ("page.sent", 5)
    assert causes[8] == ("fault.lifted", 4)
    assert causes[9] == ("alarm.changed", 8)
    assert causes[12] == ("run.ended", 1)


def test_times_are_those_of_the_events_and_not_of_their_discovery(
    scenario: Scenario, world: Any, journal: Journal
) -> None:
    world.alarms = [_change(150, "fast", "OK", "ALARM", known_after=40), _sent(150, "fast")]
    verdict = world.runner(scenario, journal).run({})
    assert verdict.rows[0].fired == 90


@pytest.mark.parametrize(
    ("alarms", "wrong"),
    [
        ([], ["did not fire", "did not fire, told nobody", "0 pages sent"]),
        ([_change(194, "fast", "OK", "ALARM"), _sent(194, "fast")], ["fired after 134 s"]),
        ([_change(90, "other", "OK", "ALARM")], ["fired 1 time"]),
        ([_sent(171, "slow")], ["told someone", "2 pages sent"]),
        ([_change(30, "other", "OK", "ALARM")], ["fired 1 time"]),
    ],
    ids=["nothing fires", "too late", "one too many", "told though held back", "before the fault"],
)
def test_what_differs_is_told_and_exits_with_2(
    scenario: Scenario, world: Any, journal: Journal, alarms: list, wrong: list[str]
) -> None:
    usual = [] if not alarms or "fast" in alarms[0][1].alarm else world.alarms
    world.alarms = sorted([*usual, *alarms], key=lambda pair: pair[0])
    if alarms and "fast" in alarms[0][1].alarm:
        world.alarms += [_change(195, "slow", "OK", "ALARM")]
    verdict = world.runner(scenario, journal).run({})
    assert exit_code(verdict) == 2
    found = [row.found for row in verdict.rows if not row.good]
    assert len(found) == len(wrong)
    assert all(text in one for text, one in zip(wrong, found, strict=True))


def test_an_ok_message_is_no_page(scenario: Scenario, world: Any, journal: Journal) -> None:
    assert world.runner(scenario, journal).run({}).pages == 1


def test_a_preflight_that_fails_breaks_nothing_and_still_takes_back(
    scenario: Scenario, world: Any, journal: Journal
) -> None:
    def fails() -> list:
        raise KitError("preflight, quiet", "in ALARM: x")

    world.preflight = fails
    with pytest.raises(KitError, match="preflight, quiet"):
        world.runner(scenario, journal).run({})
    assert world.begun is None
    assert world.taken_back == [0]
    assert kinds(journal) == ["run.started", "rollback", "run.ended"]
    assert journal.lines()[-1].data == {
        "outcome": "failed", "exit": 1, "error": "preflight, quiet: in ALARM: x"
    }  # fmt: skip


def test_a_stop_ends_locust_and_takes_back_without_a_verdict(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.stop_at = 100
    verdict = world.runner(scenario, journal).run({})
    assert verdict.outcome == "unfinished"
    assert exit_code(verdict) == 1
    assert world.stopped == 1
    assert world.taken_back == [40]


def test_a_locust_that_dies_is_an_error_with_its_last_words(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.ends, world.code = 100.0, -9
    with pytest.raises(KitError, match="Locust: ended with exit code -9: it said so"):
        world.runner(scenario, journal).run({})
    assert world.taken_back == [40]


def test_a_locust_that_never_ends_is_ended(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.ends = None
    with pytest.raises(KitError, match="goes on after its schedule's end"):
        world.runner(scenario, journal).run({})
    assert world.stopped == 1
    assert world.taken_back == [40]


def test_aws_may_be_away_for_a_while(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.deaf = (140, 190)
    assert world.runner(scenario, journal).run({}).good
    assert kinds(journal).count("note") == 1


@given(st.floats(0, 260))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whenever_our_own_mistake_strikes_everything_is_taken_back(
    scenario: Scenario, empty: Any, tmp_path_factory: pytest.TempPathFactory, at: float
) -> None:
    folder = tmp_path_factory.mktemp("run")
    world = empty(breaks_at=at)
    with pytest.raises((RuntimeError, KitError)):
        world.runner(scenario, Journal(folder, "run")).run({})
    assert world.taken_back == [40]
    assert Journal(folder, "run").lines()[-1].kind == "run.ended"


def test_a_report_of_the_journal_gives_the_verdict_again(scenario: Scenario, world: Any, journal: Journal) -> None:
    verdict = world.runner(scenario, journal).run({})
    assert Course(scenario, "practice-", journal.lines()).verdict() == verdict


def test_the_course_knows_what_comes_next(scenario: Scenario, world: Any, journal: Journal) -> None:
    world.stop_at = 100
    world.runner(scenario, journal).run({})
    course = Course(scenario, "practice-", [line for line in journal.lines() if line.kind != "run.ended"])
    assert course.active == ["payment-errors"]
    step, left = course.next_step(world.now - world.since + 100) or (None, None)
    assert str(step) == "lift payment-errors"
    assert left == 100
