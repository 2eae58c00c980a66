"""Breaking payments turns the composite red within the detection bound, notifies once, and mending it brings OK."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from stack_under_test import Stack, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

COMPOSITE = "practice-shop-checkout-availability-page-fast"

# Time to page from a clean history at error ratio e = 1 ("Alerting on SLOs", SRE Workbook, at practice scale):
LONG_WINDOW_S = 120
BURN_RATE = 14.4
BUDGET = 0.01
ERROR_RATIO = 1.0
LONG_TICK_S = 60  # a period of 60 s and more is evaluated once a minute
SHORT_TICK_S = 10  # the short window and the composite
FLUSH_S = 5  # the service flushes its SLI series on whole multiples of 5 s
DETECTION_BOUND_S = LONG_WINDOW_S * BURN_RATE * BUDGET / ERROR_RATIO + LONG_TICK_S + SHORT_TICK_S + FLUSH_S


def test_the_detection_bound_is_the_sum_of_its_parts() -> None:
    assert pytest.approx(92.28) == DETECTION_BOUND_S


def subscribe(stack: Stack) -> str:
    """A queue that receives what the page topic says."""
    sqs, sns = stack.aws("sqs"), stack.aws("sns")
    url: str = sqs.create_queue(QueueName=f"pages-{time.time_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = next(t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith(":page"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def received(stack: Stack, url: str) -> list[dict[str, Any]]:
    sqs = stack.aws("sqs")
    found = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in batch:
            found.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def composite(stack: Stack) -> dict[str, Any]:
    answer = stack.aws("cloudwatch").describe_alarms(AlarmNames=[COMPOSITE], AlarmTypes=["CompositeAlarm"])
    found: dict[str, Any] = answer["CompositeAlarms"][0]
    return found


@pytest.mark.browser
def test_payment_errors_turn_the_alarm_red_on_the_page_and_lifting_them_brings_ok(
    stack: Stack, chromium: Browser
) -> None:
    eventually(lambda: composite(stack)["StateValue"] == "OK", 90, "the composite is OK under clean traffic")
    # A clean long window first: after a start the fault would fill a shorter history faster and prove less.
    time.sleep(max(0.0, stack.started + LONG_WINDOW_S + 15 - time.monotonic()))
    queue = subscribe(stack)
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(stack.url("console"))
    tile = page.locator(f'[data-alarm="{COMPOSITE}"]').first
    expect(tile).to_have_attribute("data-state", "OK", timeout=20_000)

    broken_at = time.time()
    done = stack.kit("fault", "set", "payment-errors", "--percent", "100")
    assert done.returncode == 0, done.stderr
    eventually(lambda: composite(stack)["StateValue"] == "ALARM", DETECTION_BOUND_S, "the page alarm", every_s=0.25)
    changed = composite(stack)["StateUpdatedTimestamp"].timestamp()
    assert changed - broken_at <= DETECTION_BOUND_S
    expect(tile).to_have_attribute("data-state", "ALARM", timeout=20_000)
    listed = json.loads(stack.kit("alarms", "--json").stdout)
    assert COMPOSITE in json.dumps(listed)

    lifted_at = time.time()
    assert stack.kit("fault", "lift", "--all").returncode == 0
    # One clean short window, its flush and its tick; the composite follows in the same tick.
    eventually(lambda: composite(stack)["StateValue"] == "OK", 60, "the alarm is over")
    expect(tile).to_have_attribute("data-state", "OK", timeout=20_000)
    assert composite(stack)["StateUpdatedTimestamp"].timestamp() > lifted_at

    states = [m["NewStateValue"] for m in received(stack, queue) if m["AlarmName"] == COMPOSITE]
    assert states == ["ALARM", "OK"]
    assert complaints == []
    page.close()


@pytest.mark.browser
def test_the_dashboards_are_drawn_from_what_was_applied(stack: Stack, chromium: Browser) -> None:
    names = [e["DashboardName"] for e in stack.aws("cloudwatch").list_dashboards()["DashboardEntries"]]
    assert len(names) >= 2
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    for name in names:
        page.goto(stack.url("console", f"/dashboards/{name}"))
        drawn = page.locator("[data-widget][data-points]:not([data-points='0'])")
        expect(drawn.first).to_be_visible(timeout=20_000)
        expect(page.locator("[data-widget] svg path, [data-widget] canvas").first).to_be_visible(timeout=20_000)
    assert complaints == []
    page.close()
