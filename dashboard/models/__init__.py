"""Holds what an operator configures: sources, series, dashboards, panels, tokens; and who may see them."""

from __future__ import annotations

from dashboard.models.board import Dashboard, Panel
from dashboard.models.event import SourceEvent
from dashboard.models.process import WebProcess
from dashboard.models.rights import Viewer
from dashboard.models.source import DataSource, Series, SourceStatus
from dashboard.models.token import ApiToken

__all__ = [
    "ApiToken",
    "Dashboard",
    "DataSource",
    "Panel",
    "Series",
    "SourceEvent",
    "SourceStatus",
    "Viewer",
    "WebProcess",
]
