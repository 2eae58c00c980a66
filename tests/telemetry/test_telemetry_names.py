import ast
import re
from pathlib import Path

import pytest

from service.telemetry import catalogue, names

FOLDER = Path(catalogue.__file__).parent


def test_the_catalogue_is_what_names_py_says() -> None:
    assert catalogue.main(["--check"]) == 0, "run python -m service.telemetry.catalogue"


def test_a_stale_catalogue_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "catalogue.json"
    monkeypatch.setattr(catalogue, "FILE", stale)
    assert catalogue.main(["--check"]) == 1
    stale.write_text("{}", encoding="utf-8")
    assert catalogue.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert catalogue.main([]) == 0
    assert catalogue.main(["--check"]) == 0
    assert catalogue.main(["--wrong"]) == 2


def test_units_and_kinds_fit_cloudwatch_and_opentelemetry() -> None:
    assert len(names.BY_NAME) == len(names.METRICS)
    for metric in names.METRICS:
        assert metric.unit in {"Count", "Milliseconds", "Bytes"}
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,62}", metric.name)


def test_the_folder_imports_nothing_but_itself_and_packages() -> None:
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= len(file.relative_to(FOLDER).parts), f"{file.name} reaches outside of the folder"
                assert node.level or not (node.module or "").startswith(("service", "kit", "loadtest")), file.name
            elif isinstance(node, ast.Import):
                assert not any(alias.name.split(".")[0] in {"service", "kit", "loadtest"} for alias in node.names)


def test_an_xray_trace_id_is_the_same_digits_in_its_own_form() -> None:
    assert names.xray_trace_id("6b03157df5a16a75e657406e66efacd7") == "1-6b03157d-f5a16a75e657406e66efacd7"
