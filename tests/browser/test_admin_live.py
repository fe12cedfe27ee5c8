"""The admin's sources live on the page: what happens to one is seen without a reload, and so is that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.browser.screen import Screen
from tests.support.site import Person, Site

Look = Callable[..., Screen]
LIST = "/admin/dashboard/datasource/"
# The parts of the admin's pages that are not Django's.
OURS = (".truths", "#result_list", ".standing", ".deeds", "#what-happened")


def enter(page: Screen, url: str, path: str) -> None:
    """Signs in as a person does, and lands on a page of the admin."""
    page.page.goto(f"{url}/accounts/login/?next={path}")
    page.page.fill("[name=username]", "ana")
    page.page.fill("[name=password]", "ana likes numbers")
    page.page.press("[name=password]", "Enter")
    page.page.wait_for_url(f"**{path}")


@cache
def source_of(site: Site, slug: str) -> int:
    return int(site.shell(f"print(DataSource.objects.get(slug='{slug}').pk)"))


class Admin:
    """A page of the admin, and what it says of one source."""

    def __init__(self, page: Screen, source: int) -> None:
        self.page, self.source = page, source

    def cell(self, name: str) -> str:
        return str(self.page.page.locator(f"[data-source='{self.source}'][data-cell={name}]").inner_text()).strip()

    def says(self, name: str, text: str, seconds: float = 20) -> None:
        self.page.until(lambda: text in self.cell(name), seconds, f"{name}: {text}; it says {self.cell(name)}")

    def number(self, name: str) -> int:
        text = self.cell(name).replace(",", "")
        return int(text) if text.isdigit() else 0

    def live(self) -> None:
        self.page.until(lambda: self.page.state == "live", 20, "live")


@pytest.fixture
def look(screen: Look, demo: Site) -> Callable[..., Admin]:
    def open_(path: str = LIST, slug: str = "market", *, url: str = "", **options: Any) -> Admin:
        page = screen("/accounts/login/", url=url, **options)
        enter(page, url or demo.url, path)
        admin = Admin(page, source_of(demo, slug))
        admin.live()
        return admin

    return open_


@pytest.fixture
def market_page(demo: Site) -> str:
    return f"{LIST}{source_of(demo, 'market')}/change/"


@pytest.fixture
def enabled_again(demo: Site) -> Iterator[None]:
    yield
    demo.manage("source", "enable", "market")


@pytest.mark.usefixtures("enabled_again")
def test_a_source_that_somebody_switches_off_is_seen_on_the_open_list_and_in_its_history(
    look: Callable[..., Admin], ana: Person, market_page: str
) -> None:
    listed, paged = look(), look(market_page)
    listed.says("state", "Live")
    paged.says("state", "Live")
    status, answer = ana.post(LIST, {"action": "disable", "_selected_action": [str(listed.source)]})
    assert status == 200, answer
    listed.says("state", "Stopped")
    listed.says("enabled", "No")
    paged.says("state", "Stopped")
    rows = paged.page.page.locator("[data-table=history] tr")
    paged.page.until(lambda: "Disabled" in rows.nth(0).inner_text() + rows.nth(1).inner_text(), 20, "the history")
    assert "ana" in rows.nth(0).inner_text() + rows.nth(1).inner_text()
    for admin in (listed, paged):
        admin.page.clean()


def test_a_source_is_started_anew_by_its_button(look: Callable[..., Admin], market_page: str) -> None:
    admin = look(market_page)
    admin.says("state", "Live")
    admin.page.page.click("button[value=restart]")
    admin.page.page.wait_for_selector("text=1 source started anew.")
    admin.live()
    rows = admin.page.page.locator("[data-table=history]")
    admin.page.until(lambda: "Restarted" in rows.inner_text() and "Starting" in rows.inner_text(), 20, "the history")
    admin.says("state", "Live")
    admin.page.clean()


def test_nothing_is_shown_as_live_when_what_runs_the_feeds_is_killed(look: Callable[..., Admin], demo: Site) -> None:
    admin = look()
    admin.says("state", "Live")
    victim = demo.worker or demo.process
    assert victim is not None
    victim.kill()
    victim.wait(10)
    try:
        admin.says("state", "Unknown", 40)
        if demo.worker is None:
            admin.page.until(lambda: admin.page.state == "down", 20, "the loss is said")
            assert "All figures are from then" in admin.page.line()
        else:
            admin.says("note", "No worker runs it", 40)
            assert admin.page.state == "live", "the line is well; it is the worker that is gone"
    finally:
        demo.start()
    admin.says("state", "Live", 60)
    admin.live()


def test_an_error_of_a_feed_is_said_in_words(look: Callable[..., Admin], demo: Site) -> None:
    demo.shell("DataSource.objects.create(name='Psychic', slug='psychic', kind='telepathy', config={})")
    try:
        admin = look(slug="psychic")
        admin.says("state", "Down")
        assert "telepathy" in admin.cell("note")
    finally:
        demo.manage("source", "remove", "psychic")
    admin.says("state", "Deleted")


def test_a_series_that_is_hidden_leaves_the_open_dashboards(screen: Look, demo: Site, ana: Person) -> None:
    page = screen()
    page.live()
    rows = page.page.locator(".panel--watchlist tbody tr")
    before = rows.count()
    number = demo.shell("print(Series.objects.get(source__slug='market', key='ES').pk)").strip()
    form = {"_selected_action": [number]}
    assert ana.post("/admin/dashboard/series/", {"action": "hide", **form})[0] == 200
    try:
        page.until(lambda: rows.count() == before - 1, 20, "it is gone")
        page.ticks()
        page.assert_explained()
    finally:
        assert ana.post("/admin/dashboard/series/", {"action": "show", **form})[0] == 200
    page.until(lambda: rows.count() == before, 20, "it is back")
    page.clean()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_rule_of_accessibility_is_broken(look: Callable[..., Admin], market_page: str, scheme: str) -> None:
    for path in (LIST, market_page):
        admin = look(path, color_scheme=scheme)
        admin.says("state", "Live")
        # Not what Django makes of the form and its tables.
        ours = [part for part in OURS if admin.page.page.locator(part).count()]
        assert len(ours) >= 2
        assert admin.page.axe(within=ours) == []


def test_the_list_ticks_without_a_poll_or_a_reload(look: Callable[..., Admin]) -> None:
    admin = look()
    admin.says("state", "Live")
    before = admin.number("published")
    requests: list[str] = []
    admin.page.page.on("request", lambda request: requests.append(request.url))
    admin.page.until(lambda: admin.number("published") > before + 50, 20, "ticks are published")
    assert admin.cell("worker") not in ("", "–", "nobody")  # noqa: RUF001
    assert re.fullmatch(r"[\d.]+ s", admin.cell("age"))
    assert float(admin.cell("hz").replace(",", "")) > 1
    assert requests == []
    assert len(admin.page.sockets) == 1
    assert not admin.page.frames("d"), "how sources stand is told without their ticks"
    admin.page.clean()


def test_a_viewer_who_comes_is_counted(look: Callable[..., Admin], screen: Look) -> None:
    admin = look()
    admin.page.until(lambda: admin.cell("viewers") not in ("", "–"), 20, "a count")  # noqa: RUF001
    before = admin.number("viewers")
    other = screen("/d/market/")
    other.live()
    admin.page.until(lambda: admin.number("viewers") == before + 1, 20, "one more looks")


@pytest.mark.usefixtures("enabled_again")
def test_a_command_reaches_the_open_pages_too(look: Callable[..., Admin], demo: Site, market_page: str) -> None:
    admin = look(market_page)
    admin.says("state", "Live")
    demo.manage("source", "disable", "market")
    admin.says("state", "Stopped")
    rows = admin.page.page.locator("[data-table=history]")
    admin.page.until(lambda: "Disabled" in rows.inner_text(), 20, "the history")


def test_without_script_the_list_says_how_things_were(screen: Look, ana: Person, demo: Site) -> None:
    status, html = ana.get(LIST)
    assert status == 200
    assert "JavaScript is off" in html
    assert re.search(r'data-cell="state">.{0,120}<span>(Live|Late|Starting)</span>', html, re.S)
