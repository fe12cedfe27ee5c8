"""What a person sees when he may no longer see it, when the page is of an old version, and when he comes back to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.screen import Screen
from tests.support.site import Person, Site

Look = Callable[..., Screen]


def sign_in(context: BrowserContext, url: str) -> str:
    """Signs in by a form in the browser and returns the key of the session."""
    page = context.new_page()
    page.goto(url + "/accounts/login/")
    page.fill("#id_username", "ana")
    page.fill("#id_password", "ana likes numbers")
    page.locator("form button").click()
    page.wait_for_url(url + "/")
    page.close()
    return next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "sessionid")


def test_who_is_signed_out_elsewhere_is_told_and_keeps_what_is_on_screen(screen: Look, demo: Site) -> None:
    page = screen()
    key = sign_in(page.context, demo.url)
    page.page.goto(demo.url + "/d/market/")
    page.live()
    page.ticks()
    figures = page.cells("watchlist")
    demo.shell(f"from django.contrib.sessions.models import Session; Session.objects.get(pk='{key}').delete()")
    page.until(lambda: page.state == "stopped", 12, "stopped")
    assert "Signed out" in page.line()
    assert "All figures are from" in page.line()
    assert len(page.cells("watchlist")) == len(figures)
    assert page.axe() == []
    page.page.locator(".truth:visible [data-act=retry]").click()
    page.page.wait_for_url("**/accounts/login/?next=%2Fd%2Fmarket%2F")


def test_a_dashboard_that_is_closed_to_the_viewer_stops(screen: Look, demo: Site, ana: Person) -> None:
    page = screen("/d/host/")
    page.live()
    number = demo.shell("print(Dashboard.objects.get(slug='host').pk)").strip()
    path = f"/admin/dashboard/dashboard/{number}/change/"

    def open_to(whom: str) -> None:
        status, answer = ana.post(path, {**ana.form_values(path), "visibility": whom})
        assert status == 200
        assert "errornote" not in answer

    open_to("private")
    try:
        page.until(lambda: page.state == "stopped", 8, "stopped")
        assert "No access" in page.line()
    finally:
        open_to("public")


# The page claims to be of a version that the server does not run.
OLDER = """new MutationObserver(() => {
  const meta = document.querySelector('meta[name=build]');
  if (meta && !meta.content.startsWith('old')) meta.content = `old-${meta.content}`;
}).observe(document, {childList: true, subtree: true});"""


def test_a_page_of_another_version_offers_to_load_itself_anew(screen: Look) -> None:
    page = screen(script=OLDER)
    page.live()
    page.until(lambda: "New version: reload" in page.line(), 5, "the offer")
    page.ticks()
    page.page.evaluate("window.mark = 'this very page'")
    page.page.get_by_role("button", name="New version").click()
    page.until(lambda: page.page.evaluate("window.mark") is None, 5, "another page")
    page.live()
    page.clean()


def test_the_back_button_brings_back_a_live_page(demo: Site, browser: Browser) -> None:
    path = shutil.which("chromium") or pytest.fail("no chromium")
    kind = browser.browser_type
    chromium = kind.launch(
        executable_path=path,
        args=["--no-sandbox", "--disable-gpu"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    try:
        page = Screen(chromium, demo.url + "/d/market/")
        page.live()
        page.ticks()
        page.page.evaluate("window.mark = 'this very page'")
        page.page.goto(demo.url + "/")
        page.page.wait_for_timeout(1500)
        page.page.go_back(wait_until="commit")
        page.live(5)
        page.ticks()
        page.assert_explained()
        assert page.page.evaluate("window.mark") == "this very page", "it was kept, not loaded again"
    finally:
        chromium.close()


def test_cut_off_and_paused_pages_break_no_rule_of_accessibility(screen: Look, demo: Site) -> None:
    import signal

    pages = [screen(color_scheme=scheme) for scheme in ("dark", "light")]
    for page in pages:
        page.live()
        page.page.keyboard.press(" ")
        page.page.wait_for_timeout(600)
        assert page.state == "paused"
        assert page.axe() == []
        page.page.keyboard.press(" ")
        page.live()
    demo.signal(signal.SIGSTOP)
    try:
        for page in pages:
            page.until(lambda page=page: page.state == "down", 15, "down")
            page.page.wait_for_timeout(4000)
            assert page.axe() == []
            assert page.page.evaluate("document.documentElement.scrollWidth") <= 1440
    finally:
        demo.signal(signal.SIGCONT)
