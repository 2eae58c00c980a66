"""What a run changed is taken back: the faults through their controls, the steady load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import KitError
from kit.gameday.controls import Control, controls
from kit.gameday.rollback import take_back
from kit.gameday.steady import SteadyLoad

from .conftest import settings_of


def test_everything_is_taken_back_and_twice_is_once(far: Any) -> None:
    steady = SteadyLoad(far.url, "http://127.0.0.1:1")
    assert steady.pause() == 40
    assert steady.users() == 0
    shop, gone = Control("shop", far.url, "right"), Control("payments", "http://127.0.0.1:1", "right")
    for _ in range(2):
        done = take_back([gone, shop], steady, 40)
        assert (done["lifted"], done["left"], done["resumed"]) == (["shop"], [], 40)
        assert "no answer" in done["unreachable"][0]
    assert far.active == []
    assert far.users == 40


def test_a_load_that_somebody_stopped_stays_stopped(far: Any) -> None:
    far.users = 0
    assert SteadyLoad(far.url, "").pause() == 0
    assert SteadyLoad("http://127.0.0.1:1", "").pause() == 0
    assert not SteadyLoad("http://127.0.0.1:1", "").resume(40)


def test_the_stage_may_name_the_addresses(tmp_path: Path) -> None:
    (control,) = controls(settings_of(tmp_path, "http://10.0.0.5:8090/"))
    assert (control.service, control.url) == ("shop", "http://10.0.0.5:8090")
    with pytest.raises(KitError, match="fault_urls/shop: 'here' is not an"):
        settings_of(tmp_path, "here")
