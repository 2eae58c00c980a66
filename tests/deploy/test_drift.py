"""Three sides: git, live, and what was last applied. A hand edit of each field is found, and only it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions, read
from kit.definitions.members import OUTPUT_ONLY
from kit.deploy.apply import apply
from kit.deploy.calls import Caller
from kit.deploy.drift import Finding, drift
from kit.deploy.live import Live, LiveDashboard, Wanted, read_live
from kit.deploy.ownership import Owner
from kit.deploy.plan import plan

Kit = Callable[..., tuple[int, str, str]]
OWNER = Owner("shop", "staging")
ROOT = Path(__file__).parents[2]


def findings(definitions: Definitions, live: Live) -> tuple[Finding, ...]:
    return tuple(drift(plan(definitions, live, OWNER), live, OWNER, {}))


def applied(definitions: Definitions) -> Live:
    """What would be live after apply, as the API shows it."""
    alarms, composites, boards = {}, {}, {}
    for change in plan(definitions, Live(), OWNER):
        tags = [{"Key": key, "Value": value} for key, value in change.tags.items()]
        if change.kind == "dashboard":
            boards[change.name] = LiveDashboard(f"arn:…/{change.name}", change.wanted, change.tags)
        else:
            place = composites if change.kind == "composite" else alarms
            place[change.name] = {**change.wanted, "AlarmArn": f"arn:…:{change.name}", "Tags": tags}
    return Live(alarms, composites, boards, composites, prefixes=("shop-",))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each scalar in a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from leaves(inner, (*path, key))
    if not isinstance(value, dict | list):
        yield path


def edited(value: Any, path: tuple[str | int, ...]) -> Any:
    """A copy with another scalar at ``path``."""
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int | float) else f"{old}x"
    return changed


def test_what_was_just_applied_is_in_step() -> None:
    assert findings(read(ROOT), applied(read(ROOT))) == ()


def test_an_edit_of_any_value_of_a_shipped_alarm_or_dashboard_is_found_and_only_it() -> None:
    definitions = read(ROOT)
    live = applied(definitions)
    edits = 0
    for name, board in live.dashboards.items():
        for path in random.Random(name).sample(sorted(leaves(board.body), key=str), 40):
            body = edited(board.body, path)
            (found,) = findings(
                Definitions(dashboards=tuple(one for one in definitions.dashboards if one.name == name)),
                Live(dashboards={name: LiveDashboard(board.arn, body, board.tags)}),
            )
            assert (found.status, found.name) == ("edited", name)
            assert [(one.difference.path, one.by) for one in found.fields] == [("/" + "/".join(map(str, path)), "hand")]
            edits += 1
    chosen = [definitions.alarms[0], definitions.alarms[-1]]
    for alarm in chosen:
        for path in leaves(alarm.request):
            if path[0] in ("Tags", "AlarmName") or path[-1] in ("Id", "Name"):
                continue
            shown = {**live.alarms[alarm.name], **edited(alarm.request, path), "Tags": live.alarms[alarm.name]["Tags"]}
            (found,) = findings(Definitions(alarms=(alarm,)), Live(alarms={alarm.name: shown}))
            assert found.status == "edited"
            assert len(found.fields) == 1, path
            assert found.fields[0].difference.path.split("/")[1] == path[0]
            edits += 1
    assert edits > 100


EDITS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("shop-plain", {"AlarmDescription": "other"}, ["/AlarmDescription"]),
    ("shop-plain", {"ActionsEnabled": True}, ["/ActionsEnabled"]),
    ("shop-plain", {"AlarmActions": []}, ["/AlarmActions"]),
    ("shop-plain", {"OKActions": []}, ["/OKActions"]),
    ("shop-plain", {"InsufficientDataActions": []}, ["/InsufficientDataActions"]),
    ("shop-plain", {"MetricName": "Other"}, ["/MetricName"]),
    ("shop-plain", {"Namespace": "Other"}, ["/Namespace"]),
    ("shop-plain", {"Dimensions": []}, ["/Dimensions/Environment"]),
    ("shop-plain", {"ExtendedStatistic": "p95"}, ["/ExtendedStatistic"]),
    ("shop-plain", {"EvaluateLowSampleCountPercentile": "evaluate"}, ["/EvaluateLowSampleCountPercentile"]),
    ("shop-plain", {"Period": 300}, ["/Period"]),
    ("shop-plain", {"Unit": "Seconds"}, ["/Unit"]),
    ("shop-plain", {"EvaluationPeriods": 4}, ["/EvaluationPeriods"]),
    ("shop-plain", {"DatapointsToAlarm": 3}, ["/DatapointsToAlarm"]),
    ("shop-plain", {"Threshold": 1.5}, ["/Threshold"]),
    ("shop-plain", {"ComparisonOperator": "LessThanThreshold"}, ["/ComparisonOperator"]),
    ("shop-plain", {"TreatMissingData": "ignore"}, ["/TreatMissingData"]),
    ("shop-maths", {"Metrics": ("0", "Expression", "m / 3")}, ["/Metrics/e/Expression"]),
    ("shop-maths", {"Metrics": ("0", "Label", "third")}, ["/Metrics/e/Label"]),
    ("shop-maths", {"Threshold": 0.25}, ["/Threshold"]),
    ("shop-both", {"AlarmRule": "ALARM(shop-plain) OR ALARM(shop-maths)"}, ["/AlarmRule"]),
    ("shop-both", {"ActionsSuppressor": "shop-maths"}, ["/ActionsSuppressor"]),
    ("shop-both", {"ActionsSuppressorWaitPeriod": 61}, ["/ActionsSuppressorWaitPeriod"]),
    ("shop-both", {"ActionsSuppressorExtensionPeriod": 61}, ["/ActionsSuppressorExtensionPeriod"]),
    ("shop-both", {"ActionsEnabled": False}, ["/ActionsEnabled"]),
    ("shop-both", {"AlarmActions": []}, ["/AlarmActions"]),
]


def put(cloudwatch: Any, alarm: dict[str, Any]) -> None:
    request = {key: value for key, value in alarm.items() if key not in OUTPUT_ONLY}
    (cloudwatch.put_composite_alarm if "AlarmRule" in request else cloudwatch.put_metric_alarm)(**request)


def shown(cloudwatch: Any, name: str) -> dict[str, Any]:
    found = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarm: dict[str, Any] = (*found["MetricAlarms"], *found["CompositeAlarms"])[0]
    return alarm


def test_a_hand_edit_of_each_field_is_found_over_the_wire_and_only_it(small: Path, cloudwatch: Any) -> None:
    definitions = read(small)
    wanted = Wanted(definitions.alarm_names, frozenset({"board"}), ("shop-",))
    list(apply(plan(definitions, Live(), OWNER), cloudwatch, Caller()))
    assert findings(definitions, read_live(cloudwatch, wanted, Caller())) == ()
    for name, edit, paths in EDITS:
        before = shown(cloudwatch, name)
        change = dict(edit)
        if "Metrics" in edit:
            index, key, value = edit["Metrics"]
            change["Metrics"] = edited(before["Metrics"], (int(index), key))
            change["Metrics"][int(index)][key] = value
        put(cloudwatch, before | change)
        (found,) = findings(definitions, read_live(cloudwatch, wanted, Caller()))
        assert (found.status, found.name) == ("edited", name), edit
        assert [one.difference.path for one in found.fields] == paths
        assert {one.by for one in found.fields} == {"hand"}
        put(cloudwatch, before)
        assert findings(definitions, read_live(cloudwatch, wanted, Caller())) == ()
    arn = shown(cloudwatch, "shop-maths")["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "kit:owner", "Value": "someone"}])
    (found,) = findings(definitions, read_live(cloudwatch, wanted, Caller()))
    assert [(one.difference.path, one.by) for one in found.fields] == [("/Tags/kit:owner", "hand")]


def test_each_way_to_be_out_of_step_has_its_name(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage()

    def told() -> dict[str, str]:
        code, out, err = kit("drift", "--stage", "staging", "--json")
        assert err == ""
        found = {one["name"]: one["status"] for one in json.loads(out)["findings"]}
        assert code == (2 if found else 0)
        return found

    assert told() == {"shop-plain": "new", "shop-maths": "new", "shop-both": "new", "board": "missing"}
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    assert told() == {}
    maths, plain = small / "alarms" / "shop-maths.json", small / "alarms" / "shop-plain.json"
    maths.write_text(maths.read_text().replace("half", "a half"))
    assert told() == {"shop-maths": "behind"}
    put(cloudwatch, shown(cloudwatch, "shop-plain") | {"Threshold": 9})
    assert told() == {"shop-maths": "behind", "shop-plain": "edited"}
    plain.write_text(plain.read_text().replace('"Threshold": 1', '"Threshold": 2'))
    assert told() == {"shop-maths": "behind", "shop-plain": "both"}
    out = kit("drift", "--stage", "staging")[1]
    assert "/Threshold: live 9.0, git 2; moved by hand and in git" in out
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    cloudwatch.delete_alarms(AlarmNames=["shop-both"])
    foreign = shown(cloudwatch, "shop-plain") | {"AlarmName": "shop-by-hand"}
    put(cloudwatch, foreign)
    cloudwatch.untag_resource(ResourceARN=shown(cloudwatch, "shop-maths")["AlarmArn"], TagKeys=["kit:applied"])
    board_arn = "arn:aws:cloudwatch::123456789012:dashboard/board"
    cloudwatch.untag_resource(ResourceARN=board_arn, TagKeys=["kit:set"])
    plain.unlink()
    (small / "alarms" / "shop-both.json").write_text('{"AlarmName": "shop-both", "AlarmRule": "ALARM(shop-maths)"}')
    assert told() == {
        "shop-both": "deleted",
        "shop-by-hand": "unmanaged",
        "shop-maths": "unrecorded",
        "board": "foreign",
        "shop-plain": "removed",
    }
    assert "shop-both: deleted by hand (20" in kit("drift", "--stage", "staging")[1]


@pytest.mark.parametrize(("widgets", "paths"), [(1, ["/widgets/1", "/widgets/2"]), (4, ["/widgets/3"])])
def test_a_widget_that_was_added_or_taken_away_by_hand_is_told(widgets: int, paths: list[str]) -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": str(n)}} for n in range(4)]}
    file = Definitions(dashboards=(DashboardFile("dashboards/d.json", "d", {"widgets": body["widgets"][:3]}),))
    board = applied(file).dashboards["d"]
    now = {"widgets": body["widgets"][:widgets]}
    (found,) = findings(file, Live(dashboards={"d": LiveDashboard(board.arn, now, board.tags)}))
    assert found.status == "edited"
    assert [one.difference.path for one in found.fields] == paths


def test_a_record_of_another_version_accuses_nobody() -> None:
    file = Definitions(alarms=(AlarmFile("alarms/a.json", {"AlarmName": "a", "Threshold": 1}),))
    live = applied(file)
    old = [{"Key": "kit:applied", "Value": "0abcdefgh"}, {"Key": "kit:set", "Value": "shop"}]
    now = Live(alarms={"a": {**live.alarms["a"], "Threshold": 2, "Tags": old}})
    (found,) = findings(file, now)
    assert found.status == "unrecorded"
    assert [one.by for one in found.fields] == ["unknown"]


def test_a_record_longer_than_a_tag_goes_on_in_the_next() -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": str(n)}} for n in range(500)]}
    file = Definitions(dashboards=(DashboardFile("dashboards/d.json", "d", body),))
    board = applied(file).dashboards["d"]
    assert max(map(len, board.tags.values())) <= 256
    assert "kit:applied-8" in board.tags
    (found,) = findings(
        file, Live(dashboards={"d": LiveDashboard(board.arn, edited(body, ("widgets", 499, "type")), board.tags)})
    )
    assert [one.difference.path for one in found.fields] == ["/widgets/499/type"]


def test_a_composite_is_compared_by_name_of_its_suppressor() -> None:
    request = {"AlarmName": "c", "AlarmRule": "TRUE", "ActionsSuppressor": "a"}
    file = Definitions(composites=(CompositeFile("alarms/c.json", request),))
    live = applied(file)
    arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"
    now = Live(composites={"c": {**live.composites["c"], "ActionsSuppressor": arn}})
    assert findings(file, now) == ()
