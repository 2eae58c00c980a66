"""The virtual timeline and the embedded CloudWatch are two ways to the same evaluator: they must agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.backtest.timeline import Timeline
from kit.definitions.cases import STARTS, CaseFile
from kit.definitions.cases_notation import write_values
from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.operations import put_composite_alarm, put_metric_alarm
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.protocol import Context

PAGE = "ALARM(errors) OR ALARM(other)"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:page"


@st.composite
def alarms(draw: st.DrawFn, name: str, period_choices: tuple[int, ...] = (10, 20, 30, 60, 120, 300)) -> dict[str, Any]:
    periods = draw(st.integers(1, 4))
    return {
        "AlarmName": name,
        "Namespace": "App",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": draw(st.sampled_from(period_choices)),
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": draw(st.integers(1, periods)),
        "Threshold": draw(st.integers(0, 30)),
        "ComparisonOperator": draw(st.sampled_from(["GreaterThanThreshold", "LessThanOrEqualToThreshold"])),
        "TreatMissingData": draw(st.sampled_from(["missing", "ignore", "breaching", "notBreaching"])),
    }


VALUES = st.lists(st.none() | st.integers(0, 12), min_size=40, max_size=90)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=120, deadline=None
)
@given(alarms("errors"), alarms("other"), VALUES, VALUES)
def test_both_see_the_same_changes_at_the_same_moments(
    read: Callable[..., Any],
    errors_alarm: dict[str, Any],
    other: dict[str, Any],
    first: list[float | None],
    second: list[float | None],
) -> None:
    requests = [errors_alarm, other]
    page = {"AlarmName": "page", "AlarmRule": PAGE}
    given_values = {"errors": first, "other": second}
    case = {
        "name": "any",
        "interval": "10s",
        "series": [{"metric": f"App/{name}", "values": write_values(values)} for name, values in given_values.items()],
        "expect": [{"alarm": "page", "never": "INSUFFICIENT_DATA"}],
    }
    file = read([*requests, page], [case])
    assert isinstance(file, CaseFile), file
    tracks = Timeline(file.cases[0], file.alarms["production"]).run()
    lived, _ = live(requests, page, given_values, file.cases[0].lasts)
    for name in ("errors", "other"):
        assert [(change.moment, change.state) for change in tracks[name].changes] == lived[name]
    # A composite begins at once there, and here when all below it were evaluated; from then on they go together.
    begun = tracks["page"].first
    if begun is not None:
        later = [change for change in lived["page"] if change[0] > begun]
        assert [(c.moment, c.state) for c in tracks["page"].changes if c.moment > begun] == later


SHORT = (10, 20, 30)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=120, deadline=None
)
@given(alarms("errors", SHORT), alarms("other", SHORT), VALUES, VALUES, st.integers(0, 9), st.integers(0, 9))
def test_both_take_the_same_actions_beside_a_suppressor(
    read: Callable[..., Any],
    errors_alarm: dict[str, Any],
    other: dict[str, Any],
    first: list[float | None],
    second: list[float | None],
    wait: int,
    extension: int,
) -> None:
    requests = [errors_alarm, other]
    page: dict[str, Any] = {"AlarmName": "page", "AlarmRule": "ALARM(errors)"}
    page |= {"AlarmActions": [TOPIC], "OKActions": [TOPIC]}
    page |= {"ActionsSuppressor": "other", "ActionsSuppressorWaitPeriod": 10 * wait}
    page |= {"ActionsSuppressorExtensionPeriod": 10 * extension}
    given_values = {"errors": first, "other": second}
    case = {
        "name": "any",
        "interval": "10s",
        "series": [{"metric": f"App/{name}", "values": write_values(values)} for name, values in given_values.items()],
        "expect": [{"alarm": "page", "never": "INSUFFICIENT_DATA"}],
    }
    file = read([*requests, page], [case])
    assert isinstance(file, CaseFile), file
    tracks = Timeline(file.cases[0], file.alarms["production"]).run()
    _, acted = live(requests, page, given_values, file.cases[0].lasts)
    assert tracks["page"].actions == acted


def live(
    requests: list[dict[str, Any]], page: dict[str, Any], values: dict[str, list[float | None]], lasts: int
) -> tuple[dict[str, list[tuple[int, str]]], list[tuple[int, str]]]:
    """The same in the embedded CloudWatch: data as it arrives, and the clock a second past each tick.

    The changes of each alarm, and the actions of all, as moments with the state.
    """
    acted: list[tuple[int, str]] = []
    clock = ManualClock(STARTS + 1)  # a second later, for the evaluation at 0 is over then

    def told(_topic: str, _subject: str, message: str) -> None:
        acted.append((int(clock.now()) - STARTS - 1, json.loads(message)["NewStateValue"]))

    engine = Engine("eu-west-1", "123456789012", clock, told, background=False)
    context = Context(engine.region, engine.account, clock, "test")
    for request in requests:
        put_metric_alarm.handle(engine, dict(request), context)
    put_composite_alarm.handle(engine, dict(page), context)
    lived: dict[str, list[tuple[int, str]]] = {name: [(0, "INSUFFICIENT_DATA")] for name in ("errors", "other", "page")}
    for tick in range(0, lasts, 10):
        for name, series in values.items():
            value = series[tick // 10] if tick // 10 < len(series) else None
            if value is not None:
                engine.record([Datum("App", name, (), STARTS + tick, None, 1, (value,), (1.0,))])
        clock.advance(STARTS + tick + 11 - clock.now())
        engine.run_due(clock.now())
        for name, line in lived.items():
            alarm = engine.alarms.get(name)
            assert alarm is not None
            if alarm.state.value != line[-1][1]:
                line.append((tick + 10, alarm.state.value))
    engine.close()
    return lived, acted
