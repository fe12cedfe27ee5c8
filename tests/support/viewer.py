"""Holds a viewer of the live socket, written from the protocol alone, who checks every message and keeps the books.

It shares no code with the project on purpose: what both got wrong would otherwise look right.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.promise import promised

SUBPROTOCOL = "tickwall.v1.json"


@dataclass
class Candle:
    """What is known of one series in one second of its ticks' time."""

    count: int = 0
    open: Any = None
    high: Any = None
    low: Any = None
    last: Any = None
    volume: float = 0.0

    def fold(self, count: int, open_: Any, high: Any, low: Any, last: Any, volume: float | None) -> None:
        if self.count == 0:
            self.open = open_
        self.count += count
        if not isinstance(last, str):
            self.high = high if self.high is None else max(self.high, high)
            self.low = low if self.low is None else min(self.low, low)
        self.last = last
        self.volume += volume or 0.0


@dataclass
class Books:
    """What a viewer got of one source: ranges, rows, gaps; and what was wrong with it."""

    epoch: str | None = None
    seq: int = 0
    begins: int = 0
    covered: int = 0
    published: int = 0
    shown: int = 0
    merged: int = 0
    gaps: list[dict[str, Any]] = field(default_factory=list)
    snaps: int = 0
    candles: dict[tuple[int, int], Candle] = field(default_factory=dict)
    merged_rows: int = 0
    wrong: list[str] = field(default_factory=list)


class Viewer:
    """Connects, greets, subscribes, acknowledges; `cut` drops the line, and the next `open` resumes by position."""

    def __init__(
        self,
        url: str,
        *,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        dashboard: str | None = None,
        series: list[int] | None = None,
        window: float = 0,
        rate: float | None = None,
        acks: bool = True,
        tls: ssl.SSLContext | None = None,
        local: str | None = None,
    ) -> None:
        self.url = url.replace("http", "ws", 1).rstrip("/") + "/ws/live/"
        self.origin = url.rstrip("/") if origin is None else origin
        self.headers = headers or {}
        self.dashboard, self.series, self.window, self.rate = dashboard, series, window, rate
        self.acks = acks
        # For https addresses, whose certificates are believed; and the address of this machine to come from.
        self._line: dict[str, Any] = {} if tls is None else {"ssl": tls}
        self._line |= {} if local is None else {"local_addr": (local, 0)}
        self.books: dict[int, Books] = {}
        self.names: dict[int, dict[str, Any]] = {}
        self.meta: dict[int, list[Any]] = {}
        self.counts: Counter[str] = Counter()
        self.states: dict[int, list[dict[str, Any]]] = {}
        self.subd: list[dict[str, Any]] = []
        self.byes: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.hello: dict[str, Any] = {}
        self.heads: dict[int, tuple[str, int]] = {}
        self.close_code: int | None = None
        self.closed_at = 0.0
        self.socket: ClientConnection | None = None
        self.data_frames = 0
        self.data_bytes = 0
        self.unacked: list[tuple[str, int]] = []
        self.unacked_most = (0, 0)
        self.first_data: float | None = None
        self.ages: list[float] = []
        self._reader: asyncio.Task[None] | None = None
        self._snapping: dict[int, int] = {}
        self._next = 100

    # --- the line ---

    async def open(self) -> None:
        self.unacked.clear()
        self._snapping.clear()
        self.close_code = None
        self.socket = await connect(
            self.url,
            origin=self.origin,  # type: ignore[arg-type]
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers=self.headers,
            max_size=None,
            compression=None,
            ping_interval=None,
            open_timeout=10,
            **self._line,
        )
        self._reader = asyncio.create_task(self._read())
        with contextlib.suppress(ConnectionClosed):  # a server that stops may have closed already
            await self._begin()

    async def _begin(self) -> None:
        await self.send({"t": "hello", "v": 1, "build": "test", "ticket": None})
        if self.rate is not None:
            await self.send({"t": "set", "id": 2, "rate": self.rate})
        since = {str(src): [books.epoch, books.seq] for src, books in self.books.items() if books.epoch}
        sub: dict[str, Any] = {"t": "sub", "id": 1, "since": since, "window": self.window, "points": 600}
        sub |= {"dashboard": self.dashboard} if self.dashboard else {"series": self.series}
        await self.send(sub)

    async def cut(self) -> None:
        """Drops the line without a word, as a network does."""
        assert self.socket is not None
        self.socket.transport.abort()
        await self._ended()

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
            await self._ended()

    async def _ended(self) -> None:
        if self._reader is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def send(self, message: dict[str, Any]) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(message))

    def request(self) -> int:
        self._next += 1
        return self._next

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        """Waits until the condition holds; fails with what was seen otherwise."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s; seen {dict(self.counts)}, {self.errors}, {self.byes}")
            await asyncio.sleep(0.01)

    # --- what comes ---

    async def _read(self) -> None:
        assert self.socket is not None
        try:
            async for text in self.socket:
                await self._take(text)
        except ConnectionClosed:
            pass
        finally:
            self.closed_at = time.monotonic()
            self.close_code = self.socket.close_code

    async def _take(self, text: str | bytes) -> None:
        message = json.loads(text, parse_constant=lambda name: self._wrong(None, f"{name} in a frame"))
        kind = message["t"]
        self.counts[kind] += 1
        getattr(self, f"_on_{kind}")(message)
        if "k" in message and kind in ("d", "snap", "hb"):
            self.unacked.append((message["k"], len(text)))
            most = (len(self.unacked), sum(size for _, size in self.unacked))
            self.unacked_most = max(self.unacked_most[0], most[0]), max(self.unacked_most[1], most[1])
            if kind != "hb":
                self.data_frames += 1
                self.data_bytes += len(text)
            if self.acks and (len(self.unacked) >= 16 or most[1] >= 65536 or kind == "hb"):
                # The close may have come already, behind messages that are still to be read.
                with contextlib.suppress(ConnectionClosed):
                    await self.ack()

    async def ack(self) -> None:
        if self.unacked:
            token = self.unacked[-1][0]
            self.unacked.clear()
            await self.send({"t": "ack", "k": token})

    def _wrong(self, src: int | None, what: str) -> None:
        self.books.setdefault(src if src is not None else -1, Books()).wrong.append(what)

    def _on_hello(self, message: dict[str, Any]) -> None:
        self.hello = message

    def _on_subd(self, message: dict[str, Any]) -> None:
        self.subd.append(message)
        self.meta |= {row[0]: row for row in message["series"]}
        for source in message["sources"]:
            self.names[source["src"]] = source
            self.books.setdefault(source["src"], Books())

    def _on_snap(self, message: dict[str, Any]) -> None:
        src, books = message["src"], self.books[message["src"]]
        part = self._snapping.get(src, 0) + 1
        if message["part"] != part:
            self._wrong(src, f"part {message['part']} of a snapshot where {part} was due")
        self._snapping[src] = 0 if part == message["parts"] else part
        if part == 1 and books.epoch == message["epoch"] and books.seq != message["seq"]:
            self._wrong(src, f"a snapshot at {message['seq']} leaves {books.seq} behind")
        if books.epoch != message["epoch"]:
            books.begins, books.covered = message["seq"], 0
            books.published = books.shown = books.merged = 0
            books.candles.clear()
        books.epoch, books.seq = message["epoch"], message["seq"]
        books.snaps += part == 1

    def _on_d(self, message: dict[str, Any]) -> None:
        if self.first_data is None:
            self.first_data = time.monotonic()
        for part in message["d"]:
            src, a, b, rows = part["src"], part["a"], part["b"], part["rows"]
            books = self.books[src]
            if a != books.seq + 1:
                self._wrong(src, f"{a}..{b} after {books.seq}")
            if b < a:
                self._wrong(src, f"{a}..{b} is no range")
            counts = rows.get("k") or [1] * len(rows["i"])
            if sum(counts) != part["n"]:
                self._wrong(src, f"{a}..{b}: n is {part['n']}, the rows hold {sum(counts)}")
            books.seq = b
            books.covered += b - a + 1
            books.published += part["n"]
            books.shown += len(counts)
            books.merged += part["n"] - len(counts)
            books.merged_rows += sum(count > 1 for count in counts)
            self._fold(src, rows, counts)

    def _fold(self, src: int, rows: dict[str, Any], counts: list[int]) -> None:
        values = rows["v"]
        opens, highs, lows = (rows.get(name, values) for name in "ohl")
        volumes = rows.get("q") or [None] * len(values)
        columns = zip(rows["i"], rows["t"], counts, opens, highs, lows, values, volumes, strict=True)
        for series, offset, *rest in columns:
            second = (rows["t0"] + offset) // 1000
            self.books[src].candles.setdefault((series, second), Candle()).fold(*rest)
        if rows["t"]:
            self.ages.append(time.time() * 1000 - rows["t0"] - rows["t"][-1])

    def _on_gap(self, message: dict[str, Any]) -> None:
        src, books = message["src"], self.books[message["src"]]
        books.gaps.append(message)
        if message["a"] != books.seq + 1:
            self._wrong(src, f"gap {message['a']}..{message['b']} after {books.seq}")
        books.covered += message["b"] - message["a"] + 1
        books.seq = max(books.seq, message["b"])

    def _on_hb(self, message: dict[str, Any]) -> None:
        self.heads = {int(src): (place[0], place[1]) for src, place in message["pos"].items()}

    def _on_st(self, message: dict[str, Any]) -> None:
        self.states.setdefault(message["src"], []).append(message)

    def _on_bye(self, message: dict[str, Any]) -> None:
        self.byes.append(message)

    def _on_err(self, message: dict[str, Any]) -> None:
        self.errors.append(message)

    def _on_ok(self, message: dict[str, Any]) -> None:
        pass

    def _on_pong(self, message: dict[str, Any]) -> None:
        pass

    def _on_ev(self, message: dict[str, Any]) -> None:
        pass

    @property
    def wrong(self) -> dict[int, list[str]]:
        """Everything that broke the invariant; empty is right."""
        return {src: books.wrong for src, books in self.books.items() if books.wrong}

    def assert_right(self) -> None:
        """0 holes, 0 overlaps, 0 reordering, 0 sums that do not add up."""
        with promised():
            assert self.wrong == {}
