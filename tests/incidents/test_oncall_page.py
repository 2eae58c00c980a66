"""The on-call page in a real browser, with hostile names and notes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import urllib3

from tests.incidents.conftest import envelope

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.incidents.conftest import Duty

pytestmark = pytest.mark.browser
HOSTILE = "\"><img src=x onerror=alert('x')><script>alert(1)</script>"
SOON = 10_000


def send(duty: Duty, alarm: str, state: str = "ALARM", ago: float = 0.0) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(time.time() - ago))
    message = {
        "AlarmName": alarm, "NewStateValue": state, "OldStateValue": "OK", "StateChangeTime": at,
        "NewStateReason": f"Threshold crossed: 1 out of 1 {HOSTILE}",
        "AlarmDescription": f"Checkouts fail {HOSTILE}. Runbook: https://example.org/runbook",
    }  # fmt: skip
    told = envelope(message, topic=duty.settings.stage.actions["page"])
    answer = urllib3.request("POST", duty.endpoint, body=json.dumps(told).encode(), retries=False)
    assert answer.status == 200


@pytest.fixture
def trouble() -> list[str]:
    return []


@pytest.fixture(params=["light", "dark"])
def view(chromium: Browser, trouble: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=request.param)
    made = context.new_page()
    made.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: trouble.append(str(error)))
    made.on("dialog", lambda dialog: trouble.append(dialog.message))
    yield made
    if folder := os.environ.get("KIT_PICTURES"):
        made.screenshot(path=f"{folder}/oncall-{request.param}.png", full_page=True)
    context.close()


def test_a_page_is_taken_noted_and_resolved_with_the_buttons(duty: Duty, view: Page, trouble: list[str]) -> None:
    view.goto(f"{duty.url}/oncall")
    view.get_by_text("Nothing is open").wait_for(timeout=SOON)
    send(duty, f"practice-shop-checkout-availability-page-fast {HOSTILE}", ago=30)
    send(duty, "practice-shop-checkout-latency-page-fast", ago=20)
    card = view.get_by_test_id("incident")
    card.wait_for(timeout=SOON)
    assert HOSTILE in card.locator("h3").inner_text()
    assert card.locator("a[href='https://example.org/runbook']").count() == 1
    view.get_by_label("You are").fill("Ada")
    note = card.get_by_placeholder("What do you know?")
    note.fill("half a thought")
    view.wait_for_timeout(1200)
    assert note.input_value() == "half a thought", "a refresh must not eat what is being typed"
    card.get_by_role("button", name="Acknowledge").click()
    view.get_by_text("Taken", exact=True).wait_for(timeout=SOON)
    note.fill(HOSTILE)
    note.press("Enter")
    card.locator("[data-kind=note]").get_by_text("<script>").wait_for(timeout=SOON)
    assert card.get_by_role("button", name="Acknowledge").is_hidden()
    assert "after" in card.locator(".facts").inner_text()
    assert view.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the page"
    if os.environ.get("KIT_PICTURES"):
        send(duty, "payments-down", ago=1000)
        card.nth(1).wait_for(timeout=SOON)
        return
    card.get_by_role("button", name="Resolve").click()
    view.get_by_test_id("past").get_by_test_id("incident").wait_for(timeout=SOON)
    assert trouble == []
    (found,) = duty.incidents()
    assert [(entry.kind, entry.actor) for entry in found.timeline][2:] == [
        ("ack", "Ada"),
        ("note", "Ada"),
        ("resolve", "Ada"),
    ]
