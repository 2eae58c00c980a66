"""What log records leave out while nobody asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from service.telemetry import Settings, instrument
from service.telemetry.records import LeanRecord, lean, whole

Alone = Callable[[], None]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Alone]:
    """Called in a test, which has pytest's own handlers only from its beginning: nobody listens from then on."""

    def leave() -> None:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        monkeypatch.setattr(logging.Logger.manager, "loggerDict", {})

    yield leave
    whole()


def handler(text: str) -> logging.Handler:
    made = logging.StreamHandler()
    made.setFormatter(logging.Formatter(text))
    return made


def record() -> logging.LogRecord:
    found: list[logging.LogRecord] = []
    logger = logging.Logger("one")
    vars(logger)["handle"] = found.append
    logger.warning("said %d", 3, extra={"item": 7})
    return found[0]


def test_a_record_that_nobody_asks_for_its_source_has_every_field_but_no_source(alone: Alone) -> None:
    alone()
    standard = list(record().__dict__)
    logging.getLogger().addHandler(handler("%(asctime)s [%(process)d] [%(levelname)s] %(message)s"))
    lean()
    made = record()
    assert (type(made), list(made.__dict__)) == (LeanRecord, standard)
    assert (made.pathname, made.lineno, made.threadName) == ("(unknown file)", 0, None)
    text = logging.Formatter("%(asctime)s %(msecs)d %(process)d %(thread)d %(filename)s:%(lineno)d %(message)s")
    assert text.format(made).endswith("(unknown file):0 said 3")
    with pytest.raises(KeyError, match="module"):
        logging.getLogger("other").warning("x", extra={"module": "y"})
    whole()
    assert record().filename == "test_telemetry_records.py"


@pytest.mark.parametrize("field", ["%(lineno)d", "%(pathname)s", "%(filename)s", "%(module)s", "%(funcName)s"])
def test_a_handler_that_asks_for_the_source_has_it(alone: Alone, field: str) -> None:
    alone()
    logging.getLogger("some.library").addHandler(handler(field + " %(message)s"))
    lean()
    assert record().filename == "test_telemetry_records.py"


def test_a_handler_that_asks_for_a_thread_has_its_name_and_costs_no_source(alone: Alone) -> None:
    alone()
    logging.getLogger().addHandler(handler("%(threadName)s %(message)s"))
    lean()
    assert (record().threadName, record().filename) == ("MainThread", "(unknown file)")


def test_a_handler_that_nobody_knows_has_everything(alone: Alone) -> None:
    alone()

    class Own(logging.StreamHandler):  # type: ignore[type-arg]
        """It may read any field."""

    logging.getLogger().addHandler(Own())
    lean()
    assert (record().threadName, record().filename) == ("MainThread", "test_telemetry_records.py")


@pytest.mark.parametrize("caller", [False, True])
def test_telemetry_leaves_the_source_out_from_its_start_to_its_end_or_not(alone: Alone, caller: bool) -> None:
    alone()
    settings = Settings(service="one", log_caller=caller, traces_exporter="none", spill_dir=None, close_seconds=0.1)
    telemetry = instrument(settings=settings)
    assert record().filename == "test_telemetry_records.py"
    telemetry.start()
    try:
        assert record().filename == ("test_telemetry_records.py" if caller else "(unknown file)")
    finally:
        telemetry.close()
    assert record().filename == "test_telemetry_records.py"
