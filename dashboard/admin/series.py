"""Shows the series of sources: their names, units and decimals, and whether anybody is shown them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse

from dashboard.admin.fresh import LOADED
from dashboard.admin.source_form import SeriesForm
from dashboard.models import Series
from dashboard.models.event import acting

# More rows than this in one form would run into Django's limit on form fields, and nobody could save the source.
MOST_INLINE = 100


class SeriesInline(admin.TabularInline):  # type: ignore[type-arg]
    """Series come from the feed; here they get a name, a unit and their decimals."""

    model = Series
    form = SeriesForm
    fields = ("key", "label", "unit", "decimals", "text", "hidden")
    readonly_fields = ("key",)
    extra = 0

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, LOADED) if self.has_change_permission(request, obj) else self.fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Series)
class SeriesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("__str__", "key", "source", "unit", "decimals", "text", "hidden", "panels")
    list_filter = ("source", "text", "hidden")
    ordering = ("id",)
    actions = ("hide", "show")
    list_select_related = ("source",)
    search_fields = ("key", "label", "source__name")
    readonly_fields = ("source", "key")
    fields = ("source", "key", "label", "unit", "decimals", "text", "hidden")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Series]:
        rows: QuerySet[Series] = super().get_queryset(request)
        return rows.annotate(panel_count=Count("panels"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # series come from their feed

    @admin.display(description="on panels", ordering="panel_count")
    def panels(self, series: Any) -> int:
        count: int = series.panel_count
        return count

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with acting(request.user.get_username()):
            return super().changeform_view(request, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Series], search_term: str
    ) -> tuple[QuerySet[Series], bool]:
        """Offers no hidden series where one is picked."""
        found, doubles = super().get_search_results(request, queryset, search_term)
        picking = request.path.endswith("/autocomplete/")
        return (found.filter(hidden=False) if picking else found), doubles

    @admin.action(description="Hide the selected series", permissions=["change"])
    def hide(self, request: HttpRequest, series: QuerySet[Series]) -> None:
        self._switch(request, series, True)

    @admin.action(description="Show the selected series again", permissions=["change"])
    def show(self, request: HttpRequest, series: QuerySet[Series]) -> None:
        self._switch(request, series, False)

    @transaction.atomic
    def _switch(self, request: HttpRequest, series: QuerySet[Series], hidden: bool) -> None:
        # Without the annotations of the list, which cannot be locked.
        chosen = Series.objects.filter(pk__in=list(series.values_list("pk", flat=True)))
        changed = [row for row in chosen.select_for_update().order_by("pk") if row.hidden != hidden]
        with acting(request.user.get_username()):
            for row in changed:
                row.hidden = hidden
                row.save(update_fields=["hidden"])
                self.log_change(request, row, [{"changed": {"fields": ["Hidden"]}}])
        self.message_user(request, f"{len(changed)} series {'hidden' if hidden else 'shown again'}.")
