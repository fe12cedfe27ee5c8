"""Reads a dashboard, its panels, their series and the sources of those from the database, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.models import Dashboard, DataSource, Panel, Viewer
from dashboard.models.board import PanelSeries
from dashboard.protocol.messages import SourceState


@dataclass(frozen=True, slots=True)
class SeriesRow:
    id: int
    source: int
    key: str
    label: str
    unit: str
    decimals: int | None
    text: bool


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source, with what the database knows of its state: None when no worker has said anything yet."""

    id: int
    name: str
    slug: str
    cadence: float
    enabled: bool
    status: SourceState | None


@dataclass(frozen=True, slots=True)
class PanelRow:
    id: int
    kind: str
    kind_name: str
    title: str
    x: int
    y: int
    w: int
    h: int
    options: Any
    series: Sequence[int]


@dataclass(frozen=True, slots=True)
class Board:
    slug: str
    title: str
    description: str
    version: int
    panels: Sequence[PanelRow]
    series: Mapping[int, SeriesRow]
    sources: Mapping[int, SourceRow]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of dashboards."""

    slug: str
    title: str
    description: str
    visibility: str
    url: str
    sources: Sequence[int]

    @property
    def open_to(self) -> str:
        return {"public": "everybody", "signed-in": "everybody signed in"}.get(self.visibility, "its owner")


def read(slug: str, viewer: Viewer) -> Board | None:
    """Returns the dashboard; None if there is none or the viewer may not open it, which must look the same."""
    board = Dashboard.objects.visible_to(viewer).filter(slug=slug).first()
    if board is None:
        return None
    placed: dict[int, list[int]] = {}
    series: dict[int, SeriesRow] = {}
    for place in PanelSeries.objects.filter(panel__dashboard=board, series__hidden=False).select_related("series"):
        row = place.series
        placed.setdefault(place.panel_id, []).append(row.pk)
        series[row.pk] = SeriesRow(row.pk, row.source_id, row.key, row.label, row.unit, row.decimals, row.text)
    panels = [_panel(panel, placed.get(panel.pk, ())) for panel in board.panels.all()]
    sources = {row.id: row for row in _sources({row.source for row in series.values()})}
    return Board(board.slug, board.title, board.description, board.version, panels, series, sources)


def _panel(panel: Panel, series: Sequence[int]) -> PanelRow:
    return PanelRow(
        panel.pk,
        panel.kind,
        panel.get_kind_display(),
        panel.title,
        panel.x,
        panel.y,
        panel.w,
        panel.h,
        panel.options,
        series,
    )


def _sources(ids: Iterable[int]) -> list[SourceRow]:
    return [
        SourceRow(source.pk, source.name, source.slug, source.cadence, source.enabled, _status(source))
        for source in DataSource.objects.filter(pk__in=ids).select_related("status")
    ]


def _status(source: DataSource) -> SourceState | None:
    status = getattr(source, "status", None)
    if status is None or status.since is None:
        return None
    last = None if status.last_tick is None else _milliseconds(status.last_tick)
    word, message = status.current
    return SourceState(word, _milliseconds(status.since), last, status.hz, message)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def titles(viewer: Viewer) -> list[tuple[str, str]]:
    """Returns the titles and addresses of the dashboards that the viewer may open."""
    return [(board.title, board.get_absolute_url()) for board in Dashboard.objects.visible_to(viewer)]


def listed(viewer: Viewer) -> tuple[list[Entry], dict[int, SourceRow]]:
    """Returns the dashboards that the viewer may open, and the sources whose series are on them."""
    boards = list(Dashboard.objects.visible_to(viewer))
    used: dict[int, list[int]] = {}
    pairs = PanelSeries.objects.filter(panel__dashboard__in=boards, series__hidden=False).order_by()
    for board, source in pairs.values_list("panel__dashboard", "series__source").distinct():
        used.setdefault(board, []).append(source)
    entries = [
        Entry(
            board.slug,
            board.title,
            board.description,
            board.visibility,
            board.get_absolute_url(),
            sorted(used.get(board.pk, ())),
        )
        for board in boards
    ]
    sources = {row.id: row for row in _sources({source for ids in used.values() for source in ids})}
    return entries, sources
