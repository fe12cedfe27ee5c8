"""Plays the conversations that docs/protocol.md quotes, with the server's own code, a stopped clock and no network.

    python -m tests.unit.docs

writes them into the page anew, each after its line `<!-- scene: name -->`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dashboard.live import access
from dashboard.live.access import Credentials, Grant, Identity, SeriesGrant, SourceGrant
from dashboard.live.connection import Connection
from dashboard.live.hub import Hub
from dashboard.live.session import Limits, Session
from dashboard.models import Viewer
from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.messages import SourceState
from dashboard.protocol.requests import Subscribe
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks

PAGE = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"
# A second boundary, in milliseconds since 1970 UTC.
NOON = 1_795_361_835_000
MARKET, PLANT = 42, 43
AAPL, MSFT, LINE = 101, 102, 201

SERIES = {
    AAPL: SeriesGrant(AAPL, MARKET, "AAPL", "Apple", "USD", 2),
    MSFT: SeriesGrant(MSFT, MARKET, "MSFT", "Microsoft", "USD", 2),
    LINE: SeriesGrant(LINE, PLANT, "line4", "Line 4", "", None),
}
SOURCES = {MARKET: SourceGrant(MARKET, "Market", 1.0, True), PLANT: SourceGrant(PLANT, "Plant", 5.0, True)}
BOARDS = {"market": (AAPL, MSFT), "floor": (AAPL, LINE)}

LIMITS = Limits(
    frame_bytes=16_384,
    rate=20.0,
    subs=64,
    credit_bytes=262_144,
    credit_frames=64,
    ack_seconds=30,
    messages_per_second=20,
    messages_burst=40,
    heartbeat_seconds=10.0,
    silence_seconds=35,
    hello_seconds=5,
    socket_seconds=43_200,
    window_seconds=900,
)


class Stage:
    """A hub, a log and one socket; `lines` is what was said, with arrows: → the viewer, ← the server."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.silent = False
        self.seconds = 0.0
        self.boards = dict(BOARDS)
        self.events: list[tuple[int, int, str, str, str]] = []
        self.log = MemoryLog(clock=self.wall)
        self.log._epoch = "Qk3xVw8r"
        layer: Any = None  # nobody rings here; the scenes say when there is something to read
        self.hub = Hub(self.log, layer, LIMITS, clock=self.wall, monotonic=lambda: self.seconds)
        self.hub.id = "c7f3"
        self.hub.states = {MARKET: SourceState("live", NOON - 60_000), PLANT: SourceState("live", NOON - 60_000)}
        self.log.ring(MARKET).reset(self.log._epoch, 1204)
        self.open()

    def wall(self) -> float:
        return NOON / 1000 + self.seconds

    def open(self) -> None:
        session = Session(self.hub.next_sid(), LIMITS, self.seconds, LIMITS.socket_seconds)
        wire: Any = self
        self.connection = Connection(self.hub, wire, session, Credentials(), "0.1.0")
        self.hub.enter(self.connection)

    # --- the wire ---

    def write(self, frame: frames.Frame) -> None:
        if not self.silent:
            self.lines.append("← " + frame.text)

    def close(self, code: int) -> None:
        if not self.silent:
            self.lines.append(f"  the socket closes with {int(code)}")

    # --- what a scene may do ---

    async def say(self, **message: Any) -> None:
        await self.say_text(json.dumps(message, separators=(",", ":")))

    async def say_text(self, text: str) -> None:
        if not self.silent:
            self.lines.append("→ " + text)
        await self.connection.receive(text)

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What happens here is not written down."""
        self.silent = True
        yield
        self.silent = False

    async def meet(self, **sub: Any) -> None:
        """Says hello and, if asked to, subscribes, without writing it down."""
        with self.unheard():
            await self.say(t="hello", v=1, build="0.1.0", ticket=None)
            if sub:
                await self.say(t="sub", id=7, **sub)

    async def tick(self, source: int, *rows: tuple[int, int, float | str, float | None]) -> None:
        """Appends ticks: series, milliseconds after the beginning, value, volume."""
        lease = await self.log.acquire(source, "worker")
        assert lease is not None
        columns = [list(column) for column in zip(*rows, strict=True)]
        columns[1] = [NOON + time for time in columns[1]]
        await self.log.append([(lease, Ticks.of(*columns))])

    def serve(self) -> None:
        self.hub.advancer.heads_moved()
        self.connection.serve(self.seconds)

    def beat(self) -> None:
        self.hub.advancer.heads_moved()
        self.connection.beat(int(self.wall() * 1000), self.seconds)

    # --- who may see what ---

    def grant(self, viewer: Viewer, request: Subscribe, shown: object) -> Grant | None:
        ids = self.boards.get(request.dashboard, ()) if request.dashboard else request.series
        if not ids or not set(ids) <= set(SERIES):
            return None
        series = tuple(SERIES[number] for number in sorted(ids))
        return Grant(series, tuple(SOURCES[number] for number in sorted({one.source for one in series})))

    def oversight(self, viewer: Viewer, sources: Collection[int]) -> tuple[SourceGrant, ...]:
        return tuple(SOURCES[number] for number in sources if number in SOURCES)

    def history(self, sources: Collection[int], after: int, most: int) -> list[dict[str, Any]]:
        return [
            {"id": number, "src": MARKET, "at": NOON + at, "kind": kind, "cause": cause, "by": by, "ticks": None}
            for number, at, kind, cause, by in self.events
            if number > after
        ]


async def hello(stage: Stage) -> None:
    await stage.say(t="hello", v=1, build="0.1.0", ticket=None)


async def first(stage: Stage) -> None:
    await stage.meet()
    await stage.tick(MARKET, (AAPL, -2400, 228.5, 100), (MSFT, -1990, 431.2, 40), (AAPL, -600, 228.53, 25))
    await stage.say(t="sub", id=7, dashboard="market", since={}, window=300, points=600)


async def live(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    await stage.tick(MARKET, (MSFT, 12, 431.25, 10), (AAPL, 31, 228.54, 300))
    stage.serve()


async def merged(stage: Stage) -> None:
    await stage.meet(dashboard="floor", since={}, window=0)
    await stage.tick(MARKET, (AAPL, 100, 228.54, 300), (AAPL, 350, 228.61, 20), (MSFT, 360, 431.3, 5))
    await stage.tick(MARKET, (AAPL, 700, 228.5, 80), (AAPL, 1020, 228.52, 60))
    await stage.tick(PLANT, (LINE, 400, "running", None), (LINE, 900, "jam", None))
    stage.serve()


async def quiet(stage: Stage) -> None:
    await stage.meet(series=[AAPL], since={}, window=0)
    await stage.tick(MARKET, (MSFT, 12, 431.25, 10), (MSFT, 220, 431.27, 15))
    stage.serve()
    stage.seconds = 10
    stage.beat()
    await stage.say(t="ack", k=stage.lines[-1].rpartition('"k":"')[2][:8])


async def wishes(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    await stage.say(t="set", id=10, rate=2)
    await stage.say(t="pause", id=11, on=True)
    await stage.tick(MARKET, (AAPL, 31, 228.54, 300))
    stage.serve()
    stage.seconds = 10
    stage.beat()
    await stage.say(t="pause", id=12, on=False)
    await stage.say(t="ping", id=13)


async def second(stage: Stage) -> None:
    await stage.meet(series=[AAPL], since={}, window=0)
    await stage.tick(MARKET, (MSFT, 12, 431.25, 10), (AAPL, 31, 228.54, 300))
    await stage.say(t="sub", id=8, series=[MSFT], since={}, window=0)


async def recovered(stage: Stage) -> None:
    await stage.tick(MARKET, (MSFT, 12, 431.25, 10), (AAPL, 31, 228.54, 300), (MSFT, 2050, 431.21, 30))
    await stage.meet()
    since = {str(MARKET): [stage.log._epoch, 1205]}
    await stage.say(t="sub", id=1, dashboard="market", since=since, window=300, points=600)


async def trimmed(stage: Stage) -> None:
    await stage.tick(MARKET, (MSFT, 12, 431.25, 10), (AAPL, 31, 228.54, 300), (MSFT, 2050, 431.21, 30))
    ring = stage.log.ring(MARKET)
    ring.max_ticks = 1
    ring.trim(NOON)
    await stage.meet()
    await stage.say(t="sub", id=1, dashboard="market", since={str(MARKET): [stage.log._epoch, 1204]}, window=300)


async def epoch(stage: Stage) -> None:
    stage.log.ring(MARKET).reset(stage.log._epoch)
    await stage.tick(MARKET, (AAPL, 31, 228.54, 300))
    await stage.meet()
    await stage.say(t="sub", id=1, dashboard="market", since={str(MARKET): ["m0PqL2Zs", 91313]}, window=300)


async def state(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    msg = "no tick for 2 s, one is due every 1 s"
    stage.hub._tell_states({MARKET: SourceState("late", NOON + 3000, NOON + 31, 0.6317, msg)})


async def oversight(stage: Stage) -> None:
    await stage.meet()
    await stage.tick(MARKET, (AAPL, 31, 228.54, 300))
    await stage.say(t="sub", id=9, sources=[MARKET, PLANT, 404])
    await stage.hub.oversight.round()
    stage.seconds = 1
    await stage.hub.oversight.round()


async def history(stage: Stage) -> None:
    await stage.meet()
    stage.events = [
        (1204, 7_000, "down", "HTTP 503 from quotes.example.org", "mill:4711"),
        (1205, 12_000, "restarted", "", "ana"),
    ]
    with stage.unheard():
        await stage.say(t="sub", id=9, sources=[MARKET], history=1203)
    await stage.hub.oversight._look()


async def layout(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    stage.boards["market"] = (AAPL,)
    stage.hub.answers.forget()
    await stage.connection.review({"market"})


async def mistakes(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    await stage.say(t="sub", id=8, dashboard="no-such-thing")
    await stage.say(t="set", id=9, rate=500)
    await stage.say(t="dance", id=10)
    await stage.say_text("[")


async def farewell(stage: Stage) -> None:
    await stage.meet(dashboard="market", since={}, window=0)
    stage.connection.dismiss(CloseCode.DRAIN)


SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    scene.__name__: scene
    for scene in (
        *(hello, first, live, merged, quiet, wishes, second),
        *(recovered, trimmed, epoch, state, oversight, history, layout, mistakes, farewell),
    )
}


def play(name: str) -> str:
    """Returns what is said in a scene, a line each."""
    numbers = itertools.count(0x9F3A01C2, 0x01D3B60F)
    with (
        patch.object(frames, "_token", lambda: f"{next(numbers) & 0xFFFFFFFF:08x}"),
        patch.object(access, "identify", lambda credentials: Identity(Viewer(), False)),
    ):
        stage = Stage()
        with (
            patch.object(access, "grant", stage.grant),
            patch.object(access, "oversight", stage.oversight),
            patch.object(access, "history", stage.history),
            patch.object(access, "as_they_are", lambda sources: SOURCES),
        ):
            asyncio.run(_play(SCENES[name], stage))
    return "\n".join(stage.lines)


async def _play(scene: Callable[[Stage], Awaitable[None]], stage: Stage) -> None:
    await scene(stage)


_PLACE = re.compile(r"<!-- scene: (\w+) -->\n```text\n(.*?)\n?```", re.S)


def quoted(page: str) -> dict[str, str]:
    """Returns what a page quotes, by the name of the scene."""
    return dict(_PLACE.findall(page))


def renewed(page: str) -> str:
    return _PLACE.sub(lambda place: f"<!-- scene: {place[1]} -->\n```text\n{play(place[1])}\n```", page)
