"""Writes framed batches to plain non-blocking sockets and does nothing else: the floor.

python -m bench.peers.raw_sockets PORT
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from typing import Any

from bench.peers import ticks

BATCH = 0.05

waiting: list[dict[str, Any]] = []
viewers: list[socket.socket] = []


def flush() -> None:
    if not waiting:
        return
    body = json.dumps(waiting, separators=(",", ":")).encode()
    waiting.clear()
    frame = b"\x81\x7e" + len(body).to_bytes(2, "big") + body
    for viewer in list(viewers):
        try:
            viewer.send(frame)
        except OSError:
            viewers.remove(viewer)


async def accept(listener: socket.socket) -> None:
    while True:
        viewer, _ = await asyncio.get_running_loop().sock_accept(listener)
        viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        viewers.append(viewer)


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
    listener.setblocking(False)
    tasks = [asyncio.create_task(accept(listener)), asyncio.create_task(ticks.run(waiting.extend))]
    due = time.monotonic()
    while not any(task.done() for task in tasks):
        due += BATCH
        await asyncio.sleep(max(due - time.monotonic(), 0))
        flush()


asyncio.run(main())
