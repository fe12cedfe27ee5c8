"""Answers who one is, and which sources, series and dashboards there are for him."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from dashboard import ticklog
from dashboard.api.answers import Refusal, not_found
from dashboard.api.identity import caller
from dashboard.models import Dashboard, DataSource, Viewer
from dashboard.models.offload import offload
from dashboard.models.rights import visible_series, visible_sources
from dashboard.protocol.messages import SourceState, StateName

router = Router()


class TokenOut(Schema):
    name: str
    scope: str
    src: int | None = Field(description="The only source the token is for, by id; null = all.")


class SessionOut(Schema):
    user: str | None
    signed_in: bool
    staff: bool
    token: TokenOut | None


class SourceOut(Schema):
    id: int
    slug: str
    name: str
    kind: str
    cadence: float = Field(description="Seconds between two ticks of a healthy source.")
    enabled: bool
    state: StateName
    since: int | None = Field(description="Since when it is in this state, in milliseconds since 1970 UTC.")
    last: int | None = Field(description="Time of its last tick, in milliseconds since 1970 UTC.")
    hz: float = Field(description="Ticks a second.")
    msg: str = Field(description="What is wrong, in plain words; empty when nothing is.")


class SeriesOut(Schema):
    id: int
    src: int
    source: str
    key: str
    label: str
    unit: str
    decimals: int | None
    text: bool


class DashboardOut(Schema):
    slug: str
    title: str
    description: str
    visibility: str
    url: str
    updated: datetime


@router.get("/session", response=SessionOut, summary="Who am I")
async def session(request: HttpRequest) -> dict[str, Any]:
    """Says who the cookie or the token stands for; 401 when for nobody."""
    who = caller(request)
    if not who.signed_in:
        raise Refusal(401, "unauthorized", "Nobody is signed in. Sign in at /accounts/login/ or send a bearer token.")
    token = who.token and {"name": who.token.name, "scope": who.token.scope, "src": who.token.source_id}
    return {"user": who.user, "signed_in": True, "staff": who.staff, "token": token}


@router.get("/sources", response=list[SourceOut], summary="Sources and their state")
async def sources(request: HttpRequest) -> list[dict[str, Any]]:
    """Lists the sources of which the caller may see a series."""
    rows = await offload(_sources)(caller(request).viewer)
    states = await ticklog.current().states()
    return [{**row, **_state(row, states.get(row["id"]))} for row in rows]


def _sources(viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(source, name) for name in ("id", "slug", "name", "kind", "cadence", "enabled")},
            "status": getattr(source, "status", None),
        }
        for source in visible_sources(viewer).select_related("status")
    ]


def _state(row: dict[str, Any], state: SourceState | None) -> dict[str, Any]:
    """Returns the state that the worker published; before it has, what is kept in the database."""
    if state is not None:
        return state.as_json()
    status = row["status"]
    if status is None:
        return {"state": "starting" if row["enabled"] else "stopped", "since": None, "last": None, "hz": 0.0, "msg": ""}
    word, message = status.current
    return {
        "state": word,
        "since": _milliseconds(status.since),
        "last": _milliseconds(status.last_tick),
        "hz": status.hz,
        "msg": message,
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


@router.get("/series", response=list[SeriesOut], summary="Series of a source, or of all")
async def series(request: HttpRequest, source: str | None = None) -> list[dict[str, Any]]:
    """Lists the series that the caller may see, in the order in which they came to be."""
    return await offload(_series)(caller(request).viewer, source)


def _series(viewer: Viewer, slug: str | None) -> list[dict[str, Any]]:
    rows = visible_series(viewer).select_related("source")
    if slug is not None:
        rows = rows.filter(source=source_of(viewer, slug))
    return [
        {
            **{name: getattr(row, name) for name in ("id", "key", "label", "unit", "decimals", "text")},
            "src": row.source_id,
            "source": row.source.slug,
        }
        for row in rows
    ]


def source_of(viewer: Viewer, slug: str) -> DataSource:
    """Returns the source of that name; refuses in the same way when it is missing and when it may not be seen."""
    # PostgreSQL takes no NUL in a query.
    source = None if "\0" in slug else visible_sources(viewer).filter(slug=slug).first()
    if source is None:
        raise not_found()
    return source


@router.get("/dashboards", response=list[DashboardOut], summary="Dashboards")
async def dashboards(request: HttpRequest) -> list[dict[str, Any]]:
    """Lists the dashboards that the caller may open."""
    return await offload(_dashboards)(caller(request).viewer)


def _dashboards(viewer: Viewer) -> list[dict[str, Any]]:
    names = ("slug", "title", "description", "visibility", "updated")
    return [
        {**{name: getattr(row, name) for name in names}, "url": row.get_absolute_url()}
        for row in Dashboard.objects.visible_to(viewer)
    ]
