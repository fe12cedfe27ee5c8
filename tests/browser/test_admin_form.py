"""What a person does who has something that ticks and an empty site: from the first login to his first dashboard."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PEOPLE
from tests.browser.screen import Screen
from tests.support.site import Site

PASSWORD = "only the sensor knows"


class Sensor(BaseHTTPRequestHandler):
    """Says another temperature each time to whoever has the token."""

    said = 0

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {PASSWORD}"
        Sensor.said += 1
        answer = {"room": {"temperature": 20 + Sensor.said % 10 / 10, "state": "heating"}}
        body = json.dumps(answer if known else {"error": "who are you?"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def sensor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sensor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/now"
    server.shutdown()
    server.server_close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    it = Site(tmp_path, TICKWALL_SOURCE_ALLOW_PRIVATE="127.0.0.0/8")
    it.manage("migrate", "-v0")
    it.shell(PEOPLE)
    it.start()
    yield it
    it.stop()


def is_accessible(screen: Screen) -> None:
    """Asks axe, which itself does what the policy of the page forbids: what it is blamed for is not the page's."""
    screen.clean()
    assert screen.axe() == []
    screen.complaints.clear()
    screen.page.evaluate("window.violations = []")


def test_from_an_empty_site_to_a_source_that_ticks_on_a_dashboard(
    browser: Browser, empty: Site, sensor: str, tmp_path: Path
) -> None:
    """Takes less than two minutes. The pictures of docs/images/admin-*.png are those that it leaves in its folder."""
    began = time.monotonic()
    screen = Screen(browser, empty.url + "/admin/", color_scheme="light", viewport={"width": 1280, "height": 900})
    page = screen.page
    page.fill("#id_username", "ana")
    page.fill("#id_password", "ana likes numbers")
    page.locator("[type=submit]").click()
    page.goto(empty.url + "/admin/dashboard/datasource/add/")

    # Another kind shows its fields at once, and the way back finds what was typed.
    page.fill("[name='config.url']", sensor)
    page.select_option("#id_kind", "simulated")
    expect(page.locator("[name='config.volatility']")).to_be_visible()
    page.select_option("#id_kind", "http")
    expect(page.locator("[name='config.url']")).to_have_value(sensor)

    page.fill("#id_name", "Living room")
    page.fill("[name='config.interval']", "0.5")
    page.select_option("[name='config.auth']", label="bearer")
    page.fill("[name='config.token']", "wrong")
    page.fill("[name='config.series.0.path']", "room.temperature")
    page.fill("[name='config.series.0.unit']", "°C")
    page.get_by_role("button", name="Add a row").last.scroll_into_view_if_needed()
    page.get_by_role("group", name="Values").get_by_role("button", name="Add a row").click()
    page.fill("[name='config.series.1.path']", "room.state")
    page.check("[name='config.series.1.text']")

    page.get_by_role("button", name="Test").click()
    expect(page.locator("#config-result")).to_contain_text("401", timeout=30_000)
    page.screenshot(path=tmp_path / "admin-refused.png", full_page=True)
    page.fill("[name='config.token']", PASSWORD)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#config-result")).to_contain_text("Test passed", timeout=30_000)
    rows = page.locator("#config-result tbody tr").all_inner_texts()
    assert len([row for row in rows if row.startswith("room.temperature\t")]) == 3
    assert len([row for row in rows if "heating" in row]) == 3
    is_accessible(screen)
    page.screenshot(path=tmp_path / "admin-form.png", full_page=True)

    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Put Living room on a dashboard").click()
    expect(page.get_by_role("button", name="Put it there")).to_be_visible(timeout=30_000)
    is_accessible(screen)
    page.screenshot(path=tmp_path / "admin-board.png")
    page.get_by_role("button", name="Put it there").click()
    page.wait_for_url("**/d/living-room/")
    screen.live()
    screen.until(lambda: screen.number("published") > 4, 20, "ticks of the sensor")
    screen.until(lambda: any(text.startswith("20.") for text in screen.cells("stat")), 10, "a temperature")
    took = time.monotonic() - began
    print(f"a source that ticks on a dashboard after {took:.0f} s")
    assert took < 120
    page.screenshot(path=tmp_path / "admin-dashboard.png")
    assert PASSWORD not in page.content()
    screen.clean()
    screen.close()
