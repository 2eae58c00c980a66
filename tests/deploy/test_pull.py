"""`kit pull`: what was built in the console becomes a file, and a plan of it is empty."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Kit = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def test_all_that_is_shipped_comes_back_as_it_is_written(kit: Kit, stage: Any, project: Path, cloudwatch: Any) -> None:
    stage()
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    alarms = [json.loads(path.read_text())["AlarmName"] for path in (project / "alarms").glob("*.json")]
    boards = [path.stem for path in (project / "dashboards").glob("*.json")]
    code, out, err = kit("pull", "--stage", "staging", *alarms, *boards)
    assert code == 0, err
    assert {line.split()[0] for line in out.splitlines()} == {"unchanged"}
    shutil.rmtree(project / "alarms")
    shutil.rmtree(project / "dashboards")
    (project / "alarms").mkdir()
    (project / "dashboards").mkdir()
    # No file names the set now; what is pulled says it again.
    code, out, err = kit("pull", "--stage", "staging", *alarms, *boards)
    assert code == 0, err
    assert {line.split()[0] for line in out.splitlines()} == {"wrote"}
    assert kit("plan", "--stage", "staging")[0] == 0
    for path in (project / "dashboards").glob("*.json"):
        assert json.loads(path.read_text()) == json.loads((ROOT / "dashboards" / path.name).read_text())


def test_a_file_is_replaced_only_when_that_is_said(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage()
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    path = small / "alarms" / "shop-maths.json"
    path.write_text(path.read_text().replace("half", "a half"))
    edited = path.read_text()
    code, _, err = kit("pull", "--stage", "staging", "shop-maths")
    assert code == 1
    assert "alarms/shop-maths.json: is there already, and says something else: nothing was written" in err
    assert path.read_text() == edited
    assert kit("pull", "--stage", "staging", "shop-maths", "--overwrite")[1] == "replaced   alarms/shop-maths.json\n"
    assert kit("plan", "--stage", "staging")[0] == 0
    code, _, err = kit("pull", "--stage", "staging", "nothing-there")
    assert (code, err.count("\n")) == (1, 1)


def test_practice_scale_has_no_way_back(kit: Kit, small: Path) -> None:
    assert kit("apply")[0] == 0
    code, _, err = kit("pull", "practice-shop-maths")
    assert code == 1
    assert "stands at practice scale, from which there is no way back" in err


def test_what_no_stage_could_have_made_is_not_pulled(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage()
    metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    metric |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    dimensions = [{"Name": "Environment", "Value": "production"}]
    cloudwatch.put_metric_alarm(AlarmName="by-hand", **metric, Dimensions=dimensions)
    code, _, err = kit("pull", "--stage", "staging", "by-hand")
    assert code == 1
    assert "are not only the stage's" in err
    dimensions = [{"Name": "Environment", "Value": "staging"}]
    cloudwatch.put_metric_alarm(AlarmName="by-hand", **metric, Dimensions=dimensions)
    assert kit("pull", "--stage", "staging", "by-hand")[1] == "wrote      alarms/by-hand.json\n"
    assert kit("apply", "--stage", "staging", "--yes", "--adopt", "by-hand")[0] == 0
    assert kit("plan", "--stage", "staging")[0] == 0
