"""Tests a socket at the door: who is let in, what he hears first, and that it is closed whatever happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dashboard import consumers, live
from dashboard.consumers import LiveConsumer
from dashboard.live import refusals
from dashboard.live.clients import Clients, Most, Proxies
from dashboard.protocol.frames import SUBPROTOCOL
from tests.unit.live.desk import Desk, Hall, desk, living_hall

__all__ = ["desk", "living_hall"]

HELLO = {"t": "hello", "v": 1, "build": "x", "ticket": None}
SUB = {"t": "sub", "id": 1, "dashboard": "board", "since": {}, "window": 0}


class Client:
    """A server and the client behind it, as far as ASGI shows them."""

    def __init__(self, *, origin: str | None = "http://localhost", protocols: tuple[str, ...] = (SUBPROTOCOL,)) -> None:
        headers = [(b"host", b"localhost")] + ([(b"origin", origin.encode())] if origin else [])
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/ws/live/",
            "scheme": "ws",
            "headers": headers,
            "subprotocols": list(protocols),
            "client": ["192.0.2.7", 5000],
        }
        self.sent: list[dict[str, Any]] = []
        self.broken = False
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task: asyncio.Task[None] = asyncio.create_task(
            LiveConsumer.as_asgi()(self.scope, self._inbox.get, self._send)
        )

    async def _send(self, message: dict[str, Any]) -> None:
        if self.broken:
            raise OSError("the line is gone")
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self._inbox.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, content: bytes) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "bytes": content})

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.heard]

    @property
    def closed(self) -> int | None:
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)

    async def ended(self) -> None:
        async with asyncio.timeout(4):
            await self.task


async def until(condition: Callable[[], Any], seconds: float = 3.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.002)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    clients = Clients(Most(0, 0, 0, 0, 0.0, 0), Proxies([]))
    monkeypatch.setattr(live, "current_clients", lambda: clients)
    return clients


@pytest.fixture
async def hall(living_hall: Hall, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hall]:
    monkeypatch.setattr(live, "current", lambda: living_hall.hub)
    monkeypatch.setattr(consumers, "CLOSE_SECONDS", 0.2, raising=False)
    yield living_hall
    assert living_hall.hub.connections == set(), "somebody is still here"
    assert living_hall.hub._watchers == {}
    assert clients.open == 0


async def test_a_viewer_is_let_in_greeted_and_served(hall: Hall) -> None:
    client = Client()
    client.say(HELLO)
    client.say(SUB)
    await until(lambda: client.kinds() == ["hello", "subd", "snap"])
    assert client.sent[0] == {"type": "websocket.accept", "subprotocol": SUBPROTOCOL}
    client.hang_up()
    await client.ended()


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://localhost", "http://localhost:81"])
async def test_a_page_of_somebody_else_is_turned_away_before_the_accept(hall: Hall, origin: str | None) -> None:
    client = Client(origin=origin)
    await client.ended()
    assert [message["type"] for message in client.sent] == ["websocket.close"]


@pytest.mark.parametrize("protocols", [(), ("tickwall.v0.json",), ("json", "TICKWALL.V1.JSON")])
async def test_who_does_not_offer_the_protocol_hears_why(hall: Hall, protocols: tuple[str, ...]) -> None:
    client = Client(protocols=protocols)
    await client.ended()
    assert client.sent[0] == {"type": "websocket.accept", "subprotocol": None}
    assert (client.heard[0]["t"], client.heard[0]["code"], client.closed) == ("bye", 4506, 4506)


async def test_among_several_protocols_ours_is_chosen(hall: Hall) -> None:
    client = Client(protocols=("other", SUBPROTOCOL))
    await until(lambda: client.sent)
    assert client.sent[0]["subprotocol"] == SUBPROTOCOL
    client.hang_up()
    await client.ended()


async def test_what_is_refused_at_the_door_is_counted(
    hall: Hall, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "handshakes", Counter())
    monkeypatch.setattr(refusals, "farewells", Counter())
    await Client(origin="http://evil.example").ended()
    clients.most = Most(0, 0, 0, 0, 0.001, 1)
    await Client(protocols=()).ended()
    await Client().ended()
    hall.hub.draining = True
    passed_on = Client()
    passed_on.scope["headers"].append((b"tickwall-another", b"yes"))
    await passed_on.ended()
    assert refusals.handshakes == {"origin": 1, "another": 1}
    assert refusals.farewells == {4506: 1, 4029: 1}
    assert clients.refused == {"handshakes": 1}


async def test_a_draining_process_takes_nobody_new(hall: Hall) -> None:
    hall.hub.draining = True
    client = Client()
    await client.ended()
    assert (client.heard[0]["code"], client.closed) == (4001, 4001)
    assert client.heard[0]["resume"] is True


async def test_one_socket_too_many_hears_why(hall: Hall, clients: Clients) -> None:
    clients.most = Most(0, 1, 0, 0, 0.0, 0)
    first = Client()
    await until(lambda: clients.open == 1)
    second = Client()
    await second.ended()
    assert (second.heard[0]["code"], second.closed) == (4029, 4029)
    first.hang_up()
    await first.ended()


async def test_binary_and_empty_frames_are_answered_and_counted(hall: Hall) -> None:
    client = Client()
    client.say(HELLO)
    client.say_bytes(b"\x00\x01")
    client.say("")
    await until(lambda: client.kinds() == ["hello", "err", "err"])
    client.say_bytes(b"")
    await client.ended()
    assert client.closed == 4501


async def test_an_oversized_frame_is_refused_in_words(hall: Hall) -> None:
    client = Client()
    client.say(HELLO)
    client.say(json.dumps({"t": "ping", "id": 1, "x": "y" * 10**6}))
    await until(lambda: client.kinds() == ["hello", "err"])
    client.hang_up()
    await client.ended()


async def test_a_flood_while_the_database_is_asked_ends_the_connection(
    hall: Hall, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    real = desk.offload

    def slow(function: Any) -> Any:
        async def run(*args: Any) -> Any:
            await gate.wait()
            return await real(function)(*args)

        return run

    client = Client()
    client.say(HELLO)
    await until(lambda: client.kinds() == ["hello"])
    monkeypatch.setattr("dashboard.live.answers.offload", slow)
    client.say(SUB)
    for _ in range(1000):
        client.say({"t": "ping", "id": 1})
    await until(lambda: client.closed is not None)
    assert client.closed == 4013
    gate.set()
    await client.ended()


async def test_a_line_that_breaks_leaves_nothing_behind(hall: Hall) -> None:
    client = Client()
    client.say(HELLO)
    client.say(SUB)
    await until(lambda: "snap" in client.kinds())
    client.broken = True
    await hall.publish()
    client.hang_up()
    await client.ended()


async def test_a_stopping_server_still_lets_viewers_hear_their_goodbye(hall: Hall) -> None:
    """Daphne cancels its applications as soon as it stops."""
    client = Client()
    client.say(HELLO)
    client.say(SUB)
    await until(lambda: "snap" in client.kinds())
    draining = asyncio.create_task(hall.hub.drain(0.1))
    client.task.cancel()
    await asyncio.gather(draining, client.task, return_exceptions=True)
    assert client.heard[-1]["code"] == client.closed == 4001


async def test_a_cancelled_socket_is_closed_and_forgotten(hall: Hall) -> None:
    client = Client()
    client.say(HELLO)
    await until(lambda: "hello" in client.kinds())
    client.task.cancel()
    await asyncio.gather(client.task, return_exceptions=True)
    assert client.task.cancelled()
    assert client.closed == 4004


async def test_many_come_and_go(hall: Hall) -> None:
    many = [Client() for _ in range(100)]
    for number, client in enumerate(many):
        client.say(HELLO)
        if number % 3:
            client.say(SUB)
    await until(lambda: all("hello" in client.kinds() for client in many))
    for number, client in enumerate(many):
        if number % 2:
            client.hang_up()
        else:
            client.task.cancel()
    await asyncio.gather(*(client.task for client in many), return_exceptions=True)
