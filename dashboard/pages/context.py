"""Puts together what the templates of the pages are given, the part for the script included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from dashboard.pages import words
from dashboard.pages.board import Board, Entry, SourceRow
from dashboard.pages.figures import condition
from dashboard.pages.panels import PanelView, view
from dashboard.pages.readings import Readings

# Seconds that the page shows; the log reaches back as far as the last of them.
RANGES = {60: "1m", 300: "5m", 900: "15m"}
RANGE = 900
RATES = {0: "Every tick", 20: "20 Hz", 10: "10 Hz", 5: "5 Hz", 2: "2 Hz", 1: "1 Hz"}
RATE = 10
SHAPES = ("live", "late", "stale", "unknown")


@dataclass(frozen=True, slots=True)
class Count:
    """How many sources are in a state."""

    shape: str
    number: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list of dashboards: the entry, and how its sources are."""

    entry: Entry
    counts: Sequence[Count]


def span(asked: str, reach: float) -> int:
    """Returns the range by its name, in seconds; for no name that is known, the shortest one that holds all there is:
    the charts of a dashboard that has just begun are not left empty."""
    named = next((seconds for seconds, name in RANGES.items() if name == asked), None)
    return named or next((seconds for seconds in RANGES if seconds >= reach), RANGE)


def of_board(board: Board, readings: Readings, seconds: int, config: dict[str, Any]) -> dict[str, Any]:
    panels = [view(row, board, readings) for row in board.panels]
    return {
        **_common(readings),
        "board": board,
        "panels": panels,
        "rows": max((panel.row.y + panel.row.h for panel in panels), default=1),
        "counts": counts(board.sources.values(), readings),
        "ranges": RANGES,
        "range": seconds,
        "range_word": words.span(seconds),
        "rates": RATES,
        "rate": RATE,
        "config": {
            "dashboard": {"slug": board.slug, "title": board.title, "version": board.version},
            "panels": [_panel(panel) for panel in panels],
            "series": {row.id: _without_id(row) for row in board.series.values()},
            "latest": {id: _latest(readings, id) for id in board.series if id in readings.latest},
            "range": seconds,
            **_shared(board.sources, readings),
            **config,
        },
    }


def of_index(entries: Sequence[Entry], sources: Mapping[int, SourceRow], readings: Readings) -> dict[str, Any]:
    lines = [Line(entry, counts((sources[id] for id in entry.sources), readings)) for entry in entries]
    boards = {entry.slug: entry.sources for entry in entries}
    return {
        **_common(readings),
        "lines": lines,
        "all_counts": counts(sources.values(), readings),
        "config": {"boards": boards, **_shared(sources, readings)},
    }


def counts(sources: Iterable[SourceRow], readings: Readings) -> list[Count]:
    """Counts the sources by shape; what is stopped is known about, but not live either."""
    found = Counter(condition(row, readings)[0] for row in sources)
    found["unknown"] += found.pop("stopped", 0)
    return [Count(shape, found[shape]) for shape in SHAPES]


def _common(readings: Readings) -> dict[str, Any]:
    zone = settings.TIME_ZONE
    clock = words.time_of_day(readings.now, zone)
    return {"clock": clock, "zone": zone, "offset": words.offset(readings.now, zone), "build": settings.TICKWALL_BUILD}


def _shared(sources: Mapping[int, SourceRow], readings: Readings) -> dict[str, Any]:
    """What the scripts of all pages are told."""
    found = {row.id: _source(row, readings) for row in sources.values()}
    return {"sources": found, "now": readings.now, "timezone": settings.TIME_ZONE}


def _source(row: SourceRow, readings: Readings) -> dict[str, Any]:
    state = readings.states.get(row.id)
    said = {"state": "unknown", "since": None, "last": None, "hz": 0.0, "msg": ""} | (state.as_json() if state else {})
    age = readings.freshness[row.id].age
    last = None if age is None else readings.now - age
    return {"name": row.name, "slug": row.slug, "cadence": row.cadence, **said, "last": last}


def _panel(panel: PanelView) -> dict[str, Any]:
    shown = panel.kind != "trouble"
    return {
        "id": panel.row.id,
        "kind": panel.kind if shown else "",
        "title": panel.title,
        "options": panel.options,
        "series": [figure.id for figure in panel.figures],
    }


def _without_id(row: Any) -> dict[str, Any]:
    values = asdict(row)
    del values["id"]
    return values


def _latest(readings: Readings, series: int) -> list[Any]:
    last = readings.latest[series]
    return [last.time, last.value, last.volume]
