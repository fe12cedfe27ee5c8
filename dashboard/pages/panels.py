"""Turns a panel into what its template shows; one that cannot be shown becomes a panel that says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.pages import words
from dashboard.pages.board import Board, PanelRow
from dashboard.pages.figures import Figure, SourceFigure, of_series, of_source
from dashboard.pages.markdown import rendered
from dashboard.pages.options import NAMES, Trouble, checked
from dashboard.pages.readings import Readings

# More lines than these cannot be told apart; the panel shows so many and says how many are left out.
LINES = 8
# Widths in the 200 units of a bar's picture, less a little air at its end.
BAR, HALF_BAR = 196, 96
# Characters of +10.00, for figures that are changes in percent.
PERCENT_ROOM = 6
LEVELS = ("fresh", "late", "stale", "empty")


@dataclass(frozen=True, slots=True)
class Bar:
    figure: Figure
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class PanelView:
    """A panel as its template, `body`, needs it. `level`, `age` and `starting` are those of its freshest source."""

    row: PanelRow
    kind: str
    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sub: str = ""
    aside: str = ""
    figures: Sequence[Figure] = ()
    left_out: int = 0
    sources: Sequence[SourceFigure] = ()
    bars: Sequence[Bar] = ()
    fill: float | None = None
    room: int = 0
    html: str = ""
    level: str = "fresh"
    age: str = ""
    starting: bool = False

    @property
    def body(self) -> str:
        return f"dashboard/panels/{self.kind}.html"

    @property
    def size(self) -> str:
        return "wide" if self.row.w >= 5 else "middle" if self.row.w >= 3 else "small"

    @property
    def tall(self) -> bool:
        return self.row.h > 1

    @property
    def percent(self) -> bool:
        return self.options.get("scale") == "percent"

    @property
    def figure(self) -> Figure:
        return self.figures[0]

    @property
    def badge(self) -> str:
        """Says how old the panel's values are; empty while they are fresh."""
        if self.shape == "unknown":
            return f"Starting, {self.age} old"
        if self.level == "stale":
            return f"Stale {self.age}" if self.age else "No data"
        return f"late {self.age}".strip() if self.level == "late" else ""

    @property
    def shape(self) -> str:
        """Returns the picture beside the badge."""
        return "unknown" if self.starting and self.level == "stale" and self.age else self.level

    @property
    def characters(self) -> int:
        """Room for its longest figure, kept so that nothing moves when figures change."""
        if self.percent:
            return max((PERCENT_ROOM, *(len(figure.pct) for figure in self.figures)))
        return max((self.room, *(len(figure.last) if self.room else figure.room for figure in self.figures)))


@dataclass(frozen=True, slots=True)
class Given:
    """What a kind makes its view from."""

    row: PanelRow
    board: Board
    readings: Readings
    options: Mapping[str, Any]
    figures: Sequence[Figure]

    def source_name(self) -> str:
        """Returns the name of the panel's source if it has only one."""
        names = {self.board.sources[figure.source].name for figure in self.figures}
        return names.pop() if len(names) == 1 else ""

    def number_of(self, figure: Figure) -> float | None:
        return figure.percent if self.options["scale"] == "percent" else figure.value


def view(row: PanelRow, board: Board, readings: Readings) -> PanelView:
    try:
        if row.kind not in NAMES:
            raise Trouble(f"“{row.kind}” is no kind of panel. Choose one in the admin.")
        options = checked(row.kind, row.options)
        figures = [of_series(board.series[id], readings) for id in row.series]
        if row.kind not in ("sources", "text") and not figures:
            raise Trouble("It has no series to show. Add one in the admin.")
        freshest = min(figures, key=lambda figure: LEVELS.index(figure.level), default=None)
        values: dict[str, Any] = {
            "title": row.title or (figures[0].label if len(figures) == 1 else row.kind_name),
            "options": options,
            "figures": figures,
            "level": freshest.level if freshest else "fresh",
            "age": freshest.age if freshest else "",
            "starting": freshest is not None and readings.is_starting(freshest.source),
        }
        return PanelView(row, row.kind, **(values | KINDS[row.kind](Given(row, board, readings, options, figures))))
    except Trouble as problem:
        return PanelView(row, "trouble", row.title or row.kind_name or "Panel", html=str(problem))


def _one(given: Given) -> dict[str, Any]:
    return {"figures": given.figures[:1], "sub": given.figures[0].unit}


def _watchlist(given: Given) -> dict[str, Any]:
    return {"sub": f"{len(given.figures)} series"}


def _line(given: Given) -> dict[str, Any]:
    units = {figure.unit for figure in given.figures}
    unit = units.pop() if len(units) == 1 and given.options["scale"] == "value" else ""
    figures = given.figures
    shown = {"figures": figures[:LINES], "left_out": max(0, len(figures) - LINES)}
    return {"sub": unit, "room": _room(given), **shown}


def _candles(given: Given) -> dict[str, Any]:
    first = given.figures[0]
    if given.board.series[first.id].text:
        raise Trouble("Its series holds texts, and candles are made of numbers. Choose another series in the admin.")
    name = f"{first.label}, " if first.label != given.row.title else ""
    sub = f"{name}{words.span(given.options['resolution'])} candles"
    return {"sub": sub, "aside": given.source_name(), "figures": given.figures[:1]}


def _bars(given: Given) -> dict[str, Any]:
    figures = list(given.figures)
    if given.options["sort"]:
        figures.sort(key=lambda figure: -(given.number_of(figure) or 0))
    numbers = [given.number_of(figure) or 0.0 for figure in figures]
    percent = given.options["scale"] == "percent"
    least = 0.0 if percent else given.options.get("min", 0.0)
    most = max(map(abs, numbers)) if percent else given.options.get("max", max(numbers))
    bars = []
    for figure, number in zip(figures, numbers, strict=True):
        part = max(-1.0, min(1.0, (number - least) / ((most - least) or 1)))
        # Percents grow to both sides from the middle, values to the right from the beginning.
        width = round(abs(part) * HALF_BAR, 1) if percent else round(max(0.0, part) * BAR, 1)
        bars.append(Bar(figure, (round(100 - width, 1) if part < 0 else 100) if percent else 0, width))
    return {"figures": figures, "bars": bars}


def _room(given: Given) -> int:
    """Returns how many characters a figure takes at the ends of the panel's scale; 0 if they do not bound it."""
    if "max" not in given.options or given.figures[0].unit in words.BYTES:
        return 0
    decimals = given.board.series[given.figures[0].id].decimals
    return max(len(words.number(given.options[end], decimals)) for end in ("min", "max") if end in given.options)


def _gauge(given: Given) -> dict[str, Any]:
    least, most = given.options["min"], given.options["max"]
    value = given.figures[0].value
    fill = None if value is None else round(100 * max(0.0, min(1.0, (value - least) / (most - least))), 1)
    return {"figures": given.figures[:1], "sub": given.figures[0].unit, "fill": fill, "room": _room(given)}


def _sources(given: Given) -> dict[str, Any]:
    rows = sorted(given.board.sources.values(), key=lambda source: source.name.casefold())
    return {"sources": [of_source(row, given.readings) for row in rows], "level": "fresh"}


def _text(given: Given) -> dict[str, Any]:
    return {"html": rendered(given.options["markdown"]), "level": "fresh"}


KINDS: Mapping[str, Callable[[Given], dict[str, Any]]] = {
    "stat": _one,
    "watchlist": _watchlist,
    "line": _line,
    "candles": _candles,
    "bars": _bars,
    "gauge": _gauge,
    "sources": _sources,
    "text": _text,
}
