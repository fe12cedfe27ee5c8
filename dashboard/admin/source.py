"""Shows sources, how they stand and what has happened to them, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from dashboard.admin.fresh import LOADED
from dashboard.admin.series import MOST_INLINE, SeriesInline
from dashboard.admin.source_board import BoardMixin
from dashboard.admin.source_form import DataSourceForm, trouble_with
from dashboard.admin.source_trial import TrialMixin
from dashboard.admin.standing import StandingCells, live_config
from dashboard.models import DataSource, SourceEvent
from dashboard.models.event import acting

# Events on the page of a source.
EVENTS = 50


@admin.register(DataSource)
class DataSourceAdmin(StandingCells, BoardMixin, TrialMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    form = DataSourceForm
    list_display = (
        "name",
        "state",
        "rate",
        "last_tick",
        "published",
        "gap",
        "refused",
        "viewers",
        "worker",
        "kind_shown",
        "enabled_shown",
    )
    list_filter = ("enabled", "kind", "status__state")
    list_select_related = ("status",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("restart", "enable", "disable", "duplicate")
    standing_fields = (
        ("state", "rate", "last_tick"),
        ("published", "gap", "refused"),
        ("worker", "viewers", "as_of"),
        "all_series",
    )
    readonly_fields = (
        *("state", "rate", "last_tick", "published", "gap", "refused", "worker", "viewers", "as_of", "all_series"),
    )
    fieldsets = (
        ("How it is", {"fields": standing_fields, "classes": ("standing",)}),
        (None, {"fields": ("name", "slug", "enabled", "cadence", "max_series", "kind", "config")}),
    )

    def get_inlines(self, request: HttpRequest, obj: DataSource | None) -> tuple[type[SeriesInline], ...]:
        few = obj is not None and obj.series.count() <= MOST_INLINE
        return (SeriesInline,) if few else ()

    def get_fieldsets(self, request: HttpRequest, obj: DataSource | None = None) -> Any:
        standing, (title, first) = self.fieldsets
        if self.has_change_permission(request, obj):
            first = {**first, "fields": (*first["fields"], LOADED)}
        return [(title, first)] if obj is None else [standing, (title, first)]

    # --- pages that live ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with acting(request.user.get_username()):
            response = super().changelist_view(request, extra_context)
        found = getattr(response, "context_data", None)
        if found is not None and "cl" in found:
            found |= self._live(live_config(found["cl"].result_list))
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with acting(request.user.get_username()):
            answer: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Not `get_object`, which holds the row for a save that begins only further in.
        found = self.get_queryset(request).filter(pk=object_id) if object_id.isdecimal() else None
        source = found.first() if found is not None else None
        if source is None or not self.has_view_permission(request, source):
            return super().change_view(request, object_id, form_url, extra_context)
        trouble = trouble_with(source.kind) if request.method == "GET" else ""
        if trouble:
            self.message_user(request, f"{trouble} This source does not run.", messages.WARNING)
        kinds = set(request.GET.getlist("event")) & set(SourceEvent.Kind.values)
        rows = source.events.filter(kind__in=kinds) if kinds else source.events.all()
        newest = source.events.values_list("pk", flat=True).first() or 0
        events = list(rows[:EVENTS])
        config = live_config(
            [source], history=newest, kinds=SourceEvent.Kind.choices, shown=sorted(kinds), events=EVENTS
        )
        given = {"events": events, "event_kinds": SourceEvent.Kind.choices, "chosen_kinds": kinds, "source": source}
        may = {
            "may_change": self.has_change_permission(request, source),
            "may_duplicate": self.has_add_permission(request),
        }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **self._live(config), **given, **may}
        )

    def _live(self, config: dict[str, Any]) -> dict[str, Any]:
        clock = timezone.localtime().strftime("%H:%M:%S")
        return {"live": config, "live_clock": clock, "build": settings.TICKWALL_BUILD}

    # --- what can be done ---

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:object_id>/act/", act, name="dashboard_datasource_act"), *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Does what a button on the page of a source says."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        sources = self.get_queryset(request).filter(pk=object_id)
        deed = self._deeds().get(request.POST.get("act", ""))
        needed = self.has_add_permission if request.POST.get("act") == "duplicate" else self.has_change_permission
        # The same answer for a source that is not there: whoever may not change it has no business to know.
        if deed is None or not needed(request) or not sources.exists():
            raise PermissionDenied
        with acting(request.user.get_username()):
            made = deed(request, sources)
        page = made[-1].pk if made else object_id
        return HttpResponseRedirect(reverse("admin:dashboard_datasource_change", args=[page]))

    def _deeds(self) -> dict[str, Callable[[HttpRequest, QuerySet[DataSource]], list[DataSource]]]:
        return {
            "restart": self._restart,
            "enable": lambda request, sources: self._switch(request, sources, True),
            "disable": lambda request, sources: self._switch(request, sources, False),
            "duplicate": self._duplicate,
        }

    @admin.action(description="Restart the selected sources", permissions=["change"])
    def restart(self, request: HttpRequest, sources: QuerySet[DataSource]) -> None:
        self._restart(request, sources)

    @admin.action(description="Enable the selected sources", permissions=["change"])
    def enable(self, request: HttpRequest, sources: QuerySet[DataSource]) -> None:
        self._switch(request, sources, True)

    @admin.action(description="Disable the selected sources", permissions=["change"])
    def disable(self, request: HttpRequest, sources: QuerySet[DataSource]) -> None:
        self._switch(request, sources, False)

    @admin.action(description="Duplicate the selected sources", permissions=["add"])
    def duplicate(self, request: HttpRequest, sources: QuerySet[DataSource]) -> None:
        self._duplicate(request, sources)

    @transaction.atomic
    def _restart(self, request: HttpRequest, sources: QuerySet[DataSource]) -> list[DataSource]:
        """Asks for a fresh start by a number in the row: whichever worker has the source finds that it differs."""
        running = [source for source in _locked(sources) if source.enabled]
        for source in running:
            source.restarts += 1
            source.save(update_fields=["restarts", "updated"])
            self.log_change(request, source, "Restarted.")
        if running:
            self.message_user(request, f"{_count(running)} started anew.")
        else:
            self.message_user(request, "What is disabled does not run, so nothing was started anew.", messages.WARNING)
        return running

    @transaction.atomic
    def _switch(self, request: HttpRequest, sources: QuerySet[DataSource], on: bool) -> list[DataSource]:
        changed = [source for source in _locked(sources) if source.enabled != on]
        for source in changed:
            source.enabled = on
            # Saved one by one, because QuerySet.update sends no signal and the worker would not hear of it.
            source.save(update_fields=["enabled", "updated"])
            self.log_change(request, source, [{"changed": {"fields": ["Enabled"]}}])
        word = "enabled" if on else "disabled"
        said = f"{_count(changed)} {word}." if changed else f"The selected sources are {word} already."
        self.message_user(request, said)
        return changed

    @transaction.atomic
    def _duplicate(self, request: HttpRequest, sources: QuerySet[DataSource]) -> list[DataSource]:
        """Copies sources, disabled, with their secrets as they lie sealed in the row; series come with the feed."""
        copies = []
        for source in _locked(sources):
            name, slug = source.name, source.slug
            source.pk, source.enabled, source.restarts = None, False, 0
            source.slug = _free_slug(slug)
            source.name = f"{name[:90]} (copy)"
            source._state.adding = True
            source.save()
            self.log_addition(request, source, f"Duplicated from {name} ({slug}).")
            copies.append(source)
        self.message_user(request, f"{_count(copies)} duplicated. A copy is disabled until somebody enables it.")
        return copies

    @admin.display(description="kind", ordering="kind")
    def kind_shown(self, source: DataSource) -> str:
        return f"{source.kind} (not available)" if trouble_with(source.kind) else source.kind


def _locked(sources: QuerySet[DataSource]) -> list[DataSource]:
    return list(sources.select_for_update(of=("self",)).order_by("pk"))


def _count(sources: list[DataSource]) -> str:
    return f"{len(sources)} source{'' if len(sources) == 1 else 's'}"


def _free_slug(slug: str) -> str:
    """Returns market-2 for market, or the next number that is free."""
    stem = re.sub(r"-\d+$", "", slug)[:50]
    taken = set(DataSource.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(it for number in range(2, len(taken) + 3) if (it := f"{stem}-{number}") not in taken)
