"""Decides what a viewer may see. Every page, API call and subscription asks here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from dashboard.models.board import Dashboard  # noqa: F401
    from dashboard.models.source import DataSource, Series


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks: a user (None = nobody signed in), or a token with its scope and, perhaps, its one source."""

    user_id: int | None = None
    sees_all_sources: bool = False
    sees_all_dashboards: bool = False
    only_source: int | None = None

    @classmethod
    def of_user(cls, user: Any) -> Viewer:
        """Reads the rights of a Django user as they are now; a disabled user is nobody."""
        if not user.is_authenticated or not user.is_active:
            return cls()
        return cls(user.pk, user.has_perm("dashboard.view_datasource"), user.has_perm("dashboard.view_dashboard"))


class DashboardQuerySet(models.QuerySet["Dashboard"]):
    def visible_to(self, viewer: Viewer) -> DashboardQuerySet:
        """Returns the dashboards that the viewer may open."""
        if viewer.only_source is not None:
            return self.none()
        if viewer.sees_all_dashboards:
            return self
        rule = Q(visibility="public")
        if viewer.user_id is not None:
            rule |= Q(visibility="signed-in") | Q(owner_id=viewer.user_id)
        return self.filter(rule)


def visible_series(viewer: Viewer) -> models.QuerySet[Series]:
    """Returns the series that the viewer may see: all with the right to view sources, else those on his dashboards.

    Hidden ones are shown to nobody. Their ticks are in the log all the same, and have their seqs: a viewer gets the
    ranges without them, as with any series that he did not ask for.
    """
    from dashboard.models.board import Dashboard
    from dashboard.models.source import Series

    if viewer.only_source is not None:
        return Series.objects.filter(hidden=False, source_id=viewer.only_source)
    if viewer.sees_all_sources:
        return Series.objects.filter(hidden=False)
    return Series.objects.filter(hidden=False, panels__dashboard__in=Dashboard.objects.visible_to(viewer)).distinct()


def visible_sources(viewer: Viewer) -> models.QuerySet[DataSource]:
    """Returns the sources of which the viewer may see a series, or might see the first one when it comes."""
    from dashboard.models.source import DataSource

    if viewer.only_source is not None:
        return DataSource.objects.filter(pk=viewer.only_source)
    if viewer.sees_all_sources:
        return DataSource.objects.all()
    return DataSource.objects.filter(pk__in=visible_series(viewer).order_by().values("source"))


def overseen_sources(viewer: Viewer) -> models.QuerySet[DataSource] | None:
    """Returns the sources that the viewer may look after, which says more of them than their ticks do: who runs them,
    who looks at them, what was refused. None for somebody who may look after none."""
    from dashboard.models.source import DataSource

    if viewer.only_source is not None:
        return DataSource.objects.filter(pk=viewer.only_source)
    return DataSource.objects.all() if viewer.sees_all_sources else None
