"""Runs what a server pushes as Server-Sent Events: each event's data is JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated

import aiohttp
from pydantic import Field

from dashboard.feeds import reach, web
from dashboard.feeds.base import Feed, FeedBatch, FeedError, SeriesSpec
from dashboard.feeds.eventstream import EventStream
from dashboard.feeds.extract import Extraction, Extractor

_CONNECT_SECONDS = 10.0
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)


class Stream(web.Access):
    url: Annotated[str, reach.url("http", "https")] = Field(
        title="URL", description="Where the stream is, without a login.", examples=["https://stream.example/events"]
    )
    events: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [],
        max_length=100,
        title="Events",
        description="Names of the events to take; those without a name are called message. Empty: all.",
        examples=[["price"]],
    )
    redirects: bool = Field(
        False,
        title="Follow redirects",
        description="Up to three. Credentials and headers go to no other server, and nothing from https to http.",
    )


class SseConfig(Extraction, Stream):
    pass


class SseFeed(Feed[SseConfig]):
    kind = "sse"
    label = "Server-Sent Events"
    Config = SseConfig

    def __init__(self, config: SseConfig) -> None:
        super().__init__(config)
        self._extractor = Extractor(config, config.hidden())

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    async def run(self) -> AsyncIterator[FeedBatch]:
        """Yields a batch an event. The next run asks for what came after the last one that was taken."""
        config = self.config
        stream = EventStream(self.memory.get("last_id", ""))
        with web.in_words(reach.target(config.url).host, _CONNECT_SECONDS):
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    session = await stack.enter_async_context(web.session(config))
                    answer = await stack.enter_async_context(self._ask(session, stream.last_id))
                _check(answer)
                async for chunk in answer.content.iter_any():
                    for event in stream.feed(chunk):
                        if not config.events or event.name in config.events:
                            yield await self._extractor.take(event.data)
                        self.memory["last_id"] = event.id
        ended = FeedError("the server ended the stream")
        ended.retry_after = stream.retry or 0.0
        raise ended

    def _ask(self, session: aiohttp.ClientSession, last_id: str) -> web.Answer:
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
        if last_id.isprintable() and last_id:
            headers["Last-Event-ID"] = last_id
        return web.ask(session, self.config, headers, redirects=self.config.redirects, patience=_PATIENCE)


def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status != 200:
        raise web.Status(answer)
    if answer.content_type != "text/event-stream":
        raise FeedError(f"the server answers with {answer.content_type[:60]} instead of an event stream")
