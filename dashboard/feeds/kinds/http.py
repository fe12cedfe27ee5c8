"""Runs what a server answers: JSON that is fetched again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import aiohttp
from pydantic import Field

from dashboard.feeds import reach, web
from dashboard.feeds.base import Feed, FeedBatch, SeriesSpec
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.schedule import Schedule


class Poll(web.Access):
    url: Annotated[str, reach.url("http", "https")] = Field(
        title="URL", description="What answers with JSON, without a login.", examples=["https://api.example/v1/now"]
    )
    interval: float = Field(
        10.0, ge=0.2, le=86_400, title="Interval", description="Seconds between two requests; the cadence too."
    )
    timeout: float = Field(10.0, gt=0, le=10, title="Patience", description="Seconds that an answer may take.")
    method: Literal["GET", "POST"] = Field("GET", title="Method", description="POST sends the body.")
    body: str = Field("", max_length=65_536, title="Body", description="What POST sends. Not for secrets.")
    redirects: bool = Field(
        False,
        title="Follow redirects",
        description="Up to three. Credentials and headers go to no other server, and nothing from https to http.",
    )


# The fields of a base that comes last come first in the form.
class HttpConfig(Extraction, Poll):
    pass


class HttpFeed(Feed[HttpConfig]):
    kind = "http"
    label = "HTTP (poll)"
    Config = HttpConfig

    def __init__(self, config: HttpConfig) -> None:
        super().__init__(config)
        self._extractor = Extractor(config, config.hidden())
        # What a server says of its answer, to ask whether there is another one; and what that answer gave.
        self._validators: dict[str, str] = {}
        self._latest = FeedBatch([], [])
        # Keys with their times in the last answer: a value of the same time as before is no news.
        self._known: set[tuple[str, int]] = set()

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    async def run(self) -> AsyncIterator[FeedBatch]:
        schedule = Schedule(time.monotonic() - self.config.interval, self.config.interval, patience=0)
        async with web.session(self.config) as session:
            while True:
                await asyncio.sleep(schedule.wait(time.monotonic()))
                schedule.take(time.monotonic())
                yield self._news(await self._fetch(session))

    async def _fetch(self, session: aiohttp.ClientSession) -> FeedBatch:
        """Returns what the server says now; when it says that nothing has changed, what it said before."""
        config = self.config
        body = config.body if config.method == "POST" else ""
        host = reach.target(config.url).host
        with web.in_words(host, config.timeout):
            async with web.ask(
                session,
                config,
                self._validators,
                method=config.method,
                body=body,
                redirects=config.redirects,
                patience=aiohttp.ClientTimeout(total=config.timeout),
            ) as answer:
                if answer.status == 304 and self._validators:
                    return self._latest
                if not 200 <= answer.status < 300:
                    raise web.Status(answer)
                self._latest = await self._extractor.read(await web.read(answer))
                self._validators = _validators(answer) if config.method == "GET" else {}
        return self._latest

    def _news(self, batch: FeedBatch) -> FeedBatch:
        if batch.times is None:
            return batch
        times = [int(each) for each in batch.times]
        found = list(zip(batch.keys, times, strict=True))
        rows = [row for row, known in enumerate(found) if known not in self._known]
        self._known = set(found)
        return FeedBatch(
            [batch.keys[row] for row in rows],
            [batch.values[row] for row in rows],
            [times[row] for row in rows],
            None if batch.volumes is None else [batch.volumes[row] for row in rows],
            refused=batch.refused,
            series=batch.series,
        )


def _validators(answer: aiohttp.ClientResponse) -> dict[str, str]:
    said = {
        "If-None-Match": answer.headers.get("ETag", ""),
        "If-Modified-Since": answer.headers.get("Last-Modified", ""),
    }
    return {name: value for name, value in said.items() if value}
