"""What do the page and half an hour of its ticks cost the browser? Beside it, the same charts fed as tutorials do."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser

from bench import servers, table
from bench.chromium import Memory, Work, chromium, inspect, memory, opened, watch
from tests.support.site import Site, site

# Ticks a second of each series while the heap is watched, and how long: the stores are full after the first span, and
# the second brings more ticks a series than half an hour does at one a second.
HEAP_RATE = 100
FILL_SECONDS = 50
HEAP_SECONDS = 30
EVERY_TICK = "localStorage.setItem('tickwall.rate', '0')"

DATA = """
from dashboard.feeds import registry

def make(slug, symbols, rate, panels, size=(2, 2), history=60):
    config = {"symbols": symbols, "rate": rate, "seed": 1, "history": history}
    source = DataSource.objects.create(name=slug, slug=slug, kind="simulated", config=config)
    board = Dashboard.objects.create(title=slug, slug=slug, visibility="public")
    feed = registry.kind("simulated")
    rows = [
        Series.objects.create(source=source, key=s.key, label=s.label, unit=s.unit, decimals=s.decimals)
        for s in feed(feed.Config.model_validate(config)).series()
    ]
    for place, (kind, members) in enumerate(panels):
        panel = Panel.objects.create(
            dashboard=board, kind=kind, title=f"{kind} {place}",
            x=place % (12 // size[0]) * size[0], y=place // (12 // size[0]) * size[1], w=size[0], h=size[1],
        )
        for position, member in enumerate(members):
            PanelSeries.objects.create(panel=panel, series=rows[member], position=position)

def lines(count, size=(2, 2)):
    make(f"lines-{count}", 2 * count, 10, [("line", (2 * n, 2 * n + 1)) for n in range(count)], size)

make("rows-200", 200, 10, [("watchlist", range(200))], (12, 10))
lines(10)
lines(20, (3, 2))
lines(30)
lines(50)
kinds = [("watchlist", range(20)), ("line", range(4)), ("stat", (0,)), ("candles", (1,))]
make("heap", 26, HEAP_RATE, kinds, (3, 2), 0)
""".replace("HEAP_RATE", str(HEAP_RATE))


class Scene(NamedTuple):
    """A board of ours, and how the naive page is asked for the same; it has no page for those without."""

    words: str
    board: str
    series: int
    naive: str = ""
    # Panels that nobody sees are not drawn: all are to be in sight.
    height: int = 900


SCENES = (
    Scene("200 rows", "rows-200", 200, "rows=200"),
    Scene("10 line panels", "lines-10", 20, "panels=10"),
    Scene("20 line panels, larger", "lines-20", 40),
    Scene("30 line panels", "lines-30", 60, "panels=30"),
    Scene("50 line panels", "lines-50", 100, "panels=50", 1600),
)
HEAD = ("page", "frames/s", "a drawn frame: cpu", "wall", "main thread: cpu", "wall", "p95 of a task: cpu", "wall")


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), data=DATA) as it, chromium() as browser:
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
        out = table.Table("all series tick at 10 Hz", (*HEAD, "behind", "against ours"))
        works = {scene.board: compare(browser, it, scene, out) for scene in SCENES}
        marks = heap(browser, it)
    return {
        "browser 20": works["lines-20"].frame("cpu"),
        "browser 30": works["lines-30"].frame("cpu"),
        "browser rows": works["rows-200"].p95("cpu"),
        "browser heap": marks[-1].mb / marks[1].mb,
        "browser detached": marks[-1].detached - marks[1].detached,
    }


def compare(browser: Browser, it: Site, scene: Scene, out: table.Table) -> Work:
    with opened(browser, f"{it.url}/d/{scene.board}/?range=1m", height=scene.height) as page:
        ours = watch(page)
    out.row(f"{scene.words}: Tickwall", *cells(ours), "", "")
    if scene.naive:
        naive, behind = fed_naively(browser, scene)
        times = (
            f"{naive.frame('cpu') / ours.frame('cpu'):.1f} x a frame, {naive.share('cpu') / ours.share('cpu'):.1f} x"
        )
        out.row(f"{scene.words}: naive", *cells(naive), f"{behind:.1f} s", times)
    return ours


def fed_naively(browser: Browser, scene: Scene) -> tuple[Work, float]:
    """Returns the work of the naive page, and by how many seconds its last tick was late in the end."""
    peer = servers.Peer("naive", (*servers.python("naive_page"), str(scene.series)))
    with peer.run() as server:
        url = f"http://127.0.0.1:{server.port}/?{scene.naive}"
        with opened(browser, url, height=scene.height) as page:
            return watch(page), page.evaluate("window.behind") / 1000


def cells(work: Work) -> tuple[str, ...]:
    return (
        f"{work.rate:.0f}",
        *(f"{work.frame(clock):.1f} ms" for clock in ("cpu", "wall")),
        *(f"{work.share(clock):.0%}" for clock in ("cpu", "wall")),
        *(f"{work.p95(clock):.1f} ms" for clock in ("cpu", "wall")),
    )


def heap(browser: Browser, it: Site) -> list[Memory]:
    out = table.Table("26 series at 100 Hz each, every tick sent", ("ticks a series", "heap", "nodes", "detached"))
    marks = []
    with opened(browser, f"{it.url}/d/heap/?range=1m", EVERY_TICK) as page:
        client = inspect(page)
        for number in range(4):
            time.sleep(HEAP_SECONDS / 3 if number else FILL_SECONDS)
            marks.append(memory(client))
            ticks = (FILL_SECONDS + number * HEAP_SECONDS / 3) * HEAP_RATE
            out.row(f"{ticks:,.0f}", f"{marks[-1].mb:.1f} MB", str(marks[-1].nodes), str(marks[-1].detached))
    return marks


if __name__ == "__main__":
    main()
