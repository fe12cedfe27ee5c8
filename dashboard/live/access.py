"""Asks the database who a viewer is and what he may see. Everything here runs on a database thread."""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from weakref import WeakValueDictionary

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db.models import QuerySet
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

from dashboard.live.watch import Interest
from dashboard.models import ApiToken, Dashboard, DataSource, Series, SourceEvent, Viewer
from dashboard.models.rights import overseen_sources, visible_series
from dashboard.protocol.requests import Subscribe


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a handshake brought along to prove who is there: a session, a token, or neither."""

    session_key: str | None = None
    token: str | None = None

    @classmethod
    def of_headers(cls, headers: Iterable[tuple[bytes, bytes]]) -> Credentials:
        """Reads the cookies (all of their headers) and `Authorization: Bearer`."""
        session_key = token = None
        for name, value in headers:
            if name == b"cookie":
                session_key = _cookie(value.decode("latin-1")) or session_key
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                token = value[7:].decode("latin-1").strip()
        return cls(session_key, token)


def _cookie(header: str) -> str | None:
    # Django's own: the standard library's drops all cookies when one of them, of whomever, is odd.
    return parse_cookie(header).get(settings.SESSION_COOKIE_NAME)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is there: a viewer's rights as of now, and whether they rest on a session or token that can end."""

    viewer: Viewer
    proven: bool


def identify(credentials: Credentials) -> Identity:
    """Reads who that is as of now. A session is only read, never changed: the socket is not a page view."""
    if credentials.token is not None:
        token = ApiToken.check_text(credentials.token)
        return Identity(token.viewer(), True) if token else Identity(Viewer(), False)
    user = _session_user(credentials.session_key) if credentials.session_key else None
    return Identity(Viewer.of_user(user), True) if user is not None and user.is_active else Identity(Viewer(), False)


def _session_user(key: str) -> Any:
    """Returns the user of a session that is valid: not expired, with the hash of his present password."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = get_user_model()._default_manager.filter(pk=session.get(SESSION_KEY)).first()
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user


@dataclass(frozen=True, slots=True)
class SeriesGrant:
    """A series that may be seen, as the page wants to name it."""

    id: int
    source: int
    key: str
    label: str
    unit: str
    decimals: int | None


@dataclass(frozen=True, slots=True)
class SourceGrant:
    """A source of which something may be seen; `cadence` in seconds."""

    id: int
    name: str
    cadence: float
    enabled: bool


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Grant:
    """What a subscription stands for. Grants that say the same are one object, for all who have them."""

    series: tuple[SeriesGrant, ...]
    sources: tuple[SourceGrant, ...]

    def interests(self, window: float, points: int) -> tuple[Interest, ...]:
        return tuple(
            Interest(
                source.id,
                frozenset(series.id for series in self.series if series.source == source.id),
                window,
                points,
            )
            for source in self.sources
        )


def grant(viewer: Viewer, request: Subscribe, shown: MutableMapping[int, Grant]) -> Grant | None:
    """Returns what the request asks for, or None: the same for what does not exist and what may not be seen.

    `shown` holds what was found on dashboards already: whether somebody may open one is his own question, what stands
    on it is the same for all who may.
    """
    if request.dashboard is None:
        found = _read(visible_series(viewer).filter(pk__in=request.series))
        return found if len(found.series) == len(request.series) else None
    dashboard = Dashboard.objects.visible_to(viewer).filter(slug=request.dashboard).only("pk").first()
    if dashboard is None:
        return None
    if dashboard.pk not in shown:
        shown[dashboard.pk] = _read(Series.objects.filter(hidden=False, panels__dashboard=dashboard).distinct())
    return shown[dashboard.pk]


def _read(rows: QuerySet[Series]) -> Grant:
    found = list(rows.select_related("source").order_by("id"))
    sources = {row.source_id: row.source for row in found}
    made = Grant(
        tuple(SeriesGrant(row.pk, row.source_id, row.key, str(row), row.unit, row.decimals) for row in found),
        tuple(SourceGrant(row.pk, row.name, row.cadence, row.enabled) for row in sources.values()),
    )
    # A dashboard of a hundred series would cost each of its viewers 25 kB.
    return _grants_given.setdefault(made, made)


_grants_given: WeakValueDictionary[Grant, Grant] = WeakValueDictionary()


def oversight(viewer: Viewer, sources: Collection[int]) -> tuple[SourceGrant, ...] | None:
    """Returns those of the sources that there are and that the viewer may look after; None if he may none."""
    rows = overseen_sources(viewer)
    return None if rows is None else _grants(rows.filter(pk__in=sources))


def as_they_are(sources: Collection[int]) -> dict[int, SourceGrant]:
    """Returns the sources as they are now. Whose business that is has been asked before."""
    return {grant.id: grant for grant in _grants(DataSource.objects.filter(pk__in=sources))}


def _grants(rows: QuerySet[DataSource]) -> tuple[SourceGrant, ...]:
    return tuple(SourceGrant(row.pk, row.name, row.cadence, row.enabled) for row in rows.order_by("pk"))


def history(sources: Collection[int], after: int, most: int) -> list[dict[str, Any]]:
    """Returns what has happened to sources since the event of that number, oldest first."""
    return SourceEvent.after(sources, after, most)
