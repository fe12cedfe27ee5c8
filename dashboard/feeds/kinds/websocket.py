"""Runs what a WebSocket says: messages of JSON, after a subscription if one is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import aiohttp
from pydantic import Field
from yarl import URL

from dashboard.feeds import reach, web
from dashboard.feeds.base import Feed, FeedBatch, FeedError, SeriesSpec
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.words import one_line

_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_ENDS = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)


class Socket(web.Access):
    url: Annotated[str, reach.url("ws", "wss")] = Field(
        title="URL", description="Where the socket is, without a login.", examples=["wss://stream.example/v1"]
    )
    subscribe: list[Annotated[str, Field(min_length=1, max_length=16_384)]] = Field(
        [],
        max_length=100,
        title="First messages",
        description="Sent one after the other once the socket is open. {token} stands for the token.",
        examples=[['{"op": "subscribe", "channel": "trades"}']],
    )
    ping: float = Field(
        20.0, ge=1, le=300, title="Ping", description="Seconds between two pings; who does not answer them is gone."
    )


class WebSocketConfig(Extraction, Socket):
    pass


class WebSocketFeed(Feed[WebSocketConfig]):
    kind = "websocket"
    label = "WebSocket"
    Config = WebSocketConfig

    def __init__(self, config: WebSocketConfig) -> None:
        super().__init__(config)
        self._extractor = Extractor(config, config.hidden())

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    async def run(self) -> AsyncIterator[FeedBatch]:
        host = reach.target(self.config.url).host
        async with web.session(self.config) as session:
            with web.in_words(host, _CONNECT_SECONDS):
                socket = await self._open(session)
            async with socket:
                for text in self.config.subscribe:
                    await socket.send_str(self._with_token(text))
                while True:
                    # aiohttp stops reading from the network while some messages wait: a flood waits there, not here.
                    message = await socket.receive()
                    if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        yield await self._extractor.take(message.data)
                    else:
                        raise FeedError(_ending(message, socket))

    async def _open(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        config = self.config
        whom, parameters = config.credentials()
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await session.ws_connect(
                URL(web.with_parameters(config.url, parameters)),
                headers={**config.headers, **whom},
                heartbeat=config.ping,
                max_msg_size=web.BODY_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
            )

    def _with_token(self, text: str) -> str:
        return text.replace("{token}", web.secret(self.config.token, "token")) if "{token}" in text else text


def _ending(message: aiohttp.WSMessage, socket: aiohttp.ClientWebSocketResponse) -> str:
    if message.type in _ENDS:
        code = socket.close_code
        why = one_line(str(message.extra or ""))[:80]
        return f"the server closed the socket ({code}{': ' + why if why else ''})"
    error = message.data if isinstance(message.data, BaseException) else socket.exception()
    if isinstance(error, aiohttp.WebSocketError):
        return f"the socket was cut: {one_line(str(error))[:100]}"
    return "the socket was cut" if not isinstance(error, TimeoutError) else "the server does not answer pings"
