"""Holds a viewer who costs little, so that there can be hundreds: it reads frames off the bytes, and takes few apart.

It tiles the line of seqs like every viewer of the tests, comes back by itself and says where it was.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_PARTS = re.compile(rb'"src":(\d+),"a":(\d+),"b":(\d+),"n":(\d+)')
_TOKEN = re.compile(rb'"k":"([0-9a-f]{8})"')
OPEN_SECONDS = 10.0
SILENCE_SECONDS = 25.0


@dataclass
class Tally:
    """What all viewers of this process have seen; times are seconds since 1970."""

    refused: int = 0
    lost: int = 0
    opened: int = 0
    published: int = 0
    covered: int = 0
    # Seqs that a gap stood for, and the causes.
    gap: int = 0
    whys: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    # Of those who were sent away for good: the code, and when data last came to them.
    dismissed: list[tuple[int, float]] = field(default_factory=list)
    # When data came again after a line was lost, how long that took, and whether all sources were resumed.
    returns: list[tuple[float, float, bool]] = field(default_factory=list)


class Guest(asyncio.Protocol):
    """One viewer. A new connection goes to the next address, which is what a proxy would do; who was told not to come
    back stays away, as the page does."""

    def __init__(self, urls: list[str], number: int, plan: dict[str, Any], tally: Tally) -> None:
        self.urls, self.turn, self.tally = urls, number, tally
        self.dashboard, self.rate = plan["dashboard"], plan["rate"]
        cookies = plan.get("cookies") or [""]
        self.cookie = cookies[number % len(cookies)]
        self.chance = random.Random(plan.get("seed", 0) * 10_000 + number)
        self.places: dict[int, tuple[str, int]] = {}
        self.failures = 0
        self.gone: float | None = None
        # The longest time without data since the last mark.
        self.heard = time.time()
        self.longest = 0.0
        self.transport: asyncio.Transport | None = None
        self._reset()

    def _reset(self) -> None:
        self.buffer = bytearray()
        self.open = self.live = False
        self.recovered = True
        self.token = b""
        self.retry: tuple[float, float] | None = None
        self.over = False

    async def stay(self) -> None:
        """Connects, and connects again, until cancelled or sent away for good."""
        loop = asyncio.get_running_loop()
        while True:
            self._reset()
            self.ended: asyncio.Future[None] = loop.create_future()
            place = urlsplit(self.urls[self.turn % len(self.urls)])
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    await loop.create_connection(lambda: self, place.hostname, place.port)
            except (OSError, TimeoutError):
                self.tally.refused += 1
            else:
                await self._until_ended()
                if self.over:
                    return
                if not self.open:
                    self.tally.refused += 1
            self.failures = 0 if self.live else self.failures + 1
            self.gone = self.gone or time.time()
            self.turn += 1
            low, high = self.retry or (0.0, min(20.0, max(1.0, 0.5 * 2**self.failures)))
            await asyncio.sleep(self.chance.uniform(low, high))

    async def _until_ended(self) -> None:
        while not self.ended.done():
            await asyncio.wait([self.ended], timeout=5)
            if time.time() - self.heard > SILENCE_SECONDS and self.transport is not None:
                self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        url = self.urls[self.turn % len(self.urls)]
        self.transport.write(  # type: ignore[union-attr]
            f"GET /ws/live/ HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nOrigin: {url}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Cookie: {self.cookie}\r\nSec-WebSocket-Protocol: tickwall.v1.json\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self.tally.lost += self.live
        if not self.ended.done():
            self.ended.set_result(None)

    def say(self, message: dict[str, Any]) -> None:
        """Sends a text frame; masked with zeros, which leaves the bytes as they are."""
        body = json.dumps(message).encode()
        head = bytes([0x81, 0x80 | len(body)]) if len(body) < 126 else b"\x81\xfe" + len(body).to_bytes(2, "big")
        if self.transport is not None:
            self.transport.write(head + b"\0\0\0\0" + body)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            status = self.buffer[:12]
            del self.buffer[: end + 4]
            if not status.endswith(b" 101"):
                return
            self.open = True
            self.tally.opened += 1
            since = {str(source): list(place) for source, place in self.places.items()}
            self.say({"t": "hello", "v": 1, "build": "crowd", "ticket": None})
            self.say({"t": "set", "id": 1, "rate": self.rate})
            self.say({"t": "sub", "id": 2, "dashboard": self.dashboard, "since": since, "window": 0})
        at = 0
        while (frame := self._frame(at)) is not None:
            opcode, begin, at = frame
            if opcode == 1:
                self._take(bytes(self.buffer[begin:at]))
            elif opcode == 8:
                code = int.from_bytes(self.buffer[begin : begin + 2], "big")
                self.tally.codes.append(code)
                if self.over:
                    self.tally.dismissed.append((code, self.heard))
                self.transport and self.transport.write(b"\x88\x80\0\0\0\0")
            elif opcode == 9:
                self.transport and self.transport.write(b"\x8a\x80\0\0\0\0")
        del self.buffer[:at]

    def _frame(self, at: int) -> tuple[int, int, int] | None:
        """Returns opcode, begin and end of the frame at `at`, if all of it is here."""
        buffer = self.buffer
        if len(buffer) < at + 2:
            return None
        size, begin = buffer[at + 1] & 127, at + 2
        if size >= 126:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(buffer[at + 2 : begin], "big")
        return (buffer[at] & 15, begin, begin + size) if len(buffer) >= begin + size else None

    def _take(self, text: bytes) -> None:
        if text.startswith(b'{"t":"d"'):
            self.token = _TOKEN.search(text)[1]  # type: ignore[index]
            self._data(text)
            return
        message = json.loads(text)
        if "k" in message:
            self.token = message["k"].encode()
        match message["t"]:
            case "snap":
                self._snapshot(message)
            case "gap":
                self._gap(message)
            case "subd":
                self.recovered = all(source["recovered"] for source in message["sources"])
            case "bye":
                self.over = not message["resume"]
                self.retry = tuple(part / 1000 for part in message["retry"]) if message["retry"] else None  # type: ignore[assignment]
            case "err":
                self.tally.wrong.append(str(message))
            case "hb":
                self.ack()

    def _data(self, text: bytes) -> None:
        now = time.time()
        self.longest, self.heard = max(self.longest, now - self.heard), now
        if not self.live:
            self.live = True
            if self.gone is not None:
                self.tally.returns.append((now, now - self.gone, self.recovered))
            self.gone = None
        for part in _PARTS.findall(text):
            source, a, b, n = map(int, part)
            epoch, seq = self.places.get(source, ("", 0))
            if a != seq + 1 or b < a:
                self.tally.wrong.append(f"source {source}: {a}..{b} after {seq}")
            self.places[source] = epoch, b
            self.tally.covered += b - a + 1
            self.tally.published += n

    def _snapshot(self, message: dict[str, Any]) -> None:
        source, place = message["src"], (message["epoch"], message["seq"])
        epoch, seq = self.places.get(source, (None, 0))
        if epoch == place[0] and seq != place[1] and message["part"] == 1:
            self.tally.wrong.append(f"source {source}: a snapshot at {place[1]} after {seq}")
        self.places[source] = place

    def _gap(self, message: dict[str, Any]) -> None:
        source, a, b = message["src"], message["a"], message["b"]
        epoch, seq = self.places.get(source, ("", 0))
        if a != seq + 1:
            self.tally.wrong.append(f"source {source}: a gap {a}..{b} after {seq}")
        self.tally.gap += b - a + 1
        self.tally.whys.append(message["why"])
        self.places[source] = epoch, max(seq, b)

    def ack(self) -> None:
        if self.token:
            self.say({"t": "ack", "k": self.token.decode()})
            self.token = b""
