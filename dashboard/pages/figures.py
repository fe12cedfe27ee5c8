"""Writes what is known of a series, or of a source, as the words that stand on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dashboard.pages import words
from dashboard.pages.board import SeriesRow, SourceRow
from dashboard.pages.readings import Freshness, Readings

WAYS = {1: "up", -1: "down", 0: "flat"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A series as it stands on the page: `way` is up, down, flat, or empty when nothing is known of its change.

    `room` is how many characters its figure may take before anything beside it has to move; `whole` is the figure as it
    is when it is not shortened.
    """

    id: int
    source: int
    symbol: str
    name: str
    unit: str
    value: float | None
    percent: float | None
    last: str
    change: str
    pct: str
    way: str
    volume: str
    level: str
    age: str
    room: int
    whole: str

    @property
    def title(self) -> str:
        """Returns the figure in full, where it may be shortened."""
        return f"{self.whole} {self.unit}" if self.unit in words.BYTES else ""

    @property
    def label(self) -> str:
        return self.name or self.symbol


@dataclass(frozen=True, slots=True)
class SourceFigure:
    """A source as it stands on the page; `shape` is the picture of its state, `word` its name."""

    id: int
    name: str
    shape: str
    word: str
    note: str
    hz: str
    age: str


def of_series(row: SeriesRow, readings: Readings) -> Figure:
    last = readings.latest.get(row.id)
    value = last.value if last is not None and not isinstance(last.value, str) else None
    first = readings.first.get(row.id)
    difference = None if value is None or first is None else value - first
    percent = None if difference is None or not first else difference / abs(first) * 100
    shown = words.NOTHING if difference is None else words.signed(words.amount(difference, row.unit, row.decimals))
    freshness = readings.freshness.get(row.source, Freshness("empty", None))
    return Figure(
        id=row.id,
        source=row.source,
        symbol=row.key,
        name=row.label if row.label != row.key else "",
        unit=row.unit,
        value=value,
        percent=percent,
        last=_last(row, readings),
        change=shown,
        pct=words.NOTHING if percent is None else words.change(percent, 2),
        way="" if difference is None else _way(shown),
        volume=words.NOTHING if last is None or last.volume is None else words.number(last.volume, None),
        level=freshness.level,
        age="" if freshness.age is None else words.age(freshness.age),
        room=max(len(_last(row, readings)), _room(row, value)),
        whole=_last(row, readings) if value is None or not math.isfinite(value) else words.number(value, row.decimals),
    )


def _room(row: SeriesRow, value: float | None) -> int:
    """A quarter more than now, and hundreds in any case; of what is not known yet, ten thousands."""
    if row.text:
        return 0
    if row.unit in words.BYTES:
        return 6
    most = 10_000.0 if value is None or not math.isfinite(value) else max(100.0, abs(value) * 1.25)
    return len(words.number(most, row.decimals)) + (value is not None and value < 0)


def _last(row: SeriesRow, readings: Readings) -> str:
    last = readings.latest.get(row.id)
    if last is None:
        return words.NOTHING
    if isinstance(last.value, str):
        return last.value
    return words.amount(last.value, row.unit, row.decimals) if math.isfinite(last.value) else words.NOTHING


def _way(shown: str) -> str:
    """Goes by what is written: a change that is rounded to zero has no direction."""
    return WAYS[-1] if shown.startswith(words.MINUS) else WAYS[1] if shown.startswith("+") else WAYS[0]


def of_source(row: SourceRow, readings: Readings) -> SourceFigure:
    state = readings.states.get(row.id)
    freshness = readings.freshness[row.id]
    shape, word = condition(row, readings)
    live = state is not None and shape == "live"
    return SourceFigure(
        id=row.id,
        name=row.name,
        shape=shape,
        word=word,
        note=state.msg if state is not None else "",
        hz=words.number(state.hz, 1) if state is not None and live else "0.0",
        age=words.NOTHING if freshness.age is None else words.age(freshness.age),
    )


def condition(row: SourceRow, readings: Readings) -> tuple[str, str]:
    """Returns the shape and the word for a source's state."""
    state = readings.states.get(row.id)
    level = readings.freshness[row.id].level
    if not row.enabled or (state is not None and state.state == "stopped"):
        return "stopped", "Stopped"
    if state is None or state.state == "starting":
        return "unknown", "Starting"
    if level == "stale" or state.state == "down":
        return "stale", "Down" if state.state == "down" else "Stale"
    if level == "late":
        return "late", "Late"
    return ("late", "Degraded") if state.state == "degraded" else ("live", "Live")
