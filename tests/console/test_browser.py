"""The pages in a real browser, under their own content security policy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from kit.charts.units import UNITS, text
from kit.console.app import create_app
from kit.console.bundle import Bundle
from kit.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

    from tests.console.conftest import FakeCloudWatch

pytestmark = pytest.mark.browser

HOSTILE = "\"><img src=x onerror=alert('x')><script>alert(1)</script>"
LINE = '[data-widget="0"] .mark-line path'
REFRESH_S = 0.6
SOON = 10_000  # milliseconds; many refreshes, for a busy machine


class Silent(WSGIRequestHandler):
    """Tells nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # the name in the library
        pass


def metric(*rows: Any, **properties: Any) -> dict[str, Any]:
    asked = {"region": "us-east-1", "metrics": list(rows), "period": 10, "stat": "Sum"}
    return {"type": "metric", "width": 8, "properties": {**asked, **properties}}


def gallery(alarm: str) -> str:
    """One widget of every kind, with hostile names wherever a name can stand."""
    two = (["Shop", "Requests", {"label": HOSTILE}], ["Shop", "Latency", {"label": "p99", "stat": "p99"}])
    marks = {"horizontal": [{"value": 90, "label": HOSTILE, "fill": "above", "color": "#b45309"}]}
    ends = {"left": {"min": 0, "max": 100, "label": "%"}}
    return json.dumps(
        {
            "start": "-PT15M",
            "widgets": [
                metric(*two, title=HOSTILE, annotations=marks),
                metric(*two, title="stack", stacked=True),
                metric(["Shop", "Requests"], ["Shop", "Fault", {"yAxis": "right"}], title="two axes"),
                metric(["Shop", "Requests"], view="gauge", yAxis=ends),
                metric(*two, view="bar"),
                metric(*two, view="pie"),
                metric(*two, view="singleValue"),
                metric(*two, view="table"),
                {"type": "text", "properties": {"markdown": f"# {HOSTILE}\n{HOSTILE} [x](javascript:alert(1))"}},
                {"type": "alarm", "properties": {"alarms": [alarm]}},
                {"type": "log", "properties": {"query": "x"}},
                metric(["Shop", "Nothing"]),
            ],
        }
    )


@pytest.fixture
def live(fake: FakeCloudWatch) -> FakeCloudWatch:
    """The canned CloudWatch on the real clock, with moving series."""
    fake.clock = time.time
    fake.curves["Requests"] = lambda at: 50 + (at % 70) / 2
    fake.put_metric_alarm(HOSTILE, AlarmActions=["arn:aws:sns:::page"], AlarmDescription="See https://example.com/r.")
    for name in list(fake.alarms):
        fake.put_alarm(name, **{k: v for k, v in fake.alarms[name].items() if not k.startswith(("State", "AlarmN"))})
    fake.bodies["gallery"] = gallery(fake.alarms["both"]["AlarmArn"])
    return fake


@pytest.fixture
def address(settings: Settings, live: FakeCloudWatch, bundle: Bundle) -> Iterator[str]:
    app = create_app(settings, client_for=lambda *_: live, bundle=bundle, refresh_s=REFRESH_S)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def trouble() -> list[str]:
    """What the browser complained of: errors, warnings, refused by the policy, dialogs, requests to elsewhere."""
    return []


@pytest.fixture
def page(chromium: Browser, trouble: list[str]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
    made = context.new_page()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            trouble.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            trouble.append(f"asked elsewhere: {request.url}")

    made.on("console", heard)
    made.on("pageerror", lambda error: trouble.append(f"exception: {error}"))
    made.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
    made.on("request", asked)
    yield made
    context.close()


def test_a_line_is_drawn_and_moves_in_place(page: Page, address: str, trouble: list[str]) -> None:
    page.goto(f"{address}/dashboards/gallery")
    page.wait_for_selector('[data-widget="0"]:not([data-points="0"])')
    assert int(page.get_attribute('[data-widget="0"]', "data-points") or 0) > 100
    drawn = page.get_attribute(LINE, "d") or ""
    assert drawn.count("L") > 50
    page.evaluate("selector => { document.querySelector(selector).closest('svg').kept = true }", LINE)
    page.wait_for_function(
        "([selector, before]) => document.querySelector(selector).getAttribute('d') !== before",
        arg=[LINE, drawn],
        timeout=3 * SOON,
    )
    assert page.evaluate("selector => document.querySelector(selector).closest('svg').kept", LINE), "drawn anew"
    assert trouble == []


def test_every_kind_of_widget_is_drawn_and_nothing_hostile_runs(page: Page, address: str, trouble: list[str]) -> None:
    page.goto(f"{address}/dashboards/gallery")
    for index in (0, 1, 2, 3, 4, 5, 6, 7):
        page.wait_for_selector(f'[data-widget="{index}"]:not([data-points="0"])')
    page.wait_for_selector('[data-widget="11"][data-points="0"] .plot.empty')
    assert page.locator('[data-widget="1"] .mark-area path').count() >= 2
    assert page.locator('[data-widget="3"] .mark-arc path').count() >= 2
    assert page.locator('[data-widget="9"] [data-alarm="both"][data-state="OK"]').count() == 1
    assert page.locator('[data-widget="0"] .widget-title').inner_text() == HOSTILE
    assert page.locator('[data-widget="8"] h1').inner_text() == HOSTILE
    assert page.locator("main img, main script, main a[href^=javascript]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
    assert trouble == []


def test_the_cursor_tells_the_values_and_stays_through_a_refresh(page: Page, address: str, trouble: list[str]) -> None:
    page.goto(f"{address}/dashboards/gallery")
    page.wait_for_selector('[data-widget="0"]:not([data-points="0"])')
    box = page.locator('[data-widget="0"] .plot').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#tip:not([hidden])")
    words = page.locator("#tip").inner_text()
    assert HOSTILE in words
    assert "ms" not in words.split(HOSTILE)[0]
    with page.expect_response("**/api/dashboards/gallery*", timeout=SOON):
        pass
    page.wait_for_timeout(200)
    assert page.locator("#tip").is_visible()
    page.mouse.move(1, 1)
    page.wait_for_selector("#tip", state="hidden")
    assert trouble == []


def test_a_tile_turns_red_and_is_told_to_screen_readers(
    page: Page, address: str, live: FakeCloudWatch, trouble: list[str]
) -> None:
    page.goto(address)
    page.wait_for_selector('[data-alarm="both"][data-state="OK"]')
    assert "All quiet" in page.locator("[data-testid=verdict]").inner_text()
    live.change("both", "ALARM", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:short transitioned to ALARM")
    page.wait_for_selector('[data-alarm="both"][data-state="ALARM"]', timeout=SOON)
    page.wait_for_function(
        """() => {
          const color = getComputedStyle(document.querySelector('[data-alarm="both"]')).backgroundColor;
          const [red, green, blue] = color.match(/[0-9]+/g).map(Number);
          return red > 150 && green < 70 && blue < 70;
        }"""
    )
    assert "short transitioned to ALARM" in page.locator('[data-alarm="both"]').inner_text()
    assert "1 alarm firing" in page.locator("[data-testid=verdict]").inner_text()
    assert page.locator("[data-testid=announce]").inner_text() == "both is now ALARM"
    assert page.title().startswith("(1) ")
    assert (page.get_attribute("#icon", "href") or "").endswith("icon-alarm.svg")
    assert trouble == []


def test_an_alarms_page_shows_reason_graph_and_history(
    page: Page, address: str, live: FakeCloudWatch, trouble: list[str]
) -> None:
    live.change(HOSTILE, "ALARM", HOSTILE, ago_s=120)
    page.goto(f"{address}/alarm?name={quote(HOSTILE)}")
    page.wait_for_selector('[data-testid=alarm][data-state="ALARM"]')
    page.wait_for_selector('#chart:not([data-points="0"]) .mark-line path', state="attached")
    assert page.locator("[data-testid=reason]").inner_text() == HOSTILE
    assert page.locator("#history li").count() == 1
    assert page.locator("#about a").get_attribute("href") == "https://example.com/r"
    assert page.locator("#chart .mark-rect path").count() >= 2, "the breached side and the time in ALARM are shaded"
    assert trouble == []


def test_a_lost_endpoint_is_a_calm_banner_over_what_was_heard_last(
    page: Page, address: str, live: FakeCloudWatch, trouble: list[str]
) -> None:
    page.goto(f"{address}/dashboards/gallery")
    page.wait_for_selector('[data-widget="0"]:not([data-points="0"])')
    live.down = True
    page.wait_for_selector("[data-testid=banner]:not([hidden])", timeout=SOON)
    told = page.locator("[data-testid=banner]").inner_text()
    assert "no answer while asking for" in told
    assert "What you see was heard at" in told
    assert "Traceback" not in told
    assert page.locator(LINE).first.is_visible()
    live.down = False
    page.wait_for_selector("[data-testid=banner]", state="hidden", timeout=SOON)
    assert [line for line in trouble if "503" not in line] == []


def test_a_hidden_tab_asks_for_nothing(page: Page, address: str, live: FakeCloudWatch) -> None:
    page.goto(address)
    page.wait_for_selector("[data-testid=updated][data-state=live]")
    page.evaluate(
        """() => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => window.away });
          window.away = true;
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    page.wait_for_selector("[data-testid=updated][data-state=paused]")
    asked = len(live.calls)
    page.wait_for_timeout(2500)
    assert len(live.calls) == asked
    page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')) }")
    page.wait_for_selector("[data-testid=updated][data-state=live]")
    assert len(live.calls) > asked


def test_the_range_and_the_theme_are_chosen_and_kept(page: Page, address: str, trouble: list[str]) -> None:
    page.goto(address)
    assert page.get_attribute("html", "data-theme") == "light"
    page.click("#theme")
    with page.expect_request("**/api/overview?range=1h"):
        page.click('#ranges [data-range="1h"]')
    with page.expect_request("**/api/dashboards/gallery?range=1h"):
        page.goto(f"{address}/dashboards/gallery")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.get_attribute('#ranges [data-range="1h"]', "aria-pressed") == "true"
    assert trouble == []


def test_a_picker_changes_the_queries_and_the_address_and_back_undoes_it(
    page: Page, address: str, live: FakeCloudWatch, trouble: list[str]
) -> None:
    variable = {
        "type": "property",
        "property": "Service",
        "id": "service",
        "inputType": "select",
        "search": "{Shop,Service,Environment}",
        "populateFrom": "Service",
        "defaultValue": "shop",
    }
    live.services = ["shop", HOSTILE]
    radio = {**variable, "id": "again", "inputType": "radio", "property": "Other"}
    widget = metric(["Shop", "Requests", "Service", "shop"])
    live.bodies["pick"] = json.dumps({"variables": [variable, radio], "widgets": [widget]})
    page.goto(f"{address}/dashboards/pick")
    page.locator("select[name=var-service]").select_option(HOSTILE, timeout=SOON)
    page.wait_for_function("() => new URLSearchParams(location.search).has('var-service')", timeout=SOON)
    page.wait_for_function("() => document.querySelector('#tabs a').href.includes('var-service=')", timeout=SOON)
    assert json.dumps(HOSTILE) in json.dumps(live.asked[-1]["queries"])
    page.go_back()
    page.wait_for_function("() => document.querySelector('select[name=var-service]').value === 'shop'", timeout=SOON)
    page.locator("input[type=radio]").nth(0).check()
    page.wait_for_function("() => new URLSearchParams(location.search).has('var-again')", timeout=SOON)
    assert page.locator("main img, main script").count() == 0
    assert trouble == []


def test_log_rows_are_a_table_and_nothing_hostile_runs(
    page: Page, address: str, live: FakeCloudWatch, trouble: list[str]
) -> None:
    live.rows["fields"] = [{"@timestamp": "2027-01-15 08:00:00.000", "level": "ERROR", "message": HOSTILE, "ms": "7"}]
    query = {"region": "us-east-1", "title": HOSTILE, "query": "SOURCE '/a' | fields level"}
    live.bodies["logs"] = json.dumps({"widgets": [{"type": "log", "width": 24, "properties": query}]})
    page.goto(f"{address}/dashboards/logs")
    page.wait_for_selector("table.logs tbody tr", timeout=SOON)
    assert page.locator("table.logs th").all_inner_texts() == ["timestamp", "level", "message", "ms"]
    assert page.locator("table.logs td").nth(2).inner_text() == HOSTILE
    assert page.locator("table.logs caption").inner_text() == "1 of 700 lines"
    assert page.locator("main img, main script").count() == 0
    assert trouble == []


def test_what_is_not_there_says_so(page: Page, address: str) -> None:
    for path in ("/dashboards/nope", "/alarm?name=nope"):
        page.goto(address + path)
        page.wait_for_selector("[data-testid=notice]:not([hidden])")
        assert "there is none named nope" in page.locator("[data-testid=notice]").inner_text()


def test_numbers_read_the_same_on_the_page_as_on_the_server(page: Page, address: str) -> None:
    page.goto(address)
    values = [0, 1, -1, 0.5, 1.005, 7.123, 10, 12.345, 99.5, 99.9999, 100, 100.04, 123.456, 999.9, 1234, 9999, 10_000]
    values += [-45_678, 1e6, 2.5e9, 0.00123, -0.04, 1e-7, 60_000, 86_400]
    cases = [(value, unit) for unit in UNITS.values() for value in values]
    asked = [[value, {"steps": unit.steps, "fine": unit.fine}] for value, unit in cases]
    shown = page.evaluate(
        """async (cases) => {
          const { value } = await import('/static/numbers.js');
          return cases.map(([number, unit]) => value(number, unit));
        }""",
        asked,
    )
    assert shown == [text(value, unit) for value, unit in cases]
