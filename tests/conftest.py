"""What every room's tests may use: a Chromium, found or skipped; Hypothesis without a clock; who runs beside whom."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC_APPS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

# How long one example takes, or its making, says how busy the machine is; a test that is about time measures it itself.
hypothesis.settings.register_profile("kit", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("kit")


# Game days take longest, and compose has containers: each has a stack of its own.
APART = ("test_gameday.py", "test_compose.py")


class OneStack(LoadFileScheduling):
    """A file's tests stay together in one process, and so do all that share the one stack."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stack" if "/e2e/" in file and not file.endswith(APART) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneStack | None:
    """For ``-n 3 --dist loadfile``."""
    return OneStack(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The end-to-end tests come first: they mostly wait, and everything else is done meanwhile."""
    items.sort(key=lambda item: (item.get_closest_marker("e2e") is None, item.path.name != APART[0]))


def find_chromium() -> str | None:
    """KIT_CHROMIUM, else a Chromium by its usual names and places."""
    named = os.environ.get("KIT_CHROMIUM")
    if named:
        return named
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    apps = (Path(f"/Applications/{app}.app/Contents/MacOS/{app}") for app in MAC_APPS)
    return next((str(app) for app in apps if app.is_file()), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running headless Chromium. Without one the test is skipped, or fails where CI=true."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium found: install one, or set KIT_CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only browser tests pay for it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
