"""Shows dashboards, their panels, and the series on them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from dashboard.admin.json_object import JsonObjectField
from dashboard.models import Dashboard, Panel
from dashboard.models.board import PanelSeries


class PanelForm(forms.ModelForm):  # type: ignore[type-arg]
    options = JsonObjectField(required=False, help_text="What this kind of panel can be told, as JSON.")

    class Meta:
        model = Panel
        fields = ("dashboard", "kind", "title", "x", "y", "w", "h", "options")


class CompactPanelForm(PanelForm):
    """The same in a row of a table."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "options" in self.fields:
            self.fields["options"].widget.attrs.update(rows=2, cols=40)


class PanelInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Panel
    form = CompactPanelForm
    fields = ("kind", "title", "x", "y", "w", "h", "options")
    show_change_link = True
    extra = 0


class PanelSeriesInline(admin.TabularInline):  # type: ignore[type-arg]
    """The series of a panel, in the order in which it shows them."""

    model = PanelSeries
    fields = ("position", "series")
    autocomplete_fields = ("series",)
    extra = 1
    verbose_name = verbose_name_plural = "series in order"


@admin.register(Dashboard)
class DashboardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "slug", "visibility", "owner", "updated")
    list_filter = ("visibility",)
    list_select_related = ("owner",)
    search_fields = ("title", "slug", "description")
    prepopulated_fields = {"slug": ("title",)}
    autocomplete_fields = ("owner",)
    readonly_fields = ("version", "created", "updated")
    fields = ("title", "slug", "description", "owner", "visibility", "version", "created", "updated")
    inlines = (PanelInline,)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        # The widget looks for whatever the address says, and fails at what is no number.
        if not str(given.get("owner", "")).isdecimal():
            given["owner"] = request.user.pk
        return given


@admin.register(Panel)
class PanelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = PanelForm
    list_display = ("__str__", "kind", "dashboard", "x", "y", "w", "h")
    list_filter = ("dashboard", "kind")
    list_select_related = ("dashboard",)
    search_fields = ("title", "dashboard__title")
    inlines = (PanelSeriesInline,)
