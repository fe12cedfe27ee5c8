"""Runs the `websockets` package with its `broadcast`, one frame for each tick.

python -m bench.peers.python_websockets PORT
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.peers import ticks

viewers: set[ServerConnection] = set()


async def hold(viewer: ServerConnection) -> None:
    viewers.add(viewer)
    try:
        await viewer.wait_closed()
    finally:
        viewers.discard(viewer)


def publish(batch: list[dict[str, Any]]) -> None:
    for tick in batch:
        broadcast(viewers, json.dumps(tick, separators=(",", ":")))


async def main() -> None:
    async with serve(hold, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None):
        await ticks.run(publish)


asyncio.run(main())
