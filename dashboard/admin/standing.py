"""Shows how a source stands, as the database knows it; the page's script goes on from there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from dashboard.admin.source_board import board_url
from dashboard.models import DataSource, SourceStatus

NOTHING = "–"  # noqa: RUF001
# The picture of each state: the fuller, the surer (docs/page.md). What is not here is drawn as unknown.
SHAPES = {"live": "live", "late": "late", "degraded": "late", "down": "stale", "stopped": "stopped"}


class StandingCells:
    """Columns of the list and fields of the page. Each stands in a `data-cell`, where the script finds it."""

    @admin.display(ordering="status__state")
    def state(self, source: DataSource) -> SafeString:
        shape, word, note = standing(source)
        return format_html(
            '<span class="cond" data-source="{0}" data-cell="state"><svg class="shape" aria-hidden="true">'
            '<use href="#shape-{1}"/></svg><span>{2}</span></span>'
            '<span class="note" data-source="{0}" data-cell="note"{3}>{4}</span>',
            source.pk,
            shape,
            word,
            "" if note else SafeString(" hidden"),
            note,
        )

    @admin.display(description="enabled", ordering="enabled")
    def enabled_shown(self, source: DataSource) -> SafeString:
        return _cell(source, "enabled", "Yes" if source.enabled else "No")

    @admin.display(description="ticks/s", ordering="status__hz")
    def rate(self, source: DataSource) -> SafeString:
        said = status(source)
        return _cell(source, "hz", f"{said.hz:,.1f}" if said else NOTHING)

    @admin.display(ordering="status__last_tick")
    def last_tick(self, source: DataSource) -> SafeString:
        said = status(source)
        if said is None or said.last_tick is None:
            return _cell(source, "age", NOTHING)
        at = timezone.localtime(said.last_tick)
        return format_html(
            '<time datetime="{}" data-source="{}" data-cell="age">{}</time>',
            at.isoformat(),
            source.pk,
            at.strftime("%Y-%m-%d %H:%M:%S"),
        )

    @admin.display
    def published(self, source: DataSource) -> SafeString:
        return _cell(source, "published", NOTHING)

    @admin.display(description="gap")
    def gap(self, source: DataSource) -> SafeString:
        return _cell(source, "gap", NOTHING)

    @admin.display(description="refused", ordering="status__refused")
    def refused(self, source: DataSource) -> SafeString:
        said = status(source)
        return _cell(source, "refused", f"{said.refused:,}" if said else NOTHING)

    @admin.display
    def viewers(self, source: DataSource) -> SafeString:
        return _cell(source, "viewers", NOTHING)

    @admin.display(ordering="status__worker")
    def worker(self, source: DataSource) -> SafeString:
        said = status(source)
        return _cell(source, "worker", said.worker if said and said.worker else NOTHING)

    @admin.display(description="written down")
    def as_of(self, source: DataSource) -> str | None:
        """Says how old the word of the worker is that the database has."""
        said = status(source)
        return f"{timesince(said.updated)} ago" if said else None

    @admin.display(description="series")
    def all_series(self, source: DataSource) -> SafeString:
        where = f"{reverse('admin:dashboard_series_changelist')}?source__id__exact={source.pk}"
        words = '<a href="{}">All {} series</a> · <a href="{}">Put them on a dashboard</a>'
        return format_html(words, where, source.series.count(), board_url(source))


def _cell(source: DataSource, name: str, text: str) -> SafeString:
    return format_html('<span data-source="{}" data-cell="{}">{}</span>', source.pk, name, text)


def status(source: DataSource) -> SourceStatus | None:
    return getattr(source, "status", None)


def standing(source: DataSource) -> tuple[str, str, str]:
    """Returns shape, word and note of what the database knows. Words that no worker stands by are not how it is."""
    said = status(source)
    if said is None:
        return ("unknown", "No worker has run it yet", "") if source.enabled else ("stopped", "Stopped", "")
    state, note = said.current
    if state != said.state:
        return "unknown", "Unknown", note
    return SHAPES.get(state, "unknown"), said.get_state_display(), note


def live_config(sources: Iterable[DataSource], **more: Any) -> dict[str, Any]:
    """Returns what the page's script is told."""
    return {
        "sources": {source.pk: {"cadence": source.cadence} for source in sources},
        "now": int(time.time() * 1000),
        "timezone": settings.TIME_ZONE,
        **more,
    }
