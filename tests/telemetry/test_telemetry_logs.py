import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry import names
from service.telemetry.delivery import EVENT_BYTES, in_pump
from service.telemetry.logs import JsonFormatter, JsonHandler, install
from service.telemetry.settings import Settings

SETTINGS = Settings("shop", environment="prod", release="7")
formatter = JsonFormatter(SETTINGS)


class Kept:
    def __init__(self) -> None:
        self.events: list[tuple[int, dict[str, Any]]] = []

    def put(self, timestamp: int, line: str) -> None:
        self.events.append((timestamp, json.loads(line)))


@pytest.fixture
def kept() -> Iterator[Kept]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    kept = Kept()
    install(JsonHandler(SETTINGS, lambda: kept), "INFO")  # type: ignore[arg-type,return-value]  # put is all it takes
    yield kept
    root.handlers[:] = before
    root.setLevel(level)


def line(message: Any = "hello", level: int = logging.INFO, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("shop.orders").makeRecord("shop.orders", level, "", 0, message, (), None, extra=extra)
    text = formatter.format(record)
    assert "\n" not in text
    assert "\r" not in text
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded


def test_a_line_says_who_where_and_when() -> None:
    told = line(order_id="o-1")
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "level": "INFO",
        "logger": "shop.orders",
        "message": "hello",
        "service": "shop",
        "environment": "prod",
        "release": "7",
        "order_id": "o-1",
    }


@given(st.text(), st.dictionaries(st.text(min_size=1, max_size=10), st.text() | st.integers() | st.none(), max_size=4))
def test_whatever_is_logged_is_one_line_of_json_that_cannot_pose_as_another(
    message: str, extra: dict[str, Any]
) -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": message, "levelname": "INFO"})
    for key, value in extra.items():
        record.__dict__.setdefault(key, value)
    text = formatter.format(record)
    assert text.isascii()
    assert text.isprintable()
    told = json.loads(text)
    assert told["message"] == message[:8_192]
    assert told["service"] == "shop"


def test_an_extra_cannot_take_a_field_of_ours() -> None:
    told = line(trace_id="lie", service="lie", level_="x")
    assert told["service"] == "shop"
    assert "trace_id" not in told
    assert (told["extra_trace_id"], told["extra_service"]) == ("lie", "lie")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: 2}, {(1, 2): 3}, object(), b"bytes", {"deep": {"set": {1}}}, 10**400]
)
def test_a_value_that_json_does_not_know_is_written_as_text(value: Any) -> None:
    told = line(value=value, other=1)
    assert told["message"] == "hello"
    assert told["other"] == 1


def test_a_circle_and_an_object_that_cannot_be_written_do_not_hurt() -> None:
    circle: list[Any] = []
    circle.append(circle)

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("no")

    told = line(circle=circle, bad=Bad())
    assert "cannot be written" in told["bad"]


def test_arguments_that_do_not_fit_the_format_are_still_told() -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": "%d items", "args": ("many",), "levelname": "INFO"})
    assert json.loads(formatter.format(record))["message"] == "%d items ('many',)"


def test_an_exception_is_fields() -> None:
    try:
        raise KeyError("cart")
    except KeyError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    told = json.loads(formatter.format(record))
    assert told["exception"]["type"] == "KeyError"
    assert told["exception"]["message"] == "'cart'"
    assert "test_telemetry_logs.py" in told["exception"]["stacktrace"]


def test_a_line_never_exceeds_what_the_service_takes() -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": "x" * 100_000, "levelname": "INFO", "big": ["é" * 400_000]})
    text = formatter.format(record)
    assert len(text) <= EVENT_BYTES
    assert json.loads(text)["truncated"] is True


def test_every_line_goes_to_stdout_and_to_delivery(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("shop").info("one\ntwo")
    (told,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert told["message"] == "one\ntwo"
    assert [event for _, event in kept.events] == [told]


def test_what_the_way_to_aws_logs_is_never_delivered(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().setLevel("DEBUG")
    for name in ("botocore.endpoint", "urllib3.connectionpool", "boto3", "aws_xray_sdk.core"):
        logging.getLogger(name).debug("noise")
        logging.getLogger(name).warning("trouble")
    in_pump.yes = True
    try:
        logging.getLogger("service.telemetry.delivery").warning("delivery fails")
    finally:
        in_pump.yes = False
    assert kept.events == []
    told = [json.loads(text)["message"] for text in capsys.readouterr().out.splitlines()]
    assert sorted(told) == ["delivery fails", "trouble", "trouble", "trouble", "trouble"]


def test_a_closed_stdout_does_not_stop_the_delivery(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    logging.getLogger("shop").info("hello")
    assert len(kept.events) == 1


def test_installing_again_replaces_only_our_own_handler(kept: Kept) -> None:
    root = logging.getLogger()
    others = [handler for handler in root.handlers if not isinstance(handler, JsonHandler)]
    install(JsonHandler(SETTINGS, lambda: None), "INFO")
    assert [handler for handler in root.handlers if not isinstance(handler, JsonHandler)] == others
    assert len(root.handlers) == len(others) + 1
    logging.getLogger("shop").info("hello")
    assert kept.events == []


def test_the_names_of_the_fields_stand_in_the_catalogue() -> None:
    assert set(line()) <= {*names.LOG_FIELDS, *names.ACCESS_FIELDS}
