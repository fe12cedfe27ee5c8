"""Plays a site that says, on each connection, what the test has written down for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers

Script = list[dict[str, Any] | int]


class FakeSite:
    """`scripts` holds one list for each connection: messages to send, and a number to close with.

    A connection waits for hello and sub first. `heard` keeps what viewers sent, `requests` their handshakes.
    """

    def __init__(self, *scripts: Script) -> None:
        self.scripts = [*scripts]
        self.heard: list[list[dict[str, Any]]] = []
        self.requests: list[Headers] = []
        self.series: list[dict[str, Any]] = [{"id": 101}]
        self.url = ""

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith("/api/"):
            self.requests.append(request.headers)
            return None
        content = self.series if "series" in request.path else [{"id": 42, "slug": "market"}]
        response = connection.respond(HTTPStatus.OK, json.dumps(content))
        response.headers["Content-Type"] = "application/json"
        return response

    async def talk(self, socket: ServerConnection) -> None:
        heard: list[dict[str, Any]] = []
        self.heard.append(heard)
        script = self.scripts.pop(0) if self.scripts else [4503]
        while not any(message["t"] == "sub" for message in heard):
            heard.append(json.loads(await socket.recv()))
        for step in script:
            if isinstance(step, int):
                await socket.close(step)
                return
            await socket.send(json.dumps(step))
        async for text in socket:
            heard.append(json.loads(text))


@contextmanager
def running(site: FakeSite) -> Iterator[FakeSite]:
    """Runs the site on a port of its own in a thread, because the command under test has an event loop of its own."""
    started, stop = threading.Event(), Box()

    async def main() -> None:
        stop.loop, stop.event = asyncio.get_running_loop(), asyncio.Event()
        async with serve(
            site.talk,
            "127.0.0.1",
            0,
            process_request=site.answer,
            subprotocols=["tickwall.v1.json"],  # type: ignore[list-item]
        ) as server:
            site.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            started.set()
            await stop.event.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert started.wait(10)
    try:
        yield site
    finally:
        stop.loop.call_soon_threadsafe(stop.event.set)
        thread.join(10)


class Box:
    loop: asyncio.AbstractEventLoop
    event: asyncio.Event


Call = Callable[..., str]
