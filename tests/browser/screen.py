"""Looks at a dashboard in a browser the way a person does, and collects what a person would not see."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, WebSocket

from tests.support.promise import promised

# What a page does while it loads and runs: policy violations, and how far things were shifted.
WATCH = """
window.violations = [];
addEventListener('securitypolicyviolation', (e) =>
  window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
window.shifts = [];
const corner = ({x, y, width}) => `${Math.round(x)},${Math.round(y)} ${Math.round(width)} wide`;
const moved = ({node, previousRect, currentRect}) => {
  const box = node instanceof Element ? node : node?.parentElement;
  return `${box?.outerHTML.slice(0, 80) ?? 'what is gone'}: ${corner(previousRect)} -> ${corner(currentRect)}`;
};
new PerformanceObserver((list) => {
  for (const {hadRecentInput, value, sources} of list.getEntries())
    if (!hadRecentInput) window.shifts.push([value, sources.map(moved)]);
}).observe({type: 'layout-shift', buffered: true});
"""
# Complaints that are the test's own doing: the server was taken away.
EXPECTED = ("WebSocket connection to", "net::ERR_", "Failed to load resource")
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


class Screen:
    """One page in a browser of its own."""

    def __init__(self, browser: Browser, url: str, script: str = "", **options: Any) -> None:
        options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", **options}
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.sockets: list[WebSocket] = []
        self.received: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        self.page.on("websocket", self._opened)
        if options.get("java_script_enabled", True):
            self.page.add_init_script(WATCH + script)
        self.page.goto(url)

    def close(self) -> None:
        self.context.close()

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(EXPECTED):
            self.complaints.append(f"{kind}: {text}")

    def _opened(self, socket: WebSocket) -> None:
        if "/ws/live/" not in socket.url:
            return
        self.sockets.append(socket)
        socket.on("framereceived", lambda frame: self.received.append(json.loads(frame)))
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))

    # --- what a person sees ---

    @property
    def state(self) -> str:
        return str(self.page.evaluate("document.documentElement.dataset.state"))

    def fact(self, name: str) -> str:
        return str(self.page.evaluate("(name) => document.querySelector(`[data-fact='${name}']`)?.textContent", name))

    def assert_explained(self) -> None:
        """The page's own ledger adds up."""
        with promised():
            assert self.fact("unexplained") == "0"

    def line(self) -> str:
        """Returns the status line that shows, as text."""
        return str(
            self.page.evaluate(
                "[...document.querySelectorAll('.truth')].find((line) => line.checkVisibility())"
                ".innerText.replace(/\\s+/g, ' ')"
            )
        )

    def cells(self, panel: str, cell: str = "last") -> list[str]:
        return list(self.page.locator(f".panel--{panel} [data-cell={cell}]").all_inner_texts())

    def number(self, fact: str) -> int:
        return int(self.fact(fact).replace(",", "").lstrip("≥ "))

    def until(self, condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> float:
        """Waits until something holds and returns how long it took; fails with what the page says otherwise."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"not within {seconds} s: {what}; the page is {self.state}: {self.line()}")
            self.page.wait_for_timeout(50)
        return time.monotonic() - began

    def live(self, seconds: float = 15.0) -> float:
        return self.until(lambda: self.state == "live", seconds, "live")

    def ticks(self, seconds: float = 5.0) -> None:
        """Waits until figures change."""
        before = self.number("published")
        self.until(lambda: self.number("published") > before + 20, seconds, "new ticks")

    # --- what a person does not see ---

    def frames(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.received if frame["t"] == kind]

    def book(self) -> dict[str, Any]:
        """Returns what the page itself says of its connection, by its download."""
        self.page.evaluate(
            "document.getElementById('ledger').hidden && document.querySelector('[data-act=ledger]').click()"
        )
        with self.page.expect_download() as download:
            self.page.locator("[data-act=download]").click()
        book = json.loads(Path(download.value.path()).read_text())
        self.page.keyboard.press("Escape")
        return dict(book)

    def clean(self) -> None:
        """Fails if anything was complained about."""
        assert not self.complaints, self.complaints
        violations = self.page.evaluate("window.violations")
        assert not violations, violations

    def shifts(self) -> list[tuple[float, list[str]]]:
        """Returns each time at which something moved that nobody asked to move: how far, as a browser counts it (0 to
        1), and what."""
        return [(value, what) for value, what in self.page.evaluate("window.shifts")]

    def axe(self, within: list[str] | None = None) -> list[str]:
        """Returns what breaks the rules of accessibility, on the whole page or within some of its parts."""
        self.page.evaluate(AXE.read_text() + ";0")
        found = self.page.evaluate("(within) => axe.run(within ?? document, {resultTypes: ['violations']})", within)
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
