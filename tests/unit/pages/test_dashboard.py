from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import pytest
from django.test import AsyncClient, Client

from dashboard.models import Panel, Series
from dashboard.pages import words
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import LogUnreachable
from dashboard.ticklog.memory import MemoryLog
from tests.unit.models.cast import Cast
from tests.unit.pages.conftest import config, section

Ticked = Callable[..., None]
Put = Callable[..., Panel]
Page = Callable[..., str]


def test_the_numbers_stand_in_the_page_before_any_script_runs(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    panel = put("stat", cast.apple, title="Apple now")
    ticked(cast.apple, 100.0, 1234.5)
    shown = section(page(), panel)
    assert ">1,234.50<" in shown
    assert ">+1,134.50%<" in shown
    assert ">USD</span>" in shown


def test_bytes_are_shortened_and_stand_whole_in_the_title(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    cast.apple.unit, cast.apple.decimals = "B/s", 0
    cast.apple.save()
    panel = put("line", cast.apple)
    ticked(cast.apple, 2_863_294.0)
    assert 'title="2,863,294 B/s">2.9\u00a0M<' in section(page(), panel)


def test_a_figure_has_room_for_a_quarter_more_and_for_hundreds(
    cast: Cast, put: Put, ticked: Ticked, page: Page
) -> None:
    panel = put("stat", cast.apple)
    for value, shown in ((3.5, "100.00"), (900.0, "1,125.00"), (-900.0, "-1,125.00")):
        ticked(cast.apple, value)
        area = re.search(rf"#panel-{panel.pk} {{([^}}]*)}}", page())
        assert area is not None
        assert f"--ch: {len(shown)} " in area[1]


def test_the_script_is_told_what_it_needs(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    panel = put("watchlist", cast.apple, cast.microsoft)
    ticked(cast.apple, 187.25)
    told = config(page("/d/board/?range=5m"))
    assert told["dashboard"] == {"slug": "board", "title": "Board", "version": told["dashboard"]["version"]}
    assert {"id": panel.pk, "kind": "watchlist", "title": "Watchlist", "options": {}} | {
        "series": [cast.apple.pk, cast.microsoft.pk]
    } in told["panels"]
    assert told["series"][str(cast.apple.pk)] == {
        "source": cast.market.pk,
        "key": "AAPL",
        "label": "Apple",
        "unit": "USD",
        "decimals": 2,
        "text": False,
    }
    assert told["latest"][str(cast.apple.pk)][1:] == [187.25, None]
    source = told["sources"][str(cast.market.pk)]
    assert (source["name"], source["slug"], source["cadence"], source["state"]) == ("Market", "market", 0.5, "unknown")
    assert (told["range"], told["user"], told["staff"], told["timezone"]) == (300, None, False, "UTC")


@pytest.mark.parametrize(("name", "seconds"), [("1m", 60), ("5m", 300), ("15m", 900), ("2h", 900)])
def test_change_is_against_the_first_value_of_the_range(
    cast: Cast, put: Put, ticked: Ticked, page: Page, name: str, seconds: int
) -> None:
    panel = put("watchlist", cast.apple)
    ticked(cast.apple, *(float(second) for second in range(1, 890)))  # one a second, the last of them now
    shown = section(page(f"/d/board/?range={name}"), panel)
    assert f">+{min(888, seconds - 1)}.00<" in shown


@pytest.mark.parametrize(("ticks", "seconds"), [(0, 60), (30, 60), (200, 300), (890, 900)])
def test_without_a_wish_the_range_is_the_shortest_that_holds_what_there_is(
    cast: Cast, put: Put, ticked: Ticked, page: Page, ticks: int, seconds: int
) -> None:
    put("line", cast.apple)
    if ticks:
        ticked(cast.apple, *(float(second) for second in range(ticks)))
    assert config(page())["range"] == seconds


def test_a_page_does_not_name_what_is_not_on_it(cast: Cast, log: MemoryLog, page: Page) -> None:
    told = config(page())
    assert list(told["series"]) == [str(cast.apple.pk)]
    assert "Vault" not in page()


def test_a_fresh_value_says_nothing_about_its_age(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    panel = put("stat", cast.apple)
    ticked(cast.apple, 1.0, age=0.5)
    assert '<span class="panel__badge" hidden></span>' in section(page(), panel)


@pytest.mark.parametrize(("age", "said"), [(2.3, "late 2.3 s"), (75.0, "Stale 1 m 15 s")])
def test_late_and_stale_are_said_in_words(
    cast: Cast, put: Put, ticked: Ticked, page: Page, age: float, said: str
) -> None:
    panel = put("stat", cast.apple)
    ticked(cast.apple, 1.0, age=age)
    shown = section(page(), panel)
    assert said in shown
    assert ("is-stale" in shown) is said.startswith("Stale")


def test_what_is_old_while_its_source_is_starting_is_not_called_stale(
    cast: Cast, put: Put, ticked: Ticked, log: MemoryLog, page: Page
) -> None:
    panel, sources = put("stat", cast.apple), put("sources")
    ticked(cast.apple, 1.0, age=75.0)
    starting = SourceState("starting", int(time.time() * 1000), msg="giving its past")
    asyncio.run(log.publish({cast.market.pk: starting}, "test"))
    shown = section(page(), panel)
    assert "Starting, 1 m 15 s old" in shown
    assert "is-stale" in shown, "it does not stand for the present, though"
    assert re.search("#shape-unknown.*Starting.*giving its past", section(page(), sources), re.S)


def test_a_tile_can_leave_out_a_change_that_means_nothing(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    panel = put("stat", cast.apple, options={"change": False})
    ticked(cast.apple, 100.0, 104.0)
    shown = section(page(), panel)
    assert "104.00" in shown
    assert 'data-cell="pct"' not in shown


@pytest.mark.parametrize("kind", [kind for kind in Panel.Kind.values if kind not in ("sources", "text")])
def test_a_series_that_never_ticked_is_a_dash(cast: Cast, put: Put, log: MemoryLog, page: Page, kind: str) -> None:
    panel = put(kind, cast.apple)
    assert words.NOTHING in section(page(), panel)


MARKUP = "<script>alert(1)</script>"


@pytest.mark.parametrize("kind", Panel.Kind.values)
def test_markup_in_names_labels_units_and_texts_is_shown_as_text(
    cast: Cast, put: Put, ticked: Ticked, page: Page, kind: str
) -> None:
    cast.market.name = MARKUP
    cast.market.save()
    bad = Series.objects.create(source=cast.market, key=MARKUP, label=MARKUP + "!", unit=MARKUP, text=True)
    put(kind, bad, title=MARKUP, options={"markdown": MARKUP})
    ticked(bad, MARKUP)
    html = page()
    assert MARKUP not in html
    assert "&lt;script&gt;alert(1)" in html


def test_text_panels_are_markdown_without_html_images_or_script_links(
    cast: Cast, put: Put, log: MemoryLog, page: Page
) -> None:
    text = "# Head\n\n**bold** <b>raw</b> [no](javascript:x) [yes](https://a.example/) ![i](https://a.example/i.png)"
    panel = put("text", options={"markdown": text})
    shown = section(page(), panel)
    assert "<h3>Head</h3>" in shown
    assert "<strong>bold</strong> &lt;b&gt;raw&lt;/b&gt;" in shown
    assert 'href="https://a.example/"' in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("tachometer", {}, "“tachometer” is no kind of panel"),
        ("gauge", {"min": "low"}, "Its option “min” must be a number"),
        ("gauge", {"min": 5, "max": 5}, "“min” must be less than “max”"),
        ("gauge", {"max": 10**400}, "Its option “max” must be a number"),
        ("candles", {"resolution": 10**400}, "Its option “resolution” must be"),
        ("gauge", [1], "Its options are not an object"),
        ("line", {"scale": "log"}, "Its option “scale” must be “value” or “percent”"),
        ("candles", {"resolution": True}, "Its option “resolution” must be"),
        ("candles", {"resolution": [60]}, "Its option “resolution” must be"),
    ],
)
def test_a_panel_that_cannot_be_shown_says_so_in_its_place_and_the_others_run(
    cast: Cast, put: Put, ticked: Ticked, page: Page, kind: str, options: object, complaint: str
) -> None:
    broken, good = put(kind, cast.apple, options=options), put("stat", cast.apple)
    ticked(cast.apple, 5.0)
    html = page()
    assert complaint in section(html, broken)
    assert 'data-kind=""' in section(html, broken)
    assert ">5.00<" in section(html, good)
    assert next(panel for panel in config(html)["panels"] if panel["id"] == broken.pk)["kind"] == ""


def test_a_panel_without_series_says_so(cast: Cast, put: Put, log: MemoryLog, page: Page) -> None:
    panel = put("line")
    assert "It has no series to show" in section(page(), panel)


def test_candles_of_texts_are_refused(cast: Cast, put: Put, log: MemoryLog, page: Page) -> None:
    panel = put("candles", Series.objects.create(source=cast.market, key="news", text=True))
    assert "candles are made of numbers" in section(page(), panel)


def test_bars_grow_from_the_middle_and_the_largest_comes_first(
    cast: Cast, put: Put, ticked: Ticked, page: Page
) -> None:
    panel = put("bars", cast.apple, cast.microsoft, options={"scale": "percent", "sort": True})
    ticked(cast.apple, 100.0, 90.0)
    ticked(cast.microsoft, 100.0, 105.0)
    shown = section(page(), panel)
    assert re.findall(r"<b>(\w+)</b>", shown) == ["MSFT", "AAPL"]
    assert re.findall(r'class="(\w+)" data-cell="bar" x="([\d.]+)" width="([\d.]+)"', shown) == [
        ("up", "100", "48.0"),
        ("down", "4.0", "96.0"),
    ]


def test_a_gauge_is_filled_as_far_as_its_value(cast: Cast, put: Put, ticked: Ticked, page: Page) -> None:
    panel = put("gauge", cast.apple, options={"min": 100, "max": 200})
    ticked(cast.apple, 125.0)
    assert 'stroke-dasharray="25.0 100"' in section(page(), panel)


def test_the_areas_of_the_grid_are_in_one_style_block_with_the_nonce(
    cast: Cast, put: Put, log: MemoryLog, page: Page
) -> None:
    panel = put("stat", cast.apple)
    Panel.objects.filter(pk=panel.pk).update(x=2, y=3, w=4, h=5)
    html = page()
    assert f"#panel-{panel.pk} {{ --area: 4 / 3 / span 5 / span 4; --h: 5;" in html
    assert len(re.findall(r'<style id="areas" nonce="[^"]+">', html)) == 1
    assert " style=" not in html


def test_theme_palette_and_kiosk_are_there_from_the_first_paint(cast: Cast, log: MemoryLog, client: Client) -> None:
    client.cookies["theme"], client.cookies["palette"] = "dark", '"><script>'
    html = client.get("/d/board/?kiosk=1").content.decode()
    assert '<html lang="en" data-theme="dark" data-palette="default" data-state="still" data-kiosk="1">' in html


async def test_the_page_renders_on_an_event_loop(cast: Cast, log: MemoryLog, async_client: AsyncClient) -> None:
    answer = await async_client.get("/d/board/")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache, private"


def test_without_script_the_page_says_of_when_it_is(cast: Cast, log: MemoryLog, page: Page) -> None:
    html = page()
    assert re.search(r"As of \d\d:\d\d:\d\d", html)
    assert "does not update: JavaScript is off" in html


def test_while_the_log_cannot_be_read_the_pages_say_so(
    cast: Cast, put: Put, ticked: Ticked, log: MemoryLog, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, sources = put("stat", cast.apple), put("sources", cast.apple)
    ticked(cast.apple, 1234.5)

    async def away(*_: object) -> None:
        raise LogUnreachable("Connection refused")

    for name in ("states", "extent", "read", "latest"):
        monkeypatch.setattr(log, name, away)
    shown = page()
    assert "1,234" not in section(shown, panel)
    assert "Degraded" in section(shown, sources)
    assert config(shown)["sources"][str(cast.market.pk)]["msg"] == "The tick log cannot be reached"
    assert "degraded" in page("/")


def test_the_list_counts_the_sources_by_how_they_are(cast: Cast, ticked: Ticked, log: MemoryLog, page: Page) -> None:
    ticked(cast.apple, 1.0, age=60)
    html = page("/")
    assert config(html)["boards"] == {"board": [cast.market.pk]}
    assert re.search(r'<span data-cell="unknown">1</span>', html)
