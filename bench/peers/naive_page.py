"""Serves a page of charts or of a table that is fed as tutorials do it: a message for each tick, one JSON object in it.

python -m bench.peers.naive_page PORT SERIES
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from dashboard.feeds.base import FeedBatch
from dashboard.feeds.kinds.simulated import SimulatedConfig, SimulatedFeed

PAGE = Path(__file__).parent / "naive"
UPLOT = Path(__file__).parents[2] / "node_modules" / "uplot" / "dist"
FILES = {
    "/": (PAGE / "page.html", "text/html; charset=utf-8"),
    "/page.js": (PAGE / "page.js", "text/javascript"),
    "/uplot.js": (UPLOT / "uPlot.esm.js", "text/javascript"),
    "/uplot.css": (UPLOT / "uPlot.min.css", "text/css"),
}
# What a page begins with: a row a second, as many as our own page asks for.
SECONDS = 60

viewers: set[ServerConnection] = set()
history: dict[int, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=SECONDS))


def answer(_: ServerConnection, request: Request) -> Response | None:
    if "Upgrade" in request.headers:
        return None
    found = FILES.get(urlsplit(request.path).path)
    if found is None:
        return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers())
    body = found[0].read_bytes()
    return Response(HTTPStatus.OK, "OK", Headers({"Content-Type": found[1], "Content-Length": str(len(body))}), body)


async def hold(viewer: ServerConnection) -> None:
    await viewer.send(json.dumps([tick for ticks in history.values() for tick in ticks]))
    viewers.add(viewer)
    try:
        await viewer.wait_closed()
    finally:
        viewers.discard(viewer)


def ticks_of(batch: FeedBatch, numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    for key, time, value in zip(batch.keys, batch.times, batch.values, strict=True):
        yield {"series": numbers[key], "t": int(time), "v": float(value)}


def remember(tick: dict[str, Any]) -> None:
    kept = history[tick["series"]]
    if kept and kept[-1]["t"] // 1000 == tick["t"] // 1000:
        kept.pop()
    kept.append(tick)


async def main() -> None:
    # The very ticks that the site's own source makes of this configuration, see bench/browser.py.
    feed = SimulatedFeed(SimulatedConfig(symbols=int(sys.argv[2]), rate=10, seed=1, history=SECONDS))
    numbers = {spec.key: number for number, spec in enumerate(feed.series())}
    async for batch in feed.past():
        for tick in ticks_of(batch, numbers):
            remember(tick)
    async with serve(hold, "127.0.0.1", int(sys.argv[1]), process_request=answer, compression=None, ping_interval=None):
        async for batch in feed.run():
            for tick in ticks_of(batch, numbers):
                remember(tick)
                broadcast(viewers, json.dumps(tick, separators=(",", ":")))


asyncio.run(main())
