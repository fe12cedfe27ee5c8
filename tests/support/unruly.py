"""Runs a real server of HTTP, Server-Sent Events and WebSocket that behaves as badly as it is told to."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSCloseCode, web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Unruly:
    """Serves `/json` (what `answer` says), `/events` and `/socket` (what `say` says, to all who are connected).

    It may be stopped and started again on the same port. `requests` holds what was asked for.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port, self.tls = 0, tls
        self.value = 1.0
        self.requests: list[web.Request] = []
        self.bodies: list[str] = []
        self.heard: list[str] = []
        self.answer: Answer = self.plainly
        # Headers that are sent with whatever is answered at /json.
        self.headers: dict[str, str] = {}
        self.greeting: list[str] = []
        self.streams: set[web.StreamResponse] = set()
        self.sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}{'s' if self.tls else ''}://127.0.0.1:{self.port}{path}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/json", self._json)
        app.router.add_get("/events", self._events)
        app.router.add_get("/socket", self._socket)
        app.router.add_route("*", "/{rest:.*}", self._json)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=self.tls).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self.hang_up()
            await self._runner.cleanup()
            self._runner = None

    async def say(self, text: str) -> None:
        """Sends a text as an event and as a message to everybody who listens."""
        for stream in [*self.streams]:
            lines = "".join(f"data: {line}\n" for line in text.split("\n"))
            await stream.write(f"{lines}\n".encode())
        for one in [*self.sockets]:
            await one.send_str(text)

    async def hang_up(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Cuts the streams and closes the sockets."""
        for stream in [*self.streams]:
            self._cut(stream._req)  # type: ignore[arg-type]
        for one in [*self.sockets]:
            await one.close(code=code, message=b"bye")

    @property
    def listeners(self) -> int:
        return len(self.streams) + len(self.sockets)

    # --- ways to answer ---

    async def plainly(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"a": self.value}, headers=self.headers)

    def with_text(self, text: str, status: int = 200, **headers: str) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(text=text, status=status, headers=headers)

        return answer

    def with_bytes(self, body: bytes, **headers: str) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

        return answer

    def bomb(self) -> Answer:
        """50 MB of zeros in 50 kB."""
        return self.with_bytes(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    async def slowly(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async def half(self, request: web.Request) -> web.StreamResponse:
        """Promises 1,000 bytes and cuts the line after a few."""
        stream = web.StreamResponse(headers={"Content-Length": "1000"})
        await stream.prepare(request)
        await stream.write(b'{"a": 1')
        self._cut(request)
        return stream

    async def not_at_all(self, request: web.Request) -> web.StreamResponse:
        self._cut(request)
        return web.Response()

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """Says back what it was sent, as a careless server does, but not as JSON."""
        return web.Response(text=f"you sent {dict(request.headers)} to {request.path_qs}")

    def to(self, location: str, status: int = 302) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": location})

        return answer

    # --- routes ---

    async def _json(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.text())
        return await self.answer(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.answer != self.plainly:
            return await self.answer(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for line in self.greeting:
            await stream.write(line.encode())
        self.streams.add(stream)
        try:
            await asyncio.sleep(3600)
        finally:
            self.streams.discard(stream)
        return stream

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.answer != self.plainly:
            return await self.answer(request)
        one = web.WebSocketResponse()
        await one.prepare(request)
        for text in self.greeting:
            await one.send_str(text)
        self.sockets.add(one)
        try:
            async for message in one:
                self.heard.append(str(message.data))
        finally:
            self.sockets.discard(one)
        return one

    @staticmethod
    def _cut(request: Any) -> None:
        if request is not None and request.transport is not None:
            request.transport.abort()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def body(**values: Any) -> str:
    return json.dumps(values)
