"""Answers the pages: the list of dashboards and a dashboard."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.models import Viewer
from dashboard.models.offload import offload
from dashboard.pages import context, readings
from dashboard.pages.board import Board, listed, read, titles


@require_safe
async def index(request: HttpRequest) -> HttpResponse:
    entries, sources = await offload(_listed)(request)
    now = await readings.take(sources, seconds=0)
    return await _page(request, "dashboard/index.html", context.of_index(entries, sources, now))


def _listed(request: HttpRequest) -> Any:
    return listed(Viewer.of_user(request.user))


@require_safe
async def dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows a dashboard; one that the viewer may not open is answered like one that does not exist."""
    board, boards, person = await offload(_read)(request, slug)
    if board is None:
        raise Http404
    seconds = context.span(request.GET.get("range", ""), await readings.reach(board.sources))
    now = await readings.take(board.sources, seconds)
    given = context.of_board(board, now, seconds, person)
    given |= {"kiosk": request.GET.get("kiosk") == "1", "boards": boards}
    return await _page(request, "dashboard/dashboard.html", given)


def _read(request: HttpRequest, slug: str) -> tuple[Board | None, list[tuple[str, str]], dict[str, Any]]:
    user, viewer = request.user, Viewer.of_user(request.user)
    person = {"user": user.get_username() if user.is_authenticated else None, "staff": user.is_staff}
    return read(slug, viewer), titles(viewer), person


async def _page(request: HttpRequest, template: str, given: dict[str, Any]) -> HttpResponse:
    """Renders on a thread, where the templates may still ask the database who is signed in."""
    response = await offload(render)(request, template, given)
    # Asked for anew each time, for its figures; `no-store` would take the page from the browser's back button too.
    response["Cache-Control"] = "no-cache, private"
    return response
