"""Runs a Django view that streams server-sent events, batches of 50 ms.

daphne bench.peers.django_stream:application
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of a benchmark", ROOT_URLCONF=__name__)

import django  # noqa: E402

django.setup()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.http import HttpRequest, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from bench.peers import ticks  # noqa: E402

BATCH = 0.05

waiting: list[dict[str, Any]] = []
queues: set[asyncio.Queue[list[dict[str, Any]]]] = set()
tasks: list[asyncio.Task[None]] = []


async def flush() -> None:
    while True:
        await asyncio.sleep(BATCH)
        if waiting:
            for queue in queues:
                queue.put_nowait(list(waiting))
            waiting.clear()


async def events() -> AsyncIterator[bytes]:
    queue: asyncio.Queue[list[dict[str, Any]]] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            batch = await queue.get()
            yield b"data: " + json.dumps(batch, separators=(",", ":")).encode() + b"\n\n"
    finally:
        queues.discard(queue)


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    if not tasks:
        tasks.extend([asyncio.create_task(ticks.run(waiting.extend)), asyncio.create_task(flush())])
    return StreamingHttpResponse(events(), content_type="text/event-stream")


urlpatterns = [path("", stream)]
application = ASGIHandler()
