"""Runs what a project's own models say: a query that its code has published under a name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from pydantic import Field

from dashboard.feeds import queries
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.batches import NOTHING


class DjangoConfig(FeedConfig):
    query: str = Field(
        min_length=1,
        max_length=200,
        title="Query",
        description="The name under which the code of the project has published it.",
    )
    interval: float = Field(
        10.0,
        ge=0.2,
        le=86_400,
        title="Interval",
        description="Seconds after which it is asked again in any case; the cadence too.",
    )
    check: float = Field(
        1.0,
        ge=0.1,
        le=3600,
        title="Look for changes",
        description="Seconds between two looks at the version of a query that has one, for bulk updates.",
    )
    pause: float = Field(
        0.5,
        ge=0.05,
        le=3600,
        title="Pause",
        description="Seconds between two questions at least, however often something is saved.",
    )


class DjangoFeed(Feed[DjangoConfig]):
    kind = "django"
    label = "Models of this project"
    Config = DjangoConfig

    def series(self) -> Sequence[SeriesSpec]:
        query = queries.find(self.config.query)
        return query.series if query else ()

    async def run(self) -> AsyncIterator[FeedBatch]:
        name = self.config.query
        query = queries.find(name)
        if query is None:
            known = ", ".join(queries.names()) or "none"
            raise FeedError(f"no query “{name}” is published; there are: {known}")
        with queries.listening(name) as changed:
            while True:
                changed.clear()
                # First the version: what changes while the query is answered is then seen as a change.
                version = await query.version() if query.version else None
                asked_at = time.monotonic()
                yield await query.ask()
                async for still in self._wait(query, version, changed, asked_at):
                    yield still
                await asyncio.sleep(max(0.0, asked_at + self.config.pause - time.monotonic()))

    async def _wait(
        self, query: queries.Query, version: object, changed: asyncio.Event, asked_at: float
    ) -> AsyncIterator[FeedBatch]:
        """Waits until it is time to ask again, and gives signs of life meanwhile."""
        until = asked_at + self.config.interval
        while (left := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, self.config.check)):
                    await changed.wait()
                return
            except TimeoutError:
                pass
            if query.version and await query.version() != version:
                return
            yield NOTHING
