"""Opens pages in Chromium and tells what they cost its main thread and its memory."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

WARM_UP = 2.0
SECONDS = 6.0
# A task that works less than this, in milliseconds, does next to nothing, and there are many of them.
LEAST_TASK = 0.5


@dataclass(frozen=True)
class Work:
    """What the main thread did in a trace, in milliseconds: `cpu` as the thread itself worked, `wall` as a clock sees
    it, with what the machine did for others meanwhile."""

    cpu: list[float]
    wall: list[float]
    frames: int
    # Of the trace: a machine that is busy ends it late.
    seconds: float

    @property
    def rate(self) -> float:
        """Returns the frames drawn a second."""
        return self.frames / self.seconds

    def of(self, clock: str) -> list[float]:
        return self.cpu if clock == "cpu" else self.wall

    def frame(self, clock: str) -> float:
        return sum(self.of(clock)) / max(self.frames, 1)

    def share(self, clock: str) -> float:
        return sum(self.of(clock)) / (self.seconds * 1000)

    def p95(self, clock: str) -> float:
        took = sorted(task for task in self.of(clock) if task >= LEAST_TASK)
        return took[int(len(took) * 0.95)] if took else 0.0


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, script: str = "", height: int = 900) -> Iterator[Page]:
    """Yields a page that is live and has settled; closes it with all that it holds."""
    context = browser.new_context(viewport={"width": 1440, "height": height})
    page = context.new_page()
    page.add_init_script(script)
    page.goto(url)
    page.wait_for_selector("html[data-state=live]", timeout=60_000)
    time.sleep(WARM_UP)
    try:
        yield page
    finally:
        context.close()


def watch(page: Page) -> Work:
    """Traces the main thread of a page for a while. A frame counts that was handed on to be shown."""
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
    own = [event for event in events if (event["pid"], event["tid"]) in main]
    tasks = [e for e in own if e.get("name") == "ThreadControllerImpl::RunTask" and "dur" in e and "tdur" in e]
    return Work(
        [task["tdur"] / 1000 for task in tasks],
        [task["dur"] / 1000 for task in tasks],
        sum(event.get("name") == "Commit" for event in own),
        (max(task["ts"] + task["dur"] for task in tasks) - min(task["ts"] for task in tasks)) / 1e6,
    )


@dataclass(frozen=True)
class Memory:
    """What a page holds when everything that nobody needs is gone."""

    mb: float
    nodes: int
    detached: int


def memory(client: CDPSession) -> Memory:
    client.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}
    # The roots of trees that are in no document but still held by a script. Who asks holds them too, until it leaves.
    client.send("DOM.enable")
    detached = client.send("DOM.getDetachedDomNodes")["detachedNodes"]
    client.send("DOM.disable")
    return Memory(found["JSHeapUsedSize"] / 1e6, int(found["Nodes"]), len(detached))


def inspect(page: Page) -> CDPSession:
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    return client
