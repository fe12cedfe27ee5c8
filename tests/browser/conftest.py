"""Holds the browser, and a site with the demo dashboards for it to look at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.proxy import Proxy
from tests.browser.screen import Screen
from tests.support.site import Person, Site

PEOPLE = """
from django.contrib.auth.models import User
User.objects.create_superuser("ana", password="ana likes numbers")
"""


# Of this package, not of the session: while Playwright runs no other event loop can, and other tests need theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("There is no Chromium for the browser tests. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the demo dashboards whose deadlines are shortened; whoever stops it starts it again."""
    it = Site(
        tmp_path_factory.mktemp("demo"),
        TICKWALL_HEARTBEAT_SECONDS="2",
        TICKWALL_DRAIN_SECONDS="2",
        TICKWALL_RECHECK_SECONDS="5",
    )
    it.manage("migrate", "-v0")
    it.manage("seed_demo")
    it.shell(PEOPLE)
    it.start()
    try:
        yield it
    finally:
        it.stop()


@pytest.fixture(scope="package")
def ana(demo: Site) -> Person:
    return Person(demo.url).sign_in("ana", "ana likes numbers")


@pytest.fixture
def line(demo: Site) -> Iterator[Proxy]:
    """A line to the site that can be cut."""
    proxy = Proxy(demo.port)
    yield proxy
    proxy.close()


@pytest.fixture
def screen(browser: Browser, demo: Site) -> Iterator[Callable[..., Screen]]:
    """Opens pages of the site, and closes them after the test; a test that failed while the site was away leaves it
    running for the next."""
    opened: list[Screen] = []

    def look(path: str = "/d/market/", *, url: str = "", **options: Any) -> Screen:
        it = Screen(browser, (url or demo.url) + path, **options)
        opened.append(it)
        return it

    yield look
    for it in opened:
        it.close()
    demo.start()
