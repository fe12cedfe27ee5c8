"""A source that is changed again and again ends as the last save has it, with one feed and no more."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.site import Person, Site, site

LIST = "/admin/dashboard/datasource/"
# Ticks a second that one feed of the source gives: 24 instruments, each ten times (tests/support/site.py).
RATE = 240


def until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def press(it: Site, person: Person, path: str, deed: str) -> int:
    """Presses a button and does not wait for the page that comes after it."""
    token = next(cookie.value for cookie in person.cookies if cookie.name == "csrftoken")
    body = urlencode({"act": deed, "csrfmiddlewaretoken": token})
    headers = {"Origin": it.url, "Content-Type": "application/x-www-form-urlencoded", **person.cookie_header}
    connection = HTTPConnection("127.0.0.1", it.port, timeout=10)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def state(it: Site) -> str:
    return it.shell(
        "print(*SourceStatus.objects.filter(source__slug='market').values_list('state', flat=True))"
    ).strip()


def pace(it: Site, seconds: float) -> float:
    """Returns how many ticks a second the log gets."""
    began, before = time.monotonic(), it.read_log("market").head
    time.sleep(seconds)
    return (it.read_log("market").head - before) / (time.monotonic() - began)


def test_of_many_rapid_saves_the_last_wins_and_one_feed_is_left(tmp_path: Path, full: bool) -> None:
    with site(tmp_path) as it:
        saves = 100 if full else 30
        ana = Person(it.url).sign_in("ana", "ana likes numbers")
        number = int(it.shell("print(DataSource.objects.get(slug='market').pk)"))
        page = f"{LIST}{number}/act/"
        until(lambda: it.read_log("market").head > 20, 30, "the feed runs")
        for deed in itertools.islice(itertools.cycle(("restart", "disable", "enable", "restart", "restart")), saves):
            assert press(it, ana, page, deed) == 302
        until(lambda: pace(it, 1.0) > RATE / 3, 30, "the last save says that it runs")
        assert pace(it, 4.0) < RATE * 1.6, "a feed of an earlier save goes on beside the last one"
        kinds = it.shell(
            "from collections import Counter; print(dict(Counter("
            f"SourceEvent.objects.filter(source={number}).values_list('kind', flat=True))))"
        )
        assert f"'restarted': {saves * 3 // 5}" in kinds
        assert f"'disabled': {saves // 5}" in kinds
        assert press(it, ana, page, "disable") == 302
        until(lambda: state(it) == "stopped", 30, "it is switched off")
        assert pace(it, 1.5) == 0
        assert press(it, ana, page, "enable") == 302
        until(lambda: pace(it, 1.0) > 0, 30, "it runs again")
        before = it.log.read_text().count("Traceback")
        assert ana.post(f"{LIST}{number}/delete/", {"post": "yes"})[0] == 200
        time.sleep(2)
        assert it.get("/api/v1/sources/market/ticks?after=0&limit=10")[0] == 404
        assert it.get("/healthz")[0] == 200
        assert it.log.read_text().count("Traceback") == before
