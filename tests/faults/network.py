"""Stands between viewers and a server as a bad network does: it delays, loses and stalls, or falls silent."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Weather:
    """Seconds that a piece takes in one direction, how much these vary, and the part of pieces that are lost.

    TCP sends a lost piece again: it comes later by `again` seconds, and so does everything behind it.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    again: tuple[float, float] = (0.4, 0.9)


class Network:
    """Passes TCP connections on to a port of this machine."""

    def __init__(self, target: int, weather: Weather, chance: random.Random) -> None:
        self.target, self.weather, self.chance = target, weather, chance
        self.port = 0
        self.lost = 0
        self._lines: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fall_silent(self) -> None:
        """Passes nothing on any more, in either direction, of the connections that there are; closes none."""
        for line in self._lines:
            line.cancel()
        self._lines.clear()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        # Kept, so that a silent connection stays open.
        self._ends += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._lines.add(asyncio.create_task(self._pass(source, sink)))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(self._deliver(pieces, sink))
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(OSError):
                while piece := await source.read(1460):
                    weather = self.weather
                    due = loop.time() + max(0.0, weather.delay + self.chance.uniform(-1, 1) * weather.jitter)
                    if self.chance.random() < weather.loss:
                        self.lost += 1
                        due += self.chance.uniform(*weather.again)
                    pieces.put_nowait((due, piece))
            pieces.put_nowait((loop.time() + self.weather.delay, b""))
            await delivering
        except asyncio.CancelledError:
            delivering.cancel()
            raise

    async def _deliver(self, pieces: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                due, piece = await pieces.get()
                # Order is kept: what comes behind a late piece waits for it.
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    sink.close()
                    return
                sink.write(piece)
                await sink.drain()

    def end(self) -> None:
        self.fall_silent()
        for end in self._ends:
            end.close()


@asynccontextmanager
async def network(target: int, weather: Weather, chance: random.Random) -> AsyncIterator[Network]:
    it = Network(target, weather, chance)
    server = await asyncio.start_server(it.take, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        it.end()
        server.close()
