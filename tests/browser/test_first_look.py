"""What a person meets on the page: figures before any script, then live ones, readable by everybody on every screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.screen import Screen
from tests.support.site import Site

Look = Callable[..., Screen]
NUMBER = re.compile(r"^[\d,]+(\.\d+)?$")
# A change of nothing keeps room for a sign.
CHANGE = re.compile("^[+−\u2007]?\\d+\\.\\d\\d$")  # noqa: RUF001
# The server has written an age beside every figure of the watchlist: the page is whole, no script of its own has run.
AS_IF_LATE = """document.addEventListener('readystatechange', () => {
  const ages = document.querySelectorAll('.panel--watchlist [data-cell=age]');
  for (const age of ages) age.innerHTML = '<span class="badge quiet"><span>2.9 s</span></span>';
  window.aged = ages.length;
}, {once: true});"""
# A server that can be reached, but not by WebSocket: nothing newer than the page itself comes.
NO_SOCKET = "globalThis.WebSocket = class { close() {} };"


def test_without_script_the_page_has_numbers_and_says_that_it_stands_still(screen: Look) -> None:
    page = screen(java_script_enabled=False)
    figures = page.cells("watchlist")
    assert len(figures) >= 18
    assert all(NUMBER.match(figure) for figure in figures)
    assert page.page.locator("noscript").inner_text().startswith("This page shows the values of")


def test_figures_change_by_themselves_and_the_books_balance(screen: Look) -> None:
    page = screen()
    page.live()
    before = page.cells("watchlist")
    page.until(
        lambda: sum(a != b for a, b in zip(before, page.cells("watchlist"), strict=True)) > 9, 5, "figures change"
    )
    page.assert_explained()
    assert page.page.evaluate("document.documentElement.hasAttribute('data-unbalanced')") is False
    published, *parts = (page.number(name) for name in ("published", "shown", "merged", "gap"))
    assert abs(published - sum(parts)) < 200  # four readings of a moving page
    assert len(page.sockets) == 1
    page.clean()


def test_every_kind_of_panel_is_drawn(screen: Look) -> None:
    for path in ("/d/market/", "/d/host/"):
        page = screen(path)
        page.live()
        page.page.wait_for_timeout(1500)
        assert page.page.locator(".trouble").count() == 0
        charts = page.page.locator(".chart").count()
        assert page.page.locator(".chart:has(canvas)").count() == charts
        assert page.page.locator(".chart__wait").count() == 0
        blank = page.page.evaluate(
            """[...document.querySelectorAll('.chart canvas, .spark canvas')]
            .filter((it) => it.width && it.checkVisibility())
            .filter((it) => !it.getContext('2d').getImageData(0, 0, it.width, it.height).data.some(Boolean))
            .map((it) => it.closest('.panel').id)"""
        )
        # The crosshair of a candle chart has canvases of its own, which are blank while nobody points.
        assert [panel for panel in blank if not page.page.locator(f"#{panel}.panel--candles").count()] == []
        page.clean()


BOXES = """JSON.stringify([...document.querySelectorAll(
    '.bar, .truth, .panel, .panel__head, .panel__body, .chart, .list tr, .foot')]
  .filter((box) => box.checkVisibility())
  .map((box) => Object.values(box.getBoundingClientRect().toJSON()).map(Math.round)))"""


def test_a_panel_whose_script_did_not_come_is_tried_again(screen: Look, demo: Site) -> None:
    page = screen("/d/host/")
    page.live()
    page.page.route("**/panels/candles.js", lambda route: route.abort())
    page.page.goto(demo.url + "/d/market/")
    page.live()
    page.ticks()
    assert page.page.locator(".panel--candles canvas").count() == 0
    page.page.unroute("**/panels/candles.js")
    page.page.keyboard.press(" ")
    page.page.keyboard.press(" ")
    page.until(lambda: page.page.locator(".panel--candles canvas").count() > 0, 5, "the candles")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("path", ["/d/market/", "/d/host/", "/"])
def test_nothing_moves_after_the_first_paint(screen: Look, path: str, width: int) -> None:
    page = screen(path, viewport={"width": width, "height": 900})
    page.live()
    # A market that has just been started is still giving its past, and says so.
    page.until(lambda: page.page.locator(".warn:visible, .badge:visible").count() == 0, 30, "all is fresh")
    page.page.reload()
    before = page.page.evaluate(BOXES)
    page.live()
    page.page.wait_for_timeout(3000)
    assert page.page.evaluate(BOXES) == before
    assert not page.shifts(), page.shifts()


@pytest.mark.parametrize("path", ["/d/market/", "/d/host/", "/"])
def test_nothing_moves_while_a_site_starts(screen: Look, demo: Site, path: str) -> None:
    """The market is still giving its past, the machine has not measured anything yet."""
    demo.stop()
    demo.start()
    pages = [screen(path, viewport={"width": width, "height": 900}) for width in (1440, 390)]
    for page in pages:
        page.live()
        page.until(
            lambda page=page: page.page.locator(".warn:visible, .badge:visible").count() == 0, 30, "all is fresh"
        )
        page.until(lambda page=page: page.fact("sources-unknown") == "0", 30, "no source is starting")
    pages[0].page.wait_for_timeout(2000)
    assert not any(page.shifts() for page in pages), [page.shifts() for page in pages]


def test_what_the_server_wrote_stands_until_there_is_something_newer(screen: Look) -> None:
    page = screen(script=NO_SOCKET)
    page.until(lambda: page.state == "connecting", 10, "the script runs")
    page.page.wait_for_timeout(1500)
    changes = page.cells("watchlist", "pct")
    assert sum(bool(CHANGE.match(change)) for change in changes) >= 18, changes


def test_an_age_that_the_server_wrote_goes_when_the_figure_is_fresh(screen: Look) -> None:
    page = screen(script=AS_IF_LATE)
    page.live()
    assert page.page.evaluate("window.aged") >= 18
    ages = page.page.locator(".panel--watchlist [data-cell=age]")
    page.until(lambda: not any(ages.all_inner_texts()), 30, "no age beside fresh figures")


def test_the_candle_chart_is_fetched_only_where_there_are_candles(screen: Look) -> None:
    for path, wanted in (("/d/market/", True), ("/d/host/", False)):
        page = screen(path)
        page.live()
        page.page.wait_for_timeout(1000)
        names = page.page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
        assert any("lightweight-charts" in name for name in names) is wanted
        assert page.page.locator("a[href='https://www.tradingview.com/']").count() == int(wanted)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/d/market/", "/d/host/", "/"])
def test_no_rule_of_accessibility_is_broken(screen: Look, path: str, scheme: str) -> None:
    page = screen(path, color_scheme=scheme)
    page.live()
    page.page.wait_for_timeout(800)
    assert page.axe() == []
    if path == "/d/market/":
        page.page.keyboard.press("l")
        page.page.wait_for_timeout(300)
        assert page.axe() == []


CUT = """[...document.querySelectorAll('.panel--stat h2, .watch th small')]
    .filter((name) => name.checkVisibility() && name.scrollWidth > name.clientWidth).map((name) => name.textContent)"""


def test_the_names_beside_a_badge_can_be_read_on_a_small_phone(screen: Look) -> None:
    page = screen(script=NO_SOCKET, viewport={"width": 320, "height": 2400})
    for badge in (".panel--stat:not(.tall) .badge", ".watch .badge"):
        page.until(lambda badge=badge: page.page.locator(badge).count() >= 6, 20, "what is not fresh says so")
    assert page.page.evaluate(CUT) == []


IN_ORDER = """(() => {
  const list = document.querySelector('.movers');
  const figures = () => [...list.querySelectorAll('[data-cell=pct]')]
    .map(({textContent}) => Number(textContent.replace('\u2212', '-')));
  window.disorders = [];
  new MutationObserver(() => {
    if (figures().some((value, at, all) => value > all[at - 1])) window.disorders.push(figures().join(' '));
  }).observe(list, {childList: true, subtree: true, characterData: true});
})()"""


def test_movers_stand_in_the_order_of_their_figures_at_every_moment(screen: Look) -> None:
    page = screen()
    page.live()
    page.page.evaluate(IN_ORDER)
    before = page.cells("bars", "pct")
    page.until(lambda: page.cells("bars", "pct") != before, 10, "figures change")
    page.page.wait_for_timeout(5000)
    assert page.page.evaluate("window.disorders") == []


@pytest.mark.parametrize("width", [1440, 1100, 820, 390, 320])
def test_no_window_is_too_narrow(screen: Look, width: int) -> None:
    for path in ("/d/market/", "/"):
        page = screen(path, viewport={"width": width, "height": 844})
        page.live()
        page.page.wait_for_timeout(300)
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_list_shows_how_the_sources_of_each_dashboard_are(screen: Look) -> None:
    page = screen("/")
    page.live()
    row = page.page.locator("[data-board=market]")
    page.until(lambda: row.locator("[data-cell=live]").inner_text() == "1", 5, "one live source")
    page.page.wait_for_timeout(3000)
    assert row.locator("[data-cell=live]").inner_text() == "1"
    page.clean()


AN_HOUR_AHEAD = """{
  const real = Date;
  globalThis.Date = class extends real {
    constructor(...given) { super(...(given.length ? given : [real.now() + 3.6e6])); }
    static now() { return real.now() + 3.6e6; }
  };
}"""


def test_a_wrong_clock_of_the_viewer_changes_nothing(screen: Look) -> None:
    page, right = screen(script=AN_HOUR_AHEAD), screen()
    page.live()
    right.live()
    page.page.wait_for_timeout(2500)

    def seconds(screen: Screen) -> int:
        hours, minutes, rest = map(int, screen.fact("clock").split(":"))
        return 3600 * hours + 60 * minutes + rest

    assert abs(seconds(page) - seconds(right)) <= 2
    assert page.page.locator(".is-stale").count() == 0
    assert page.fact("sources-live") == "1"
