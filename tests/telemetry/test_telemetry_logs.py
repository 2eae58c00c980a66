import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.telemetry import logs, names, redaction, unpacking
from service.telemetry.delivery import stdout
from service.telemetry.delivery.sender import senders
from service.telemetry.jsontext import RecordIds
from service.telemetry.lines import LINE_LENGTH
from service.telemetry.logs import JsonHandler, install
from service.telemetry.request import bind, bound_fields
from service.telemetry.waiting import Answered, Logged

from .telemetry_lines import line, lines, written


@pytest.fixture
def kept() -> Iterator[list[Logged]]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    kept: list[Logged] = []
    install(JsonHandler(lines, lambda: lambda item: kept.append(unpacking.line(item))), "INFO")
    yield kept
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_says_who_where_and_when() -> None:
    told = line(order_id="o-1")
    assert told.pop("timestamp").endswith("Z")
    assert told.pop("record_id")
    assert told == {
        "level": "INFO",
        "logger": "shop.orders",
        "message": "hello",
        "service": "shop",
        "environment": "prod",
        "release": "7",
        "order_id": "o-1",
    }


@example("\u2028\x7f\x85\ud800", {})
@given(st.text(), st.dictionaries(st.text(min_size=1, max_size=10), st.text() | st.integers() | st.none(), max_size=4))
def test_whatever_is_logged_is_one_line_of_json_that_cannot_pose_as_another(
    message: str, extra: dict[str, Any]
) -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": message, "levelname": "INFO"})
    for key, value in extra.items():
        record.__dict__.setdefault(key, value)
    text = written(record)
    assert text.isascii()
    assert text.isprintable()
    told = json.loads(text)
    assert told["message"] == redaction.text(message[:8_192])
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
    assert json.loads(written(record))["message"] == "%d items ('many',)"


def test_an_exception_is_fields() -> None:
    try:
        raise KeyError("cart")
    except KeyError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    told = json.loads(written(record))
    assert told["exception"]["type"] == "KeyError"
    assert told["exception"]["message"] == "'cart'"
    assert "test_telemetry_logs.py" in told["exception"]["stacktrace"]


def test_a_line_never_exceeds_what_the_service_takes() -> None:
    record = logging.makeLogRecord(
        {"name": "shop", "msg": "x" * 100_000, "levelname": "INFO", **{f"big{n}": "é" * 4_000 for n in range(30)}}
    )
    text = written(record)
    assert len(text) <= LINE_LENGTH
    assert json.loads(text)["truncated"] is True


def test_every_record_is_left_to_the_encoder_as_it_is_now(
    kept: list[Logged], capsys: pytest.CaptureFixture[str]
) -> None:
    basket, arguments = ["milk"], ("Ada", 3)
    logging.getLogger("shop").info("%s bought %d\nthings", *arguments, extra={"basket": basket})
    basket.append("bread")
    assert capsys.readouterr().out == ""
    (item,) = kept
    told = json.loads(lines.text(item))
    assert (told["message"], told["basket"]) == ("Ada bought 3\nthings", ["milk"])


def test_an_argument_that_may_change_is_made_text_at_once(kept: list[Logged]) -> None:
    basket = ["milk"]
    logging.getLogger("shop").info("bought %s", basket)
    basket.append("bread")
    assert json.loads(lines.text(kept[0]))["message"] == "bought ['milk']"


def test_without_a_place_to_leave_it_a_line_is_on_stdout_at_once(
    kept: list[Logged], capsys: pytest.CaptureFixture[str]
) -> None:
    install(JsonHandler(lines, lambda: None), "INFO")
    logging.getLogger("shop").info("one\ntwo")
    (told,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert told["message"] == "one\ntwo"
    assert kept == []


def test_what_the_way_to_aws_logs_is_never_delivered(kept: list[Logged], capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().setLevel("DEBUG")
    for name in ("botocore.endpoint", "urllib3.connectionpool", "boto3", "aws_xray_sdk.core"):
        logging.getLogger(name).debug("noise")
        logging.getLogger(name).warning("trouble")
    senders.add(threading.get_ident())
    try:
        logging.getLogger("service.telemetry.delivery").warning("delivery fails")
    finally:
        senders.discard(threading.get_ident())
    assert kept == []
    told = [json.loads(text)["message"] for text in capsys.readouterr().out.splitlines()]
    assert sorted(told) == ["delivery fails", "trouble", "trouble", "trouble", "trouble"]


def test_a_stdout_that_is_closed_or_stalls_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    release, texts = threading.Event(), []

    class Stalled:
        def write(self, text: str) -> None:
            release.wait(5)
            texts.append(text)

        def flush(self) -> None:
            raise ValueError("I/O operation on closed file")

    monkeypatch.setattr(sys, "stdout", Stalled())
    out = stdout.Stdout()
    began = time.monotonic()
    for _ in range(50):
        out.write("x" * 200_000, 7)
    assert time.monotonic() - began < 1
    assert out.dropped == 7 * (50 - stdout.MOST_BYTES // 200_000)
    release.set()
    out.close(time.monotonic() + 5)
    assert len(texts) == stdout.MOST_BYTES // 200_000


def test_installing_again_replaces_only_our_own_handler(kept: list[Logged]) -> None:
    root = logging.getLogger()
    others = [handler for handler in root.handlers if not isinstance(handler, JsonHandler)]
    install(JsonHandler(lines, lambda: lambda _: None), "INFO")
    assert [handler for handler in root.handlers if not isinstance(handler, JsonHandler)] == others
    assert len(root.handlers) == len(others) + 1
    logging.getLogger("shop").info("hello")
    assert kept == []


PLAIN_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.sampled_from(["\ud800", "x" * 5_000])
)


@pytest.mark.parametrize("key", [7, None, ("a", "b"), 1.5])
def test_a_name_of_an_extra_that_is_no_text_is_written_as_text(kept: list[Logged], key: Any) -> None:
    logging.getLogger("shop").info("odd", extra={key: 1})
    (item,) = kept
    assert json.loads(lines.text(item))[str(key)] == 1


@given(
    message=st.text(max_size=12) | st.just("%s and %r"),
    arguments=st.lists(PLAIN_VALUES, max_size=2).map(tuple),
    extras=st.dictionaries(st.sampled_from("abcd"), PLAIN_VALUES | st.lists(PLAIN_VALUES, max_size=2), max_size=3),
)
def test_a_record_that_waits_packed_is_written_as_one_that_waits_as_it_is(
    message: str, arguments: tuple[object, ...], extras: dict[str, object]
) -> None:
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, message, arguments, None)
    vars(record).update(extras)
    told = json.loads(written(record))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "pack", _never)
        expected = json.loads(written(record))
    assert told | {"record_id": ""} == expected | {"record_id": ""}


def _never(told: object) -> bytes:
    raise TypeError(told)


def test_a_filter_on_the_handler_is_asked(kept: list[Logged]) -> None:
    (ours,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, JsonHandler)]
    ours.addFilter(lambda record: "secret" not in record.getMessage())
    logging.getLogger("shop").info("a secret")
    logging.getLogger("shop").info("no news")
    assert [item.message for item in kept] == ["no news"]


def test_bound_fields_stand_on_each_line_of_their_block(kept: list[Logged]) -> None:
    log = logging.getLogger("shop")
    with bind(order_id="o-1"):
        with bind(step="pay"):
            log.info("inner")
        log.info("outer")
    log.info("after")
    told = [json.loads(lines.text(item)) for item in kept]
    assert [(line.get("order_id"), line.get("step")) for line in told] == [("o-1", "pay"), ("o-1", None), (None, None)]
    assert bound_fields() is None


ENDED = Answered(
    f"{0xA:032x}",
    0xB,
    1_795_364_220_250_000_000,
    "GET /a",
    "GET",
    503,
    12.34567,
    "req-1",
    True,
    "OSError",
    {"order_id": "o"},
)


def test_an_access_line_says_what_happened() -> None:
    told = json.loads(lines.access(ENDED))
    assert told.pop("record_id")
    assert told == {
        "timestamp": "2026-11-22T16:17:00.250Z",
        "level": "INFO",
        "logger": "access",
        "message": "GET /a 503",
        "service": "shop",
        "environment": "prod",
        "release": "7",
        "trace_id": f"{0xA:032x}",
        "span_id": f"{0xB:016x}",
        "xray_trace_id": f"1-{0:08x}-{0xA:024x}",
        "request_id": "req-1",
        "operation": "GET /a",
        "method": "GET",
        "status": 503,
        "duration_ms": 12.346,
        "error_type": "OSError",
        "order_id": "o",
    }


def test_no_two_records_have_the_same_id() -> None:
    one, other = RecordIds(), RecordIds()
    assert len({*(one() for _ in range(500)), *(other() for _ in range(500))}) == 1_000


def test_the_names_of_the_fields_stand_in_the_catalogue() -> None:
    assert set(line()) <= {*names.LOG_FIELDS, *names.ACCESS_FIELDS}
