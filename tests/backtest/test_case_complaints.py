"""What is wrong with a file of cases: a line each, naming the file, the place and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Complaints = Callable[..., list[str]]
GOOD: dict[str, Any] = {
    "name": "a",
    "series": [{"metric": "App/Errors", "values": "0x5"}],
    "expect": [{"alarm": "errors", "stays": "OK"}],
}
SERIES = "/cases/0/series/0"
EXPECT = "/cases/0/expect/0"


def series(**more: Any) -> dict[str, Any]:
    return GOOD | {"series": [{"metric": "App/Errors", "values": "0x5"} | more]}


def expect(**claim: Any) -> dict[str, Any]:
    return GOOD | {"expect": [{"alarm": "errors"} | claim]}


def without(entry: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


@pytest.mark.parametrize(
    ("case", "place", "told"),
    [
        (GOOD | {"intervall": "10s"}, "/cases/0/intervall", "not a known key. Did you mean interval?"),
        (GOOD | {"interval": "10 s"}, "/cases/0/interval", "must be a duration such as '10s'"),
        (GOOD | {"interval": "0s"}, "/cases/0/interval", "must be a second or more"),
        (GOOD | {"kind": "fires"}, "/cases/0/kind", '"fires" is not known. Use one of firing, quiet, missing.'),
        (GOOD | {"lasts": "40d"}, "/cases/0", "lasts 40d; 35d is the most"),
        (GOOD | {"starts": "2026-02-30T00:00:00Z"}, "/cases/0/starts", "is no moment"),
        (GOOD | {"starts": "2026-02-03T00:00:07Z"}, "/cases/0/starts", "must be a whole minute"),
        (without(GOOD, "series"), "/cases/0", "its length is unknown. Set lasts:"),
        (without(GOOD, "expect"), "/cases/0", "expect is missing. Add expect"),
        (GOOD | {"expect": []}, "/cases/0/expect", "is empty. Give a list of expectations."),
        (series(values="1 2x"), f"{SERIES}/values", "column 3: '2x' is no term"),
        (series(values=""), f"{SERIES}/values", "is empty"),
        (series(values=5), f"{SERIES}/values", "put numbers in quotes; it is 5"),
        (series(samples=[[1]]), SERIES, "exactly one of values and samples"),
        (series(stat="p101"), f"{SERIES}/stat", "p101"),
        (series(stat="Average"), SERIES, "gives its Average, and errors reads its Sum. Add stat: Sum"),
        (series(metric="Errors"), f"{SERIES}/metric", "must be Namespace/Name"),
        (series(metric="App/Error"), f"{SERIES}/metric", "no alarm reads App/Error. Did you mean App/Errors?"),
        (series(dimensions={"Host": "a"}), f"{SERIES}/dimensions", "the dimensions Host: a. They read none."),
        (series(dimensions={"Port": 80}), f"{SERIES}/dimensions/Port", "put numbers in quotes"),
        (GOOD | {"series": GOOD["series"] * 2}, "/cases/0/series/1", "Errors is given twice"),
        (expect(), EXPECT, "expects nothing: one of becomes, stays, never, is, states is needed"),
        (expect(stays="OK", never="ALARM"), EXPECT, "has stays and never: one of"),
        (expect(stays="FINE"), f"{EXPECT}/stays", '"FINE" is not known'),
        (expect(**{"is": "OK"}), EXPECT, "'is' needs 'at' beside it. Add at"),
        (expect(at="1m", **{"is": "OK"}, between=["0", "1m"]), f"{EXPECT}/between", "belongs to becomes, stays, never"),
        (expect(at="6m", **{"is": "OK"}), f"{EXPECT}/at", "6m is after the case's end, which is at 5m"),
        (expect(becomes="OK", between=["3m", "2m"]), f"{EXPECT}/between", "3m is after 2m"),
        (expect(becomes="OK", between=["3m"]), f"{EXPECT}/between", "the first and the last moment"),
        (expect(states="I OK"), f"{EXPECT}/states", "has 2 states; from 0 to 5m, every 1m, there are 6"),
        (expect(states="I OKx4 NO"), f"{EXPECT}/states", "column 8: 'NO' is no state"),
        (expect(actions=-1), f"{EXPECT}/actions", "must be how many times its actions ran"),
        (expect(stays="OK", alarm="error"), f"{EXPECT}/alarm", "defines error. Did you mean errors?"),
        (GOOD | {"interval": "5s"}, EXPECT, "the case lasts 25s, and errors is first evaluated at 1m"),
    ],
)
def test_each_mistake_in_a_case_is_one_line_with_its_place(
    complaints: Complaints, errors: dict[str, Any], case: dict[str, Any], place: str, told: str
) -> None:
    (found,) = complaints([errors], [case])
    assert found.startswith(f"cases.yaml#{place}: line ")
    assert told in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("alarms: [", "line 1, column 10"),
        ("- a", "must be"),
        ("alarms: ['*.json']\nalarms: []\n", "line 2: the key 'alarms' is written twice"),
        ("? [a]\n: b\n", "a key must be a text"),
        ("alarms: &a [*a]\ncases: []\n", "within itself"),
        ("alarms: ['*.json']\ncases: !!python/object:os.system {}\n", "line 2"),
        ("a: 1\n---\nb: 2\n", "line 2"),
        ("alarms: [nothing/*.json]\ncases: [{name: a, lasts: 5m, expect: [{alarm: b}]}]", "matches no file"),
        ("cases: [{name: a, lasts: 5m, expect: [{alarm: b}]}]", "alarms is missing"),
    ],
)
def test_a_file_that_is_none_is_told_and_not_a_traceback(
    complaints: Complaints, errors: dict[str, Any], text: str, told: str
) -> None:
    found = complaints([errors], text)
    assert any(told in line and line.startswith("cases.yaml") for line in found), found


def test_everything_wrong_is_told_at_once(complaints: Complaints, errors: dict[str, Any]) -> None:
    found = complaints([errors | {"Period": 7}], [series(values="x"), GOOD | {"name": 5}])
    assert len(found) == 2
    found = complaints([errors], [series(values="x"), GOOD | {"name": "b", "starts": "2026-13-01T00:00:00Z"}])
    assert len(found) == 2


def test_a_glob_that_is_none_matches_nothing(complaints: Complaints, errors: dict[str, Any]) -> None:
    (found,) = complaints([errors], {"alarms": ["a**"], "cases": [GOOD]})
    assert found == "cases.yaml#/alarms/0: line 2: a** matches no file. It is looked for from ./."


def test_a_metrics_name_may_hold_a_slash(read: Any, errors: dict[str, Any]) -> None:
    file = read([errors | {"MetricName": "GET /items"}], [series(metric="App/GET /items")])
    assert file.cases[0].series[0].metric.name == "GET /items"


def test_two_cases_need_two_names(complaints: Complaints, errors: dict[str, Any]) -> None:
    (found,) = complaints([errors], [GOOD, GOOD])
    assert "/cases/1/name: line" in found
    assert "'a' is the name of two cases" in found


def test_what_is_wrong_with_an_alarm_names_its_own_file(complaints: Complaints, errors: dict[str, Any]) -> None:
    page = {"AlarmName": "page", "AlarmRule": "ALARM(gone)"}
    (found,) = complaints([errors | {"Perod": 60}], [GOOD])
    assert found == "errors.json#/Perod: Perod is not a key that AWS knows here. Did you mean Period?"
    (found,) = complaints([errors, page], [GOOD | {"expect": [{"alarm": "page", "stays": "OK"}]}])
    assert found.startswith("page.json#/AlarmRule: reads gone, which no file under alarms: of the cases defines")
    ring = [{"AlarmName": name, "AlarmRule": f"ALARM({other})"} for name, other in [("page", "b"), ("b", "page")]]
    (found,) = complaints([errors, *ring], [GOOD | {"expect": [{"alarm": "b", "stays": "OK"}]}])
    assert "waits for itself" in found


def test_an_alarm_of_a_kind_that_cant_be_evaluated_matters_only_to_a_case_about_it(
    read: Any, complaints: Complaints, errors: dict[str, Any]
) -> None:
    prom = {"AlarmName": "prom", "EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}, "EvaluationInterval": 60}
    assert not isinstance(read([errors, prom], [GOOD]), list)
    (found,) = complaints([errors, prom], [GOOD | {"expect": [{"alarm": "prom", "stays": "OK"}]}])
    assert (
        found
        == "prom.json: EvaluationCriteria: PromQL alarms are not available here. Leave the alarm out of the cases."
    )


def test_a_percentile_over_many_intervals_needs_samples(complaints: Complaints, errors: dict[str, Any]) -> None:
    slow = without(errors, "Statistic") | {"ExtendedStatistic": "p99", "Period": 300}
    (found,) = complaints([slow], [series(stat="p99.0")])
    assert "errors reads its p99 over 5m, which those of 1m can't tell. Give samples: instead." in found
    (found,) = complaints([slow | {"Period": 60, "EvaluateLowSampleCountPercentile": "ignore"}], [series(stat="p99")])
    assert "looks at how many samples there are" in found


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "alarms", "cases", "metric", "values", "samples", "alarm"]), inner)
    ),
    max_leaves=8,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
@given(JSONISH, st.sampled_from(["name", "series", "expect", "interval", "lasts", "starts", "kind"]))
def test_no_content_makes_the_reading_fail(read: Any, errors: dict[str, Any], content: Any, key: str) -> None:
    read([errors], {"alarms": ["*.json"], "cases": [GOOD | {key: content}]})
    read([errors], {"alarms": content, "cases": content})
