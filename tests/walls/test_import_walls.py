"""Which room may import which. Anything that is not listed here fails."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPEN = {"errors", "settings"}
WALLS: dict[str, set[str]] = {
    "errors": set(),
    "settings": set(),
    "aws": set(),
    "serving": set(),
    "evaluation": set(),
    "definitions": {"evaluation"},
    "slo": {"definitions"},
    "charts": {"definitions", "evaluation"},
    "deploy": {"definitions", "aws"},
    "backtest": {"definitions", "evaluation", "aws"},
    "emulator": {"evaluation", "serving"},
    "incidents": {"aws"},
    "gameday": {"definitions", "backtest", "charts", "incidents", "aws"},
    "rollout": {"aws", "incidents"},
    "console": {"aws", "charts", "evaluation", "incidents"},
    "stack": set(),
}
EVERYTHING = {"cli", "__main__", "__init__"}


def imports(path: Path) -> set[str]:
    """The absolute dotted names that a module imports, relative imports resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            stem = ".".join(part for part in (base, node.module) if part)
            found |= {f"{stem}.{alias.name}" for alias in node.names} | {stem}
    return found


def room(path: Path) -> str:
    parts = path.relative_to(ROOT / "kit").parts
    return parts[0].removesuffix(".py")


KIT_FILES = sorted((ROOT / "kit").rglob("*.py"))
OWN_FILES = sorted([*(ROOT / "service").rglob("*.py"), *(ROOT / "loadtest").rglob("*.py")])


def test_every_room_of_the_kit_is_listed() -> None:
    assert {room(p) for p in KIT_FILES} - EVERYTHING <= WALLS.keys()


@pytest.mark.parametrize("path", KIT_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    here = room(path)
    if here in EVERYTHING:
        return
    allowed = WALLS[here] | {here} | (OPEN if here != "evaluation" else set())
    for name in imports(path):
        top, _, rest = name.partition(".")
        assert top not in {"service", "loadtest"}, f"{path} imports {name}"
        if top == "kit" and rest:
            assert rest.split(".")[0] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "kit/evaluation").rglob("*.py")), ids=lambda p: p.name)
def test_the_evaluation_needs_the_standard_library_only(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        assert top == "kit" or top in sys.stdlib_module_names, f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "kit/evaluation").rglob("*.py")), ids=lambda p: p.name)
def test_the_evaluation_has_no_clock_and_no_io(path: Path) -> None:
    forbidden = {"time", "os", "io", "socket", "pathlib", "threading", "random", "subprocess", "logging"}
    assert not {name.split(".")[0] for name in imports(path)} & forbidden


@pytest.mark.parametrize("path", sorted((ROOT / "kit/emulator").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_emulator_reads_the_time_from_its_clock_only(path: Path) -> None:
    if path == ROOT / "kit/emulator/clock.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked = f"{node.value.id}.{node.attr}"
            assert asked not in {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow"}, f"{path}: {asked}"


@pytest.mark.parametrize("path", sorted((ROOT / "kit/emulator").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_emulator_makes_no_aws_clients(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] == "boto3"}


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_service_and_loadtest_know_nothing_of_the_kit_nor_of_each_other(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    strangers = {"kit", "service", "loadtest"} - {own}
    assert not {name for name in imports(path) if name.split(".")[0] in strangers}


@pytest.mark.parametrize("path", sorted((ROOT / "service/telemetry").rglob("*.py")), ids=lambda p: p.name)
def test_the_telemetry_can_be_copied_elsewhere(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not [a.name for a in node.names if a.name.split(".")[0] == "service"]
        elif isinstance(node, ast.ImportFrom):
            depth = len(path.relative_to(ROOT / "service/telemetry").parts)
            assert node.level <= depth, f"{path} reaches out of its folder"
            assert node.level or (node.module or "").split(".")[0] != "service"


@pytest.mark.parametrize("path", sorted((ROOT / "service/failures").rglob("*.py")), ids=lambda p: p.name)
def test_the_failures_know_neither_shop_nor_payments(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith(("service.shop", "service.payments"))}
