from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import KitError
from kit.settings import load, read_ports, read_stage

GOOD = """
account: "111122223333"
region: eu-west-1
scale: production
actions: {page: "arn:aws:sns:eu-west-1:111122223333:p"}
"""
LOCAL = """
account: "123456789012"
region: us-east-1
endpoint_url: http://127.0.0.1:4566
scale: practice
faults: allowed
protected: false
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "local.yaml").write_text(LOCAL)
    (tmp_path / "stages" / "live.yaml").write_text(GOOD)
    return tmp_path


def test_the_default_stage_is_local_so_that_nothing_reaches_an_account_unnamed(root: Path) -> None:
    settings = load({}, root)
    assert settings.stage.local
    assert settings.endpoint_url == "http://127.0.0.1:4566"


def test_an_argument_beats_the_environment_and_that_beats_the_stage(root: Path) -> None:
    environ = {"AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert load({}, root).region == "us-east-1"
    assert load(environ, root).region == "eu-north-1"
    assert load(environ, root, region="ap-south-1").region == "ap-south-1"
    assert load(environ, root).endpoint_url == "http://127.0.0.1:1"
    assert load(environ, root, endpoint_url="http://127.0.0.1:2/").endpoint_url == "http://127.0.0.1:2"


def test_a_moved_port_moves_the_local_endpoint(root: Path) -> None:
    assert load({"KIT_PORT_AWS": "14566"}, root).endpoint_url == "http://127.0.0.1:14566"


def test_a_stage_that_is_not_local_is_protected_and_refuses_faults_unless_it_says_otherwise(root: Path) -> None:
    stage = read_stage(root, "live")
    assert stage.protected
    assert stage.faults == "refused"
    assert stage.environment == "live"
    assert load({}, root, stage="live").endpoint_url is None


def test_the_ports_of_a_running_stack_are_found_and_the_environment_beats_them(root: Path) -> None:
    (root / ".kit").mkdir()
    (root / ".kit" / "ports.json").write_text('{"shop": 18080, "console": 18000, "other": 1}')
    settings = load({"KIT_PORT_CONSOLE": "28000"}, root)
    assert (settings.ports.shop, settings.ports.console, settings.ports.aws) == (18080, 28000, 4566)


@pytest.mark.parametrize("text", ["", "[]", '{"shop": "x"}', "{"])
def test_a_spoilt_note_of_the_ports_counts_for_nothing(root: Path, text: str) -> None:
    (root / ".kit").mkdir()
    (root / ".kit" / "ports.json").write_text(text)
    assert load({}, root).ports.shop == 8080


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"KIT_PORT_SHPO": "1"}, "KIT_PORT_SHPO: no such port setting"),
        ({"KIT_PORT_SHOP": "http"}, "KIT_PORT_SHOP: 'http' is not a port"),
        ({"KIT_PORT_SHOP": "0"}, "KIT_PORT_SHOP: '0' is not a port"),
        ({"KIT_PORT_SHOP": "70000"}, "'70000' is not a port"),
        ({"KIT_PORT_SHOP": "8081"}, "8081 is also KIT_PORT_SHOP"),
    ],
)
def test_a_bad_port_is_one_line_that_names_it(environ: dict[str, str], complaint: str) -> None:
    with pytest.raises(KitError) as raised:
        read_ports(environ)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a\n", "must be a mapping"),
        ("account: [\n", "is not YAML"),
        (GOOD + "colour: red\n", "colour: no such key"),
        (GOOD.replace('"111122223333"', "12"), "account: 12 is not text"),
        (GOOD.replace("111122223333", "1111"), "account: '1111' is not an account id"),
        (GOOD.replace("production", "huge"), "scale: 'huge' is not known"),
        (GOOD.replace("region: eu-west-1", ""), "region: None is not text"),
        (GOOD.replace("page:", "pager:"), "actions: must map page and ticket"),
        (GOOD + "protected: maybe\n", "protected: 'maybe' is not a truth value"),
        (GOOD + "endpoint_url: 3\n", "endpoint_url: 3 is not text"),
    ],
)
def test_a_bad_stage_file_is_one_line_that_names_file_and_key(root: Path, text: str, complaint: str) -> None:
    (root / "stages" / "live.yaml").write_text(text)
    with pytest.raises(KitError) as raised:
        read_stage(root, "live")
    assert str(raised.value).startswith("stages/live.yaml: ")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_stage_name_cannot_leave_the_folder(root: Path) -> None:
    with pytest.raises(KitError, match="is not a stage name"):
        read_stage(root, "../secrets")


def test_an_unknown_stage_says_how_to_make_one(root: Path) -> None:
    with pytest.raises(KitError, match=r"stages/staging.yaml: no such stage.*production.yaml.example"):
        read_stage(root, "staging")


def test_an_endpoint_that_is_no_address_is_refused(root: Path) -> None:
    with pytest.raises(KitError, match="not an http"):
        load({"AWS_ENDPOINT_URL": "localhost"}, root)
