"""What a person can do on the page, by pointer and by key, and what an operator does to it from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.browser.screen import Screen
from tests.support.site import Person, Site

Look = Callable[..., Screen]
HIDE = """
let hidden = false;
Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
Object.defineProperty(document, 'hidden', { get: () => hidden });
window.hide = (on) => { hidden = on; document.dispatchEvent(new Event('visibilitychange')); };
"""


def test_a_lower_rate_merges_and_says_how_much(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.locator("button[popovertarget=rate-menu]").click()
    page.page.locator("#rate-menu input[value='1']").check()
    assert page.fact("rate") == "1 Hz"
    page.page.wait_for_timeout(3000)
    before = len(page.frames("d"))
    page.page.wait_for_timeout(4000)
    assert 2 <= len(page.frames("d")) - before <= 6
    page.until(lambda: float(page.fact("merged-share").rstrip("%")) > 5, 12, "merged")
    assert page.number("merged") > 0
    page.assert_explained()
    page.page.reload()
    page.live()
    assert page.fact("rate") == "1 Hz", "the choice is kept"
    page.clean()


def test_every_tick_is_not_merged(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.locator("button[popovertarget=rate-menu]").click()
    page.page.locator("#rate-menu input[value='0']").check()
    page.page.wait_for_timeout(1500)
    merged = page.number("merged")
    page.ticks()
    page.page.wait_for_timeout(2000)
    assert page.number("merged") == merged


def test_space_holds_the_picture_counts_what_waits_and_lets_it_come(screen: Look) -> None:
    page = screen()
    page.live()
    page.ticks()
    page.page.keyboard.press(" ")
    page.until(lambda: page.state == "paused", 2, "paused")
    page.page.wait_for_timeout(700)
    held = page.cells("watchlist")
    page.page.wait_for_timeout(3000)
    assert page.cells("watchlist") == held
    assert "Paused at" in page.line()
    assert "ticks wait; none is lost" in page.line()
    assert page.fact("pause-word") == "Resume"
    page.until(lambda: int(page.fact("waiting").removeprefix("About ").replace(",", "")) > 100, 6, "ticks wait")
    page.page.keyboard.press(" ")
    page.live(3)
    page.until(lambda: page.cells("watchlist") != held, 3, "figures move again")
    page.assert_explained()
    assert page.number("gap") == 0
    page.clean()


def test_keys_mean_nothing_while_somebody_types_or_presses_a_button(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.evaluate("() => { const box = document.createElement('input'); document.body.append(box); box.focus(); }")
    page.page.keyboard.type("a b l")
    assert page.state == "live"
    assert page.page.locator("#ledger").is_hidden()
    page.page.locator("button[data-sort=last]").focus()
    page.page.keyboard.press(" ")
    assert page.state == "live", "Space presses the button in focus"
    assert page.page.locator("th[aria-sort=descending] [data-sort=last]").count() == 1


def test_a_hidden_tab_gets_no_data_and_comes_back_with_one_catch_up(screen: Look) -> None:
    page = screen(script=HIDE)
    page.live()
    page.ticks()
    page.page.evaluate("hide(true)")
    page.until(lambda: any(frame.get("visible") is False for frame in page.sent), 6, "the server is told")
    page.page.wait_for_timeout(500)
    before = len(page.frames("d"))
    page.page.wait_for_timeout(3000)
    assert len(page.frames("d")) == before
    page.page.evaluate("hide(false)")
    page.until(lambda: len(page.frames("d")) > before, 3, "a catch-up")
    catch_up = page.frames("d")[before]
    assert sum(block["b"] - block["a"] + 1 for block in catch_up["d"]) > 200, "all of it in one frame"
    page.ticks()
    page.assert_explained()
    assert page.number("gap") == 0
    page.clean()


def test_the_range_is_kept_in_the_address(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.locator("[data-range='60']").click()
    assert "range=1m" in page.page.url
    assert page.fact("range") == "1 m"
    page.live()
    page.ticks()
    page.page.keyboard.press("2")
    assert "range=5m" in page.page.url
    page.page.reload()
    page.live()
    assert page.page.locator("[data-range='300']").get_attribute("aria-pressed") == "true"
    page.assert_explained()
    page.clean()


def test_the_watchlist_is_sorted_by_keyboard(screen: Look) -> None:
    page = screen()
    page.live()
    symbols = page.page.locator(".watch tbody th")
    given = symbols.all_text_contents()
    page.page.locator("button[data-sort=symbol]").focus()
    page.page.keyboard.press("Enter")
    assert symbols.all_text_contents() == sorted(given, key=str.casefold)
    page.page.keyboard.press("Enter")
    assert symbols.all_text_contents() == sorted(given, key=str.casefold, reverse=True)
    page.page.keyboard.press("Enter")
    assert symbols.all_text_contents() == given


def test_the_theme_and_the_colours_are_kept(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.locator("button[popovertarget=theme-menu]").click()
    page.page.locator("#theme-menu input[value=light]").check()
    page.page.locator("#theme-menu input[value=cvd]").check()
    page.page.reload()
    page.live()
    root = page.page.locator("html")
    assert (root.get_attribute("data-theme"), root.get_attribute("data-palette")) == ("light", "cvd")
    page.clean()


def test_the_ledger_opens_balances_and_gives_the_focus_back(screen: Look) -> None:
    page = screen()
    page.live()
    opener = page.page.locator(".truth[data-when=live] [data-act=ledger]")
    opener.click()
    assert opener.get_attribute("aria-expanded") == "true"
    row = page.page.locator("[data-table=balance] tr").first
    page.page.keyboard.press(" ")
    page.page.wait_for_timeout(1500)
    names = ("published", "shown", "merged", "gap")
    published, *parts = (int(row.locator(f"[data-cell={name}]").inner_text().replace(",", "")) for name in names)
    assert published == sum(parts) > 0
    assert row.locator("[data-cell=unexplained]").inner_text() == "0"
    assert page.page.locator("[data-table=events] tr").count() >= 3
    page.page.keyboard.press(" ")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#ledger").is_hidden()
    page.clean()


def test_shortcuts_are_listed_and_a_panel_gets_the_whole_screen(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.keyboard.press("?")
    assert page.page.locator("#shortcuts").is_visible()
    page.page.keyboard.press("Escape")
    page.page.locator(".panel--candles").hover()
    page.page.keyboard.press("f")
    page.until(lambda: page.page.evaluate("document.fullscreenElement?.dataset.kind") == "candles", 3, "full screen")
    page.page.keyboard.press("f")
    page.until(lambda: page.page.evaluate("document.fullscreenElement === null"), 3, "back")
    page.clean()


def test_the_kiosk_shows_the_wall_alone(screen: Look) -> None:
    page = screen("/d/market/?kiosk=1", viewport={"width": 1920, "height": 1080})
    page.live()
    assert not page.page.locator(".bar").is_visible()
    assert page.page.locator(".kiosk-title").first.is_visible()
    assert page.page.evaluate("document.documentElement.scrollHeight") <= 1080
    page.clean()


def test_a_source_that_is_switched_off_is_seen_within_two_seconds(screen: Look, demo: Site, ana: Person) -> None:
    page = screen()
    page.live()
    number = demo.shell("print(DataSource.objects.get(slug='market').pk)").strip()

    def act(action: str) -> None:
        status, answer = ana.post("/admin/dashboard/datasource/", {"action": action, "_selected_action": [number]})
        assert status == 200, answer

    rows, state = (
        page.page.locator(".panel--watchlist tr.is-stale"),
        page.page.locator(".panel--sources [data-cell=state]"),
    )
    began = time.monotonic()
    act("disable")
    try:
        # Panels are drawn one after another.
        page.until(lambda: rows.count() >= 18 and state.first.inner_text() == "Stopped", 3, "stale")
        assert time.monotonic() - began <= 2.5
        assert page.state == "live", "the line is well; it is the source that is silent"
        badge = page.page.locator(".panel--line .panel__badge")
        page.until(lambda: "Stopped" in badge.inner_text(), 3, "the head of the chart says so")
        page.page.wait_for_timeout(6000)
        assert page.page.locator(".panel--watchlist [data-cell=age]").first.inner_text() != ""
    finally:
        act("enable")
    page.until(lambda: page.page.locator(".is-stale").count() == 0, 6, "fresh again")
    page.ticks()
    page.assert_explained()
    page.clean()


def test_a_changed_dashboard_changes_only_the_panels_that_differ(screen: Look, demo: Site, ana: Person) -> None:
    page = screen()
    page.live()
    number = demo.shell("print(Dashboard.objects.get(slug='market').pk)").strip()
    path = f"/admin/dashboard/dashboard/{number}/change/"
    page.page.evaluate(
        """() => { for (const panel of document.querySelectorAll('.panel')) panel.mark = panel.dataset.panel;
        document.querySelector('button[data-sort=last]').focus(); }"""
    )
    values = ana.form_values(path)
    place = next(name for name, value in values.items() if name.endswith("-title") and value == "Movers")

    def rename(title: str) -> None:
        status, answer = ana.post(path, {**ana.form_values(path), place: title})
        assert status == 200
        assert "errornote" not in answer

    rename("Biggest movers")
    try:
        page.until(lambda: page.page.locator(".panel--bars h2").inner_text() == "Biggest movers", 6, "the new title")
        kept = page.page.evaluate("[...document.querySelectorAll('.panel')].filter((panel) => panel.mark).length")
        assert kept == page.page.locator(".panel").count() - 1
        assert page.page.evaluate("document.activeElement.dataset.sort") == "last"
        page.ticks()
        figures = page.page.locator(".panel--bars [data-cell=pct]")
        page.until(lambda: "." in figures.first.inner_text(), 3, "it lives")
        page.assert_explained()
        page.clean()
    finally:
        rename("Movers")


def test_a_panel_that_cannot_be_drawn_says_so_and_the_others_go_on(screen: Look) -> None:
    broken = "CanvasRenderingContext2D.prototype.arc = () => { throw new Error('no arcs today'); };"
    page = screen(script=broken)
    page.live()
    page.until(lambda: page.page.locator(".panel .trouble").count() >= 1, 5, "a sentence in its place")
    assert "The others go on" in page.page.locator(".panel .trouble").first.inner_text()
    page.ticks()
    before = page.page.locator(".panel--candles [data-cell=volume]").inner_text()
    page.until(
        lambda: page.page.locator(".panel--candles [data-cell=volume]").inner_text() != before, 5, "candles go on"
    )


def test_charts_of_every_kind_share_their_crosshair(screen: Look) -> None:
    page = screen()
    page.live()
    page.until(lambda: page.page.locator(".panel--candles canvas").count() > 0, 10, "the candles")
    page.page.wait_for_timeout(1000)
    page.page.keyboard.press(" ")
    page.until(lambda: page.state == "paused", 3, "paused, so that nothing else changes what is written")
    page.page.wait_for_timeout(1000)

    def candle() -> list[str]:
        return [text for cell in ("open", "high", "low", "close", "volume") for text in page.cells("candles", cell)]

    def lines() -> list[str]:
        return page.cells("line", "pct")

    def point(chart: str, share: float) -> None:
        box = page.page.locator(chart).first.bounding_box()
        assert box is not None
        page.page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)

    forming, latest = candle(), lines()
    point(".panel--line .u-over", 0.4)
    page.until(lambda: candle() != forming and lines() != latest, 5, "the candle of that moment")
    pointed = candle()
    point(".panel--line .u-over", 0.8)
    page.until(lambda: candle() not in (forming, pointed), 5, "another candle")
    page.page.mouse.move(5, 5)
    page.until(lambda: candle() == forming and lines() == latest, 5, "what stood there before")
    point(".panel--candles canvas", 0.3)
    page.until(lambda: candle() != forming and lines() != latest, 5, "the lines at that moment")
    page.page.mouse.move(5, 5)
    page.until(lambda: candle() == forming and lines() == latest, 5, "what stood there before")
    page.clean()
