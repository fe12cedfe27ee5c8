"""Puts the series of a source on a dashboard, on panels that fit them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import slugify

from dashboard.models import Dashboard, DataSource, Panel, Series
from dashboard.models.board import PanelSeries

# So many series are picked beforehand, and so many lines one can tell apart in a picture.
PICKED, LINES = 12, 8
# So many series each get a tile of their own; more of them share a list.
TILES = 4
# Seconds between two looks at a source whose first ticks have not come.
LOOK_AGAIN = 2


class BoardForm(forms.Form):
    board = forms.ModelChoiceField(Dashboard.objects.none(), required=False, label="Dashboard", empty_label="A new one")
    title = forms.CharField(max_length=100, required=False, label="Title of the new one")
    series = forms.ModelMultipleChoiceField(Series.objects.none(), widget=forms.CheckboxSelectMultiple)

    def __init__(self, source: DataSource, boards: Any, data: Any = None) -> None:
        series = source.series.filter(hidden=False).order_by("pk")
        first = [each.pk for each in series[:PICKED]]
        super().__init__(data, initial={"title": source.name, "series": first})
        self.fields["board"].queryset = boards  # type: ignore[attr-defined]
        self.fields["series"].queryset = series  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "title" in self.fields and not cleaned.get("board") and not cleaned.get("title", "").strip():
            self.add_error("title", "Name the new dashboard, or choose one that there is.")
        return cleaned


class BoardMixin:
    """Adds the page, and a link to it after each save."""

    def get_urls(self) -> list[Any]:
        admin: Any = self
        view = admin.admin_site.admin_view(self.board_view)
        name = "dashboard_datasource_board"
        return [path("<int:number>/board/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def response_add(self, request: HttpRequest, obj: DataSource, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().response_add(request, obj, *args, **kwargs)  # type: ignore[misc]
        words = '<a href="{}">Put {} on a dashboard</a>, and see it tick.'
        messages.info(request, format_html(words, board_url(obj), obj.name))
        return answer

    def board_view(self, request: HttpRequest, number: int) -> HttpResponse:
        admin: Any = self
        source = admin.get_queryset(request).filter(pk=number).first()
        if source is None:
            raise Http404
        if not (admin.has_view_permission(request, source) and request.user.has_perm("dashboard.add_panel")):
            raise PermissionDenied
        form = BoardForm(source, _boards(request), request.POST or None)
        if not request.user.has_perm("dashboard.add_dashboard"):
            form.fields["board"].required = True
            del form.fields["title"]
        if form.is_valid():
            board = _put(request, source, form.cleaned_data)
            return redirect(board.get_absolute_url())
        context = {
            **admin.admin_site.each_context(request),
            "opts": admin.opts,
            "title": f"Put {source.name} on a dashboard",
            "source": source,
            "form": form,
            "waits": not source.series.exists(),
        }
        answer = TemplateResponse(request, "admin/dashboard/datasource/board.html", context)
        if context["waits"] and source.enabled:
            # Series come with the first ticks, a moment after a source was saved.
            answer["Refresh"] = str(LOOK_AGAIN)
        return answer


def board_url(source: DataSource) -> str:
    return reverse("admin:dashboard_datasource_board", args=[source.pk])


def _boards(request: HttpRequest) -> Any:
    may = request.user.has_perm("dashboard.change_dashboard")
    return Dashboard.objects.all() if may else Dashboard.objects.none()


@transaction.atomic
def _put(request: HttpRequest, source: DataSource, given: dict[str, Any]) -> Dashboard:
    board: Dashboard | None = given["board"]
    if board is None:
        board = Dashboard.objects.create(
            title=given["title"].strip(), slug=_free_slug(given["title"]), owner=_user(request)
        )
    below = board.panels.aggregate(below=Max(F("y") + F("h")))["below"] or 0
    for panel, series in panels(source.name, list(given["series"])):
        panel.dashboard, panel.y = board, panel.y + below
        panel.save()
        PanelSeries.objects.bulk_create(
            [PanelSeries(panel=panel, series=each, position=place) for place, each in enumerate(series)]
        )
        # Told once more, now that its series are on it: bulk_create sends no signal.
        panel.save()
    return board


def panels(title: str, series: Sequence[Series]) -> list[tuple[Panel, list[Series]]]:
    """Returns panels for series, from row 0 on: tiles for a few and a list for many, and lines for the numbers."""
    numbers = [each for each in series if not each.text]
    found: list[tuple[Panel, list[Series]]] = []
    if len(series) <= TILES:
        width = 12 // max(len(series), 1)
        for place, each in enumerate(series):
            found.append((Panel(kind="stat", title=str(each)[:100], x=place * width, y=0, w=width, h=1), [each]))
        if numbers:
            found.append((Panel(kind="line", title=title, x=0, y=1, w=12, h=6), numbers))
        return found
    found.append((Panel(kind="watchlist", title=title, x=0, y=0, w=5, h=6), list(series)))
    if numbers:
        found.append((Panel(kind="line", title=title, x=5, y=0, w=7, h=6), numbers[:LINES]))
    return found


def _free_slug(title: str) -> str:
    slug = slugify(title)[:50] or "dashboard"
    taken = set(Dashboard.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    return next(each for each in [slug, *(f"{slug}-{number}" for number in range(2, 10_000))] if each not in taken)


def _user(request: HttpRequest) -> Any:
    return request.user
