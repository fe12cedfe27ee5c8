"""Holds a hub with a memory log, sockets that only listen, and a desk that grants what a test says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from dashboard.live import access
from dashboard.live import answers as answers_module
from dashboard.live import oversight as oversight_module
from dashboard.live.access import Credentials, Grant, Identity, SeriesGrant, SourceGrant
from dashboard.live.connection import Connection
from dashboard.live.hub import Hub
from dashboard.live.session import Limits, Session
from dashboard.live.wire import Wire
from dashboard.models import Viewer
from dashboard.protocol.requests import Subscribe
from dashboard.ticklog.base import Lease
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks
from tests.unit.live.world import LIMITS, Clock


class Desk:
    """Stands in for the database: what exists, who may see it, and what happens while somebody asks."""

    def __init__(self) -> None:
        self.boards: dict[str, tuple[tuple[int, int], ...]] = {"board": ((11, 1),)}
        self.proven = True
        # What he may look after: None is nothing.
        self.charge: dict[int, SourceGrant] | None = {n: SourceGrant(n, f"Source {n}", 1.0, True) for n in (1, 2)}
        self.events: list[dict[str, Any]] = []
        self.label = "A series"
        self.asked = 0
        self.meanwhile: Callable[[], None] | None = None
        self.error: Exception | None = None

    def offload(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any) -> Any:
            await asyncio.sleep(0)
            result = function(*args)
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            return result

        return run

    def identify(self, credentials: Credentials) -> Identity:
        return Identity(Viewer(), self.proven)

    def grant(self, viewer: Viewer, request: Subscribe, shown: MutableMapping[int, Grant]) -> Grant | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        if request.dashboard is not None:
            pairs = self.boards.get(request.dashboard)
        else:
            known = {series: source for pairs in self.boards.values() for series, source in pairs}
            pairs = tuple((series, known.get(series, 0)) for series in request.series)
            pairs = None if any(source == 0 for _, source in pairs) else pairs
        if pairs is None:
            return None
        series = tuple(SeriesGrant(one, source, f"key{one}", self.label, "", 2) for one, source in pairs)
        sources = tuple(SourceGrant(one, f"Source {one}", 1.0, True) for one in sorted({src for _, src in pairs}))
        return Grant(series, sources)

    def oversight(self, viewer: Viewer, sources: Collection[int]) -> tuple[SourceGrant, ...] | None:
        self.asked += 1
        return None if self.charge is None else tuple(self.charge[it] for it in sources if it in self.charge)

    def history(self, sources: Collection[int], after: int, most: int) -> list[dict[str, Any]]:
        return [event for event in self.events if event["id"] > after and event["src"] in sources][:most]

    def as_they_are(self, sources: Collection[int]) -> dict[int, SourceGrant]:
        return {it: self.charge[it] for it in sources if self.charge and it in self.charge}


class Socket:
    """The other end of a wire."""

    def __init__(self, hall: Hall, connection: Connection, messages: list[Mapping[str, Any]]) -> None:
        self.hall, self.connection, self._messages = hall, connection, messages

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self._messages if message["type"] == "websocket.send"]

    @property
    def closed(self) -> int | None:
        return next((message["code"] for message in self._messages if message["type"] == "websocket.close"), None)

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.said]

    async def say(self, message: Any) -> None:
        text = message if isinstance(message, str | None) else json.dumps(message)
        await self.connection.receive(text)
        await self.hall.settle()

    async def ack(self) -> None:
        token = next(message["k"] for message in reversed(self.said) if "k" in message)
        await self.say({"t": "ack", "k": token})

    async def subscribe(self, sub: int = 1, **fields: Any) -> None:
        await self.say({"t": "sub", "id": sub, "since": {}, "window": 0} | (fields or {"dashboard": "board"}))


class Hall:
    """A hub and all that it needs."""

    def __init__(self, desk: Desk, limits: Limits, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self.desk = desk
        self.layer = InMemoryChannelLayer()
        self.log = MemoryLog(clock=wall)
        self.hub = Hub(self.log, self.layer, limits, clock=wall, monotonic=clock, recheck_seconds=60.0)
        self.tasks: set[asyncio.Task[None]] = set()
        self._leases: dict[int, Lease] = {}

    def run(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    async def settle(self) -> None:
        """Lets everything happen that can happen without the clock."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            await asyncio.sleep(0.002)

    async def socket(self, *, greet: bool = True) -> Socket:
        messages: list[Mapping[str, Any]] = []

        async def send(message: Mapping[str, Any]) -> None:
            messages.append(message)

        wire = Wire(send)
        session = Session(self.hub.next_sid(), self.hub.limits, self.hub.monotonic(), self.hub.limits.socket_seconds)
        connection = Connection(self.hub, wire, session, Credentials(), "build")
        self.hub.enter(connection)
        socket = Socket(self, connection, messages)
        if greet:
            await socket.say({"t": "hello", "v": 1, "build": "x", "ticket": None})
        return socket

    async def publish(self, source: int = 1, series: int = 11, count: int = 1) -> None:
        """Appends without ringing."""
        if source not in self._leases:
            lease = await self.log.acquire(source, "test")
            assert lease is not None
            self._leases[source] = lease
        now = int(self.hub.clock() * 1000)
        ticks = Ticks.of([series] * count, [now] * count, [float(n) for n in range(count)])
        await self.log.append([(self._leases[source], ticks)])

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(answers_module, "offload", desk.offload)
    monkeypatch.setattr(access, "identify", desk.identify)
    monkeypatch.setattr(access, "grant", desk.grant)
    monkeypatch.setattr(oversight_module, "offload", desk.offload)
    monkeypatch.setattr(access, "oversight", desk.oversight)
    monkeypatch.setattr(access, "as_they_are", desk.as_they_are)
    monkeypatch.setattr(access, "history", desk.history)
    return desk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hall(desk: Desk, clock: Clock) -> Any:
    """A hub whose clock stands still until a test moves it."""
    hall = Hall(desk, LIMITS, clock, clock.wall)
    yield hall
    await hall.close()


@pytest.fixture
async def living_hall(desk: Desk) -> Any:
    """A hub in real time, for what is about its own tasks."""
    hall = Hall(desk, LIMITS, time.monotonic, time.time)
    yield hall
    await hall.close()
