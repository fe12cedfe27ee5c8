"""Knows which sources take what is sent to them, and who may send, without asking the database at each request."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from django.conf import settings
from django.utils import timezone

from dashboard.feeds.base import SeriesInfo, SourceSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.pushed import Target
from dashboard.models import ApiToken, DataSource, Series
from dashboard.models.offload import offload
from dashboard.models.secrets import Unreadable, unseal

logger = logging.getLogger(__name__)

# Seconds after which the database is asked again, and beyond which no request is judged by what it said: a token that
# was revoked holds no longer than that.
FRESH = 2.0
OLDEST = 5.0
# Seconds that a request waits for the database.
PATIENCE = 5.0


class Unknown(Exception):
    """The database does not say who may send."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A token that may send: the hash of its secret, and the only source that it is for (None: any)."""

    digest: str
    source: int | None
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What the database said: the sources by slug, the tokens by lookup."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    passes: Mapping[str, Pass] = field(default_factory=dict)


class Directory:
    """Keeps a listing and has it read anew while requests come."""

    def __init__(
        self,
        read: Callable[[Collection[str]], Awaitable[Listing]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._monotonic = read, monotonic
        self._listing = Listing()
        self._asked_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        # Tokens that were used since the database was told.
        self._used: set[str] = set()
        self._failing = False

    async def look(self) -> Listing:
        """Returns what the database said within the last seconds. Raises Unknown."""
        age = self._monotonic() - self._asked_at
        if age >= FRESH and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._renew(), name="ingest.directory")
        if age >= OLDEST and self._reading is not None:
            # All requests wait for the one question; none of them takes it along when its sender goes.
            await asyncio.wait({self._reading}, timeout=PATIENCE)
            if self._monotonic() - self._asked_at >= OLDEST:
                raise Unknown
        return self._listing

    def note(self, lookup: str) -> None:
        """Notes that a token was used."""
        self._used.add(lookup)

    async def _renew(self) -> None:
        asked_at, used = self._monotonic(), set(self._used)
        try:
            self._listing = await self._read(used)
        except Exception as error:
            if not self._failing:
                logger.warning("who may send ticks in cannot be read from the database: %r", error)
            self._failing = True
            return
        self._failing = False
        self._asked_at = asked_at
        self._used -= used


def read(used: Collection[str]) -> Listing:
    """Asks the database; `used` are the tokens whose last use is to be noted there."""
    if used:
        ApiToken.objects.filter(lookup__in=used).update(last_used=timezone.now())
    series: dict[int, dict[str, SeriesInfo]] = {}
    for row in Series.objects.filter(source__kind="webhook"):
        series.setdefault(row.source_id, {})[row.key] = SeriesInfo(row.pk, row.decimals, row.text)
    limits = Limits(max_age=settings.TICKWALL_TICK_MAX_AGE, max_ahead=settings.TICKWALL_TICK_MAX_AHEAD)
    targets = {
        row.slug: _target(row, series.get(row.pk, {}), limits) for row in DataSource.objects.filter(kind="webhook")
    }
    passes = ApiToken.holding().filter(scope__in=(ApiToken.Scope.INGEST, ApiToken.Scope.ADMIN))
    return Listing(targets, {row.lookup: Pass(row.digest, row.source_id, row.expires) for row in passes})


def _target(row: DataSource, series: Mapping[str, SeriesInfo], limits: Limits) -> Target:
    trouble, secrets = "", {}
    try:
        secrets = unseal(row.secrets)
    except Unreadable as error:
        trouble = str(error)
    spec = SourceSpec(
        row.pk,
        row.slug,
        row.kind,
        row.config,
        row.cadence,
        max_series=row.max_series,
        series=series,
        secrets=secrets,
        trouble=trouble,
    )
    return Target(spec, limits, settings.TICKWALL_INGEST_TICKS, row.enabled)


@cache
def current() -> Directory:
    """Returns the directory of this process."""
    return Directory(offload(read))
