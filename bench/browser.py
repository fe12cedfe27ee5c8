"""What does the page cost the browser? 200 rows at 10 Hz, 20 panels of lines, and half an hour of ticks."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.support.site import Site, site

SECONDS = 10
# Ticks a second of each series while the heap is watched, and how long: the stores are full after the first span, and
# the second brings more ticks a series than half an hour does at one a second.
HEAP_RATE = 100
FILL_SECONDS = 60
HEAP_SECONDS = 45
EVERY_TICK = "localStorage.setItem('tickwall.rate', '0')"

DATA = """
from dashboard.feeds import registry

def make(slug, symbols, rate, panels, size=(3, 2)):
    config = {"symbols": symbols, "rate": rate, "seed": 1}
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

make("rows", 200, 10, [("watchlist", range(200))], size=(12, 10))
make("lines", 40, 10, [("line", (2 * n, 2 * n + 1)) for n in range(20)])
make("more", 60, 10, [("line", (2 * n, 2 * n + 1)) for n in range(30)], size=(2, 2))
make("heap", 26, HEAP_RATE, [("watchlist", range(20)), ("line", range(4)), ("stat", (0,)), ("candles", (1,))])
""".replace("HEAP_RATE", str(HEAP_RATE))


def tasks(page: Page) -> list[dict[str, float]]:
    """Returns the tasks of the page's main thread, in milliseconds: `wall` as a clock sees them, with what the machine
    did for others meanwhile, and `cpu` as the thread itself worked. What did next to nothing is left out."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    time.sleep(SECONDS)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"].get("name") == "CrRendererMain"
    }
    own = [e for e in events if (e["pid"], e["tid"]) in main and e.get("name") == "ThreadControllerImpl::RunTask"]
    found = [{"wall": e["dur"] / 1000, "cpu": e["tdur"] / 1000} for e in own if "dur" in e and "tdur" in e]
    return [task for task in found if task["cpu"] >= 0.5]


def words(found: list[dict[str, float]]) -> str:
    told = []
    for clock in ("cpu", "wall"):
        took = sorted(task[clock] for task in found)
        told.append(f"{clock} median {statistics.median(took):.1f} ms, p95 {took[int(len(took) * 0.95)]:.1f} ms")
    return f"{'; '.join(told)}; {len(found) / SECONDS:.0f}/s"


def drawn(page: Page, client: CDPSession) -> tuple[float, float]:
    """Returns the main thread's milliseconds for each frame that was drawn, and the frames a second."""
    page.evaluate(
        """() => { window.frames_ = 0; const draw = CanvasRenderingContext2D.prototype.clearRect; let last = 0;
        CanvasRenderingContext2D.prototype.clearRect = function (...box) {
          const now = document.timeline.currentTime; if (now !== last) { last = now; window.frames_++; }
          return draw.apply(this, box); }; }"""
    )
    before = metrics(client)["TaskDuration"]
    time.sleep(SECONDS)
    frames = page.evaluate("window.frames_")
    return (metrics(client)["TaskDuration"] - before) * 1000 / max(frames, 1), frames / SECONDS


def metrics(client: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}


def heap(page: Page, client: CDPSession) -> dict[str, float]:
    client.send("HeapProfiler.collectGarbage")
    found = metrics(client)
    return {"MB": found["JSHeapUsedSize"] / 1e6, "nodes": found["Nodes"]}


def open_page(browser: Browser, it: Site, path: str, script: str = "") -> tuple[Page, CDPSession]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(script)
    page.goto(f"{it.url}/d/{path}")
    page.wait_for_selector("html[data-state=live]", timeout=60_000)
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    time.sleep(4)
    return page, client


def row(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def main() -> None:
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), data=DATA) as it, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        print(f"load of the machine: {os.getloadavg()[0]:.1f}\n\n| what | figure |\n|---|---|")
        page, client = open_page(browser, it, "rows/")
        row("watchlist, 200 rows at 10 Hz: main-thread tasks", words(tasks(page)))
        page.context.close()
        for path, count in (("lines/", 20), ("more/", 30)):
            page, client = open_page(browser, it, path)
            row(f"{count} line panels of 2 series: main-thread tasks", words(tasks(page)))
            cost, rate = drawn(page, client)
            row(f"{count} line panels: main thread per drawn frame", f"{cost:.1f} ms wall, {rate:.1f} frames/s")
            page.context.close()
        page, client = open_page(browser, it, "heap/?range=1m", EVERY_TICK)
        time.sleep(FILL_SECONDS)
        marks = [heap(page, client)]
        for _ in range(3):
            time.sleep(HEAP_SECONDS / 3)
            marks.append(heap(page, client))
        told = ", ".join(f"{mark['MB']:.1f} MB / {mark['nodes']:.0f}" for mark in marks)
        row(f"heap / nodes over {HEAP_SECONDS * HEAP_RATE} ticks a series, stores full", told)
        browser.close()


if __name__ == "__main__":
    main()
