"""Writes frames to one socket, in order, without making whoever has a frame wait for the socket.

A frame to a browser carries no mask, so its bytes are the same for all viewers: they are framed once and handed
straight to the transport where one is found behind the server's ASGI `send` whose inside is known. That is several
times cheaper than `send`, which frames and copies the text again for each viewer. Where anything looks unfamiliar
(TLS in Daphne, another server, a new version) frames go the ordinary way.

The way in is as dear: autobahn and the queues behind it take ten times longer over an acknowledgement than the session
does. Where the transport is known, a short text that arrived as one whole frame is offered to the session first.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

from dashboard.live import refusals
from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import Frame

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
# Takes a text and returns True, or returns False and leaves it to whoever would have had it otherwise.
Take = Callable[[str], bool]

# Bytes that may wait here for a server that makes us wait. Data is bounded by credit already; this bounds the rest
# (states, answers), and a socket that is over it is closed.
BACKLOG_BYTES = 1024 * 1024

# Sockets opened so far, by their way out: "daphne", "uvicorn" (straight to the transport) or "asgi".
ways: Counter[str] = Counter()
# Texts that were taken off the transport, by the same.
overheard: Counter[str] = Counter()


class Shortcut(Protocol):
    """A way past ASGI to the transport of one socket."""

    name: str

    def write(self, framed: bytes) -> bool:
        """Hands on a whole frame; returns False, with nothing written, when it must go the ordinary way now."""

    def overhear(self, take: Take | None) -> None:
        """Offers short texts to `take` before the server reads them; None: no more."""


class Wire:
    """The way out of one socket. `write` and `close` return at once; what cannot go at once is sent in its order by a
    task that is there only as long."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._way = way = shortcut(send)
        self._shortcut = way.write if way is not None else None
        # The same while frames may take it: not while one waits or is on its way through `send`, which nothing may
        # overtake, and not after a close.
        self._through = self._shortcut
        self._backlog: list[Frame] = []
        self._bytes = 0
        self._close: int | None = None
        self._sending: asyncio.Task[None] | None = None
        # Who waits for the end, and whether it has come: the close was sent, or the socket is gone.
        self._waiter: asyncio.Future[None] | None = None
        self._over = False
        ways[way.name if way is not None else "asgi"] += 1

    def overhear(self, take: Take) -> None:
        """Offers short texts to `take` as they arrive, where there is a way; what it does not take, and everything
        where there is none, comes through the server. To be called once the socket is accepted."""
        if self._way is not None:
            self._way.overhear(take)

    def write(self, frame: Frame) -> None:
        """Takes a frame; after a close, or on a socket that is gone, frames are let go."""
        through = self._through
        if through is not None and through(frame.framed):
            return
        if self._close is not None or self._over:
            return
        if self._bytes + len(frame) > BACKLOG_BYTES:
            refusals.farewells[CloseCode.TOO_SLOW] += 1
            self._backlog.append(frames.farewell(CloseCode.TOO_SLOW))
            self.close(CloseCode.TOO_SLOW)
            return
        self._backlog.append(frame)
        self._bytes += len(frame)
        self._send_soon()

    def close(self, code: int) -> None:
        """Closes the socket after what was written before."""
        if self._close is None and not self._over:
            self._close = code
            self._send_soon()

    async def closed(self) -> None:
        """Returns when the close has been sent, or the socket is gone."""
        if self._over:
            return
        if self._waiter is None:
            self._waiter = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._waiter)

    def drop(self) -> None:
        """Lets the socket go, whatever has not been sent."""
        if self._sending is not None:
            self._sending.cancel()
        self._end()

    def _send_soon(self) -> None:
        self._through = None
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_backlog())

    async def _send_backlog(self) -> None:
        try:
            while self._backlog:
                frame = self._backlog.pop(0)
                self._bytes -= len(frame)
                await self._send({"type": "websocket.send", "text": frame.text})
            if self._close is not None:
                await self._send({"type": "websocket.close", "code": int(self._close)})
                self._end()
        except Exception:
            # Whatever a server raises here, it means that nobody is at the other end any more; the receiving side
            # of the socket hears of it and ends the connection.
            self._end()
        self._sending = None
        if not self._over:
            self._through = self._shortcut

    def _end(self) -> None:
        self._over = True
        self._through = None
        self._backlog.clear()
        self._bytes = 0
        if self._way is not None:
            self._way.overhear(None)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def shortcut(send: Send) -> Shortcut | None:
    """Returns the way past this `send`, or None where it is not one that we know inside out."""
    if isinstance(send, partial) and send.args:
        return _ThroughDaphne.find(send.args[0])
    return _ThroughUvicorn.find(getattr(send, "__self__", None))


def short_text(data: bytes) -> str | None:
    """Returns the text of bytes that are exactly one short frame of a browser (RFC 6455 §5.2: final, text, masked, no
    extended length), else None."""
    size = len(data) - 6
    if not 0 < size < 126 or data[0] != 0x81 or data[1] != 0x80 + size:
        return None
    mask = int.from_bytes((data[2:6] * (size // 4 + 1))[:size])
    try:
        return (int.from_bytes(data[6:]) ^ mask).to_bytes(size).decode()
    except UnicodeDecodeError:
        return None


class _ThroughDaphne:
    """Daphne's `send` is a partial whose first argument is the socket's autobahn protocol on a Twisted transport."""

    __slots__ = ("_ground", "_open", "_protocol", "_transport")
    name = "daphne"

    def __init__(self, protocol: Any) -> None:
        self._protocol, self._transport = protocol, protocol.transport
        self._open, self._ground = protocol.STATE_OPEN, protocol.SEND_STATE_GROUND

    @classmethod
    def find(cls, protocol: Any) -> _ThroughDaphne | None:
        transport = getattr(protocol, "transport", None)
        # Over TLS the transport is another class, and its socket carries ciphertext.
        known = f"{type(transport).__module__}.{type(transport).__qualname__}" == "twisted.internet.tcp.Server"
        parts = ("socket", "dataBuffer", "_tempDataBuffer", "disconnecting", "connected", "write")
        states = ("state", "STATE_OPEN", "send_state", "SEND_STATE_GROUND", "send_queue")
        if not known or not all(hasattr(transport, part) for part in parts):
            return None
        return cls(protocol) if all(hasattr(protocol, state) for state in states) else None

    def write(self, framed: bytes) -> bool:
        protocol, transport = self._protocol, self._transport
        if (
            protocol.state != self._open
            or protocol.send_state != self._ground
            or protocol.send_queue
            or protocol.transport is not transport
            or transport.disconnecting
            or not transport.connected
        ):
            return False
        if transport.dataBuffer or transport._tempDataBuffer:
            transport.write(framed)
            return True
        try:
            # Twisted's own write would queue the bytes and send them in the next turn of its loop.
            sent = transport.socket.send(framed)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The line is gone; Twisted finds that out by itself and ends the connection in its way.
            sent = 0
        if sent < len(framed):
            transport.write(framed[sent:])
        return True

    def overhear(self, take: Take | None) -> None:
        protocol = self._protocol
        # The transport looks its receiver up for each piece of data.
        protocol.__dict__.pop("dataReceived", None)
        states = ("data", "current_frame", "inside_message", "muted", "last_ping", "dataReceived")
        if take is None or not all(hasattr(protocol, state) for state in states):
            return
        receive = protocol.dataReceived

        def is_taken(data: bytes) -> bool:
            text = short_text(data)
            if (
                text is None
                or protocol.state != self._open
                # The rest of a frame, or of a message, that has begun is the server's.
                or protocol.data
                or protocol.current_frame is not None
                or protocol.inside_message
                or protocol.muted
            ):
                return False
            try:
                return take(text)
            except Exception:
                # It is made again where the viewer can be told of it; from here it would cut his line without a word.
                return False

        def received(data: bytes) -> None:
            if not is_taken(data):
                receive(data)
                return
            overheard[self.name] += 1
            # Daphne pings those of whom it has heard nothing.
            protocol.last_ping = time.time()

        protocol.dataReceived = received


class _ThroughUvicorn:
    """Uvicorn's `send` is a method of the socket's protocol, which writes to an asyncio transport."""

    __slots__ = ("_protocol",)
    name = "uvicorn"

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    @classmethod
    def find(cls, protocol: Any) -> _ThroughUvicorn | None:
        parts = ("transport", "handshake_complete", "close_sent", "disconnected", "conn", "writable")
        if type(protocol).__name__ != "WebSocketsSansIOProtocol" or not all(hasattr(protocol, part) for part in parts):
            return None
        return cls(protocol) if hasattr(protocol.transport, "write") else None

    def write(self, framed: bytes) -> bool:
        protocol = self._protocol
        if (
            not protocol.handshake_complete
            or protocol.close_sent
            or protocol.disconnected
            or not protocol.writable.is_set()
            or protocol.transport.is_closing()
        ):
            return False
        protocol.transport.write(framed)
        return True

    def overhear(self, take: Take | None) -> None:
        """Nothing: uvicorn's way in costs a third of Daphne's, and where a frame begins cannot be told from outside."""
