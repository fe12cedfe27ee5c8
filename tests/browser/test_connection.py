"""What a person sees while the line or the server fails, and that afterwards nothing is missing without a word."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import TimeoutError

from tests.browser.proxy import Proxy
from tests.browser.screen import Screen
from tests.support.promise import promised
from tests.support.site import Site

Look = Callable[..., Screen]
# Marks the page, puts the focus somewhere and scrolls: all of it must survive.
SETTLE = """() => {
  window.mark = 'this very page';
  document.querySelector('button[data-sort=last]').focus();
  scrollTo(0, 60);
  document.querySelector('.panel--watchlist .scrolls').scrollTop = 40;
}"""
SETTLED = """() => [window.mark, document.activeElement.dataset.sort, scrollY > 0,
  document.querySelector('.panel--watchlist .scrolls').scrollTop]"""


def test_a_frozen_server_is_delayed_then_gone_and_repaired_when_it_is_back(screen: Look, demo: Site) -> None:
    page = screen(viewport={"width": 1440, "height": 700})
    page.live()
    page.ticks()
    page.page.evaluate(SETTLE)
    settled = page.page.evaluate(SETTLED)
    demo.signal(signal.SIGSTOP)
    try:
        page.until(lambda: page.state == "delayed", 6, "delayed")
        assert "Delayed" in page.line()
        page.until(lambda: page.state == "down", 12, "down")
        assert "Reconnecting" in page.line()
        assert "No contact since" in page.line()
        assert "All figures are from then" in page.line()
        assert page.page.locator(".panel__asof").first.inner_text().startswith("as of ")
        page.page.wait_for_timeout(1500)
        assert page.page.locator(".panel--sources [data-cell=state]").first.inner_text() == "Unknown"
    finally:
        demo.signal(signal.SIGCONT)
    page.live(30)
    page.ticks()
    assert page.page.evaluate(SETTLED) == settled
    page.assert_explained()
    assert page.number("gap") == 0, "what came meanwhile was filled in"
    page.page.keyboard.press("l")
    gaps = page.page.locator("[data-table=gaps]")
    page.until(lambda: "repaired" in gaps.inner_text(), 5, "the gap is in the books")
    page.clean()


def test_a_short_cut_is_not_mentioned(screen: Look, line: Proxy) -> None:
    page = screen(url=line.url)
    page.live()
    page.page.evaluate(
        """() => {
          window.states = [];
          const root = document.documentElement;
          const note = () => window.states.push(root.dataset.state);
          new MutationObserver(note).observe(root, {attributeFilter: ['data-state']});
        }"""
    )
    sockets = len(page.sockets)
    line.cut()
    page.until(lambda: len(page.sockets) > sockets, 5, "another socket")
    page.ticks()
    # The first try comes after a random time of up to a second: only a later one may have been mentioned.
    assert set(page.page.evaluate("window.states")) <= {"down", "live"}
    page.assert_explained()
    page.clean()


def test_a_killed_server_leaves_a_gap_with_its_cause(screen: Look, demo: Site) -> None:
    page = screen()
    page.live()
    page.ticks()
    demo.kill()
    page.until(lambda: page.state == "down", 5, "down")
    demo.start()
    page.live(40)
    page.ticks()
    page.assert_explained()
    page.page.keyboard.press("l")
    gaps = page.page.locator("[data-table=gaps]")
    # A worker of its own begins only when the lease of the one that was killed has run out.
    lost = ("Lost: server restarted", "Lost: worker changed")
    page.until(lambda: any(words in gaps.inner_text() for words in lost), 20, "the gap is in the books")
    page.clean()


def test_a_server_that_is_stopped_says_so_before_it_goes(screen: Look, demo: Site) -> None:
    page = screen()
    page.live()
    demo.signal(signal.SIGTERM)
    page.until(lambda: "Restarting" in page.line() or "restarting" in page.line(), 6, "restarting")
    assert page.state == "down"
    demo.wait()
    demo.start()
    page.live(40)
    page.ticks()
    page.assert_explained()
    page.clean()


def test_the_books_are_opened_while_the_server_is_away(screen: Look, demo: Site) -> None:
    """What writes them has not been fetched yet: the sums stand, a sentence says so, and they follow by themselves."""
    page = screen()
    page.live()
    page.ticks()
    demo.kill()
    page.until(lambda: page.state == "down", 5, "down")
    page.page.keyboard.press("l")
    drawer = page.page.locator("#ledger")
    page.until(lambda: "The server is away" in drawer.inner_text(), 5, "it is said")
    assert page.number("published") > 0
    demo.start()
    page.live(40)
    events = page.page.locator("[data-table=events] tr")
    page.until(lambda: events.count() > 0, 20, "the books are there")
    assert "The server is away" not in drawer.inner_text()


def test_try_now_tries_now(screen: Look, demo: Site) -> None:
    page = screen()
    page.live()
    demo.signal(signal.SIGKILL)
    demo.wait()
    page.until(lambda: page.state == "down", 5, "down")
    # By now the waits between two tries have grown.
    page.page.wait_for_timeout(6000)
    demo.start()
    if page.state == "down":
        # It may be back by itself before the hand is there.
        with suppress(TimeoutError):
            page.page.locator(".truth:visible [data-act=retry]").click(timeout=3000)
    page.live(12)


def test_after_ten_cuts_the_books_of_the_page_equal_the_log(screen: Look, demo: Site, line: Proxy, full: bool) -> None:
    page = screen(url=line.url)
    page.live()
    began = time.monotonic()
    for cut in range(10):
        page.ticks(15)
        if full:
            # Over a minute and more, so that heartbeats and checks of rights lie between the cuts.
            page.page.wait_for_timeout(max(0.0, began + 6.5 * (cut + 1) - time.monotonic()) * 1000)
        sockets = len(page.sockets)
        line.cut()
        page.until(lambda sockets=sockets: len(page.sockets) > sockets, 25, "another socket")
        page.live(25)
    page.ticks()
    page.page.locator("#pause").click()
    page.until(lambda: page.state == "paused", 3, "paused")
    page.page.wait_for_timeout(1000)
    book = page.book()
    (account,) = book["ledger"]
    assert account["reconnects"] >= 10
    with promised():
        assert account["unexplained"] == account["gap"] == account["unknownGaps"] == 0
    first = page.frames("snap")[0]
    shown = {series[0] for series in page.frames("subd")[0]["series"]}
    log = demo.read_log("market", first["seq"], account["pos"])
    assert log.epoch == account["epoch"] == first["epoch"]
    # A visitor is shown the ticks of the series that he may see: those on dashboards that are open to everybody.
    assert log.seqs == sorted(set(log.seqs))
    assert log.seqs[0] > first["seq"]
    assert log.seqs[-1] <= account["pos"]
    published = sum(series in shown for series, *_ in log.ticks)
    assert published > 1000
    with promised():
        assert account["published"] == published == account["shown"] + account["merged"]
    # What stands on the page is what the books say.
    assert page.number("published") == published
    page.assert_explained()
    page.clean()
