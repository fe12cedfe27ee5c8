"""Tests the way out of a socket: in order, closed after what was said before, bounded, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.utils import apply_mask

from dashboard.live import refusals
from dashboard.live import wire as wire_module
from dashboard.live.wire import Wire, short_text
from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import Frame


class Socket:
    """Takes what is sent; waits before each message while `gate` is closed, and breaks when told to."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken: Exception | None = None

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.gate.wait()
        if self.broken is not None:
            raise self.broken
        self.sent.append(message)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]


def frame(text: str) -> Frame:
    return Frame(text.encode())


async def test_frames_leave_in_the_order_in_which_they_were_written() -> None:
    socket = Socket()
    wire = Wire(socket.send)
    running = asyncio.create_task(wire.closed())
    for number in range(500):
        wire.write(frame(str(number)))
        if number % 7 == 0:
            await asyncio.sleep(0)
    wire.close(CloseCode.DRAIN)
    await running
    assert socket.texts == [str(number) for number in range(500)]
    assert socket.sent[-1] == {"type": "websocket.close", "code": 4001}


async def test_a_close_waits_for_what_was_written_and_nothing_comes_after_it() -> None:
    socket = Socket()
    socket.gate.clear()
    wire = Wire(socket.send)
    running = asyncio.create_task(wire.closed())
    wire.write(frames.farewell(CloseCode.AGE))
    wire.close(CloseCode.AGE)
    wire.close(CloseCode.INTERNAL)
    wire.write(frame("too late"))
    await asyncio.sleep(0)
    assert socket.sent == []
    socket.gate.set()
    await running
    assert [message["type"] for message in socket.sent] == ["websocket.send", "websocket.close"]
    assert socket.sent[-1]["code"] == CloseCode.AGE, "the first reason is the reason"


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed"), ValueError("whatever")])
async def test_a_socket_that_breaks_ends_quietly_and_takes_nothing_more(error: Exception) -> None:
    socket = Socket()
    socket.broken = error
    wire = Wire(socket.send)
    running = asyncio.create_task(wire.closed())
    for _ in range(10):
        wire.write(frame("x" * 1000))
    await running
    assert wire._over
    for _ in range(10_000):
        wire.write(frame("x" * 1000))
    assert not wire._backlog
    assert wire._bytes == 0


async def test_a_server_that_makes_us_wait_holds_a_bounded_backlog_and_then_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire_module, "BACKLOG_BYTES", 10_000)
    socket = Socket()
    socket.gate.clear()
    wire = Wire(socket.send)
    running = asyncio.create_task(wire.closed())
    before = refusals.farewells[4008]
    for _ in range(1000):
        wire.write(frame("x" * 100))
        assert wire._bytes <= 10_000
    socket.gate.set()
    await running
    assert socket.sent[-1] == {"type": "websocket.close", "code": 4008}
    *written, bye = socket.texts
    assert len(written) == 100
    assert refusals.farewells[4008] == before + 1
    assert json.loads(bye)["code"] == 4008


async def test_room_in_the_backlog_returns_as_frames_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "BACKLOG_BYTES", 1000)
    socket = Socket()
    wire = Wire(socket.send)
    running = asyncio.create_task(wire.closed())
    for _ in range(100):
        wire.write(frame("x" * 900))
        for _ in range(3):
            await asyncio.sleep(0)
    wire.close(1000)
    await running
    assert len(socket.texts) == 100
    assert socket.sent[-1]["code"] == 1000


@given(st.text(min_size=1), st.binary(min_size=4, max_size=4))
def test_a_short_text_of_a_browser_is_read_as_the_server_would(text: str, mask: bytes) -> None:
    data = text.encode()
    framed = WebSocketFrame(Opcode.TEXT, data).serialize(mask=True)
    masked = framed[: -len(data) - 4] + mask + apply_mask(data, mask)
    assert short_text(masked) == (text if len(data) < 126 else None)


@given(st.binary(max_size=200))
def test_what_is_not_one_whole_frame_is_not_read(data: bytes) -> None:
    text = short_text(data)
    if text is not None:
        assert data[:2] == bytes((0x81, 0x80 + len(text.encode())))
        assert len(data) == 6 + len(text.encode())


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_piece_of_a_frame_or_two_of_them_are_not_read(cut: int) -> None:
    framed = WebSocketFrame(Opcode.TEXT, b'{"t":"ack","k":"12"}').serialize(mask=True)
    assert short_text(framed) is not None
    assert short_text(framed[:cut]) is None
    assert short_text(framed + framed[:cut]) is None


async def test_a_frame_that_many_share_is_decoded_once() -> None:
    shared, sockets = frame("{}"), [Socket(), Socket()]
    wires = [Wire(socket.send) for socket in sockets]
    for wire in wires:
        wire.write(shared)
        wire.close(1000)
    await asyncio.gather(*(wire.closed() for wire in wires))
    assert sockets[0].texts[0] is sockets[1].texts[0]
