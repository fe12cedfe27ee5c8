"""What a page has to fetch before it can run."""

from __future__ import annotations

import gzip
from pathlib import Path

from django.contrib.staticfiles import finders

from config.modules import _reachable

BUDGET = 120_000
PANELS = ("line", "stat", "gauge", "sources")
CHARTS = "npm/uplot/dist/uPlot.iife.min.js"


def weight(name: str) -> int:
    path = finders.find(name)
    assert isinstance(path, str), f"{name} is not there"
    return len(gzip.compress(Path(path).read_bytes(), 9))


def test_a_dashboard_without_candles_is_light() -> None:
    """Compressed one by one, as they are served; what is fetched by whoever asks for it does not count."""
    entries = ("js/pages/dashboard.js", *(f"js/panels/{name}.js" for name in PANELS))
    names = {name for entry in entries for name in _reachable(entry)} | {CHARTS}
    weights = {name: weight(name) for name in sorted(names)}
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:10]
    assert sum(weights.values()) <= BUDGET, f"{sum(weights.values())} bytes; the heaviest are {heaviest}"
