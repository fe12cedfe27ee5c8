"""Starts and stops what lives in a web process besides requests: the hub and, when embedded, the worker."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from channels.layers import get_channel_layer
from django.conf import settings

from config import metrics, presence
from config.bodies import bound_bodies
from config.tasks import Tasks
from dashboard import live, ticklog
from dashboard.feeds.limits import Limits as FeedLimits
from dashboard.ingest.worker import Pace, Worker

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def make_worker() -> Worker:
    """Builds the worker of this process from the settings."""
    pace = Pace(
        flush_seconds=settings.TICKWALL_FLUSH_MS / 1000,
        batch_ticks=settings.TICKWALL_BATCH_TICKS,
        reconcile_seconds=settings.TICKWALL_RECONCILE_SECONDS,
        shards=settings.TICKWALL_SHARDS,
    )
    limits = FeedLimits(max_age=settings.TICKWALL_TICK_MAX_AGE, max_ahead=settings.TICKWALL_TICK_MAX_AHEAD)
    return Worker(ticklog.current(), get_channel_layer(), pace, limits, inbox=ticklog.current_inbox())


class WebProcess:
    """The outermost ASGI application. It begins with the server and says goodbye to viewers before the server ends.

    Daphne knows no lifespan; its reactor's two hooks are used instead. Uvicorn sends lifespan messages. Whichever
    comes starts the process, and it starts once.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks = Tasks()
        self._worker: Worker | None = None
        self._started = self._stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        # Daphne takes a request header for it; nobody outside may choose where our links point.
        scope["root_path"] = ""
        answer = {"/healthz": self._health, "/readyz": self._readiness}.get(scope["path"])
        if scope["type"] == "http" and answer is not None:
            status, content = answer()
            await _reply(send, status, orjson.dumps(content), b"application/json")
            return
        if scope["type"] == "http" and scope["path"] == "/metrics":
            figures = metrics.report(live.current(), live.current_clients(), self._worker, self._tasks)
            await _reply(send, 200, figures, metrics.CONTENT_TYPE)
            return
        await self._app(scope, receive, send)

    async def start(self) -> None:
        if self._started:
            return
        self._started = True
        hub = live.current()
        works = {
            "hub.listen": hub.listen,
            "hub.follow": hub.follow,
            "hub.review": hub.review,
            "hub.oversee": hub.oversee,
        }
        for name, work in works.items():
            self._tasks.start(name, work)
        self._tasks.start("watch", self._tasks.watch)
        self._tasks.start("presence", self._keep_presence)
        if not settings.REDIS_URL:
            worker = self._worker = make_worker()
            for name, work in worker.tasks().items():
                self._tasks.start(name, work)
        logger.info("started, %s", "with the worker inside" if self._worker else "without feeds")

    async def _keep_presence(self) -> None:
        await presence.current().keep()
        # It ends when the process leaves; a task that ends would be started again.
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Sends the viewers away, then ends the feeds and everything else. A second call does nothing."""
        if not self._started or self._stopping:
            return
        self._stopping = True
        # In this very turn of the loop: Daphne cancels its applications in the next one, and those of viewers go on
        # only where they know that they are to be sent away.
        live.current().draining = True
        await presence.current().leave()
        await live.current().drain(settings.TICKWALL_DRAIN_SECONDS)
        await self._tasks.stop()
        if self._worker is not None:
            await self._worker.stop()
        logger.info("stopped")

    def hook_into_daphne(self) -> None:
        """Has Daphne's reactor start and stop this process; without Daphne nothing comes of it."""
        if "twisted.internet.reactor" not in sys.modules:
            return
        from twisted.internet import defer, reactor

        # Django and the door for ticks refuse more than this by themselves.
        bound_bodies(max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.TICKWALL_INGEST_BYTES))

        def begin() -> None:
            # The reactor calls this before its event loop runs.
            reactor.callLater(0, lambda: asyncio.ensure_future(self.start()))

        def end() -> defer.Deferred[None]:
            return defer.Deferred.fromFuture(asyncio.ensure_future(self.stop()))

        reactor.callWhenRunning(begin)
        reactor.addSystemEventTrigger("before", "shutdown", end)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _health(self) -> tuple[int, dict[str, Any]]:
        """Alive: the core tasks run."""
        down = sorted(self._tasks.down)
        return (200 if self._started and not down else 503), {"ok": self._started and not down, "down": down}

    def _readiness(self) -> tuple[int, dict[str, Any]]:
        """Takes traffic: has started and does not stop."""
        ready = self._started and not self._stopping
        return (200 if ready else 503), {"ready": ready}


async def _reply(send: Send, status: int, content: bytes, content_type: bytes) -> None:
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
