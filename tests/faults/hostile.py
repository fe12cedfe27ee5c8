"""Speaks to the live socket byte by byte, and no more politely than it is told to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.support.viewer import SUBPROTOCOL

HELLO = {"t": "hello", "v": 1, "build": "x", "ticket": None}


def frame(
    payload: bytes | str, *, opcode: int = 1, final: bool = True, reserved: int = 0, masked: bool = True
) -> bytes:
    """Returns one frame (RFC 6455 §5.2), or something that nearly is one; its mask leaves the bytes as they are."""
    body = payload.encode(errors="surrogatepass") if isinstance(payload, str) else payload
    first, mask = (0x80 if final else 0) | reserved << 4 | opcode, 0x80 if masked else 0
    if len(body) < 126:
        head = bytes([first, mask | len(body)])
    elif len(body) < 65536:
        head = bytes([first, mask | 126]) + len(body).to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + len(body).to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + body


def text(message: Any) -> bytes:
    return frame(json.dumps(message))


class Line:
    """A TCP connection with an open WebSocket on it. Nothing is read unless `read` is called."""

    def __init__(self, connection: socket.socket, status: int, rest: bytes) -> None:
        self.socket, self.status, self.buffer = connection, status, bytearray(rest)
        self.messages: list[dict[str, Any]] = []
        self.close_code: int | None = None
        # True once the other side has ended the TCP connection.
        self.gone = False
        self.taken = 0

    async def send(self, data: bytes) -> bool:
        """Sends bytes; returns False when the line is gone."""
        try:
            await asyncio.get_running_loop().sock_sendall(self.socket, data)
        except OSError:
            self.gone = True
        return not self.gone

    async def say(self, *messages: dict[str, Any]) -> bool:
        return await self.send(b"".join(map(text, messages)))

    async def look(self, dashboard: str, **fields: Any) -> None:
        """Greets and subscribes."""
        sub = {"t": "sub", "id": 1, "dashboard": dashboard, "since": {}, "window": 0}
        await self.say(HELLO, {"t": "set", "id": 2, **fields}, sub) if fields else await self.say(HELLO, sub)

    async def read(self, size: int = 65536) -> bool:
        """Takes up to `size` bytes and the frames that are whole then; returns False when the line is gone."""
        try:
            data = await self._receive(size)
        except OSError:
            data = b""
        self.taken += len(data)
        self.gone = self.gone or not data
        self.buffer += data
        while self._frame():
            pass
        if self.close_code is not None and not self.gone:
            await self.send(frame(b"", opcode=8))
        return not self.gone

    async def _receive(self, size: int) -> bytes:
        """Returns up to `size` bytes. Out of time, it has taken none; `sock_recv` might have."""
        while True:
            try:
                return self.socket.recv(size)
            except BlockingIOError:
                loop, there = asyncio.get_running_loop(), asyncio.Event()
                loop.add_reader(self.socket, there.set)
                try:
                    await there.wait()
                finally:
                    loop.remove_reader(self.socket)

    async def read_for(self, seconds: float) -> None:
        """Reads until the line is gone, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.read():
                    pass

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["t"] == kind]

    def _frame(self) -> bool:
        buffer = self.buffer
        if len(buffer) < 2:
            return False
        size, begin = buffer[1] & 127, 2
        if size >= 126:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(buffer[2:begin], "big")
        if len(buffer) < begin + size:
            return False
        body, opcode = bytes(buffer[begin : begin + size]), buffer[0] & 15
        del buffer[: begin + size]
        if opcode == 1:
            self.messages.append(json.loads(body))
        elif opcode == 8:
            self.close_code = int.from_bytes(body[:2], "big")
        return True

    def end(self) -> None:
        """Ends the line without a word."""
        self.socket.close()


async def connect(
    url: str,
    *,
    origins: Sequence[str] | None = None,
    headers: Sequence[str] = (),
    host: str | None = None,
    buffer: int | None = None,
) -> Line:
    """Shakes hands from the given origins (None: the site's own) and returns the line; `status` 101 means it is open.

    `buffer` is how many bytes the system may take in for us before we read them.
    """
    place = urlsplit(url)
    assert place.hostname is not None
    connection = socket.socket()
    connection.setblocking(False)
    if buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    loop = asyncio.get_running_loop()
    lines = [
        "GET /ws/live/ HTTP/1.1",
        f"Host: {host or place.netloc}",
        *(f"Origin: {origin}" for origin in ([url] if origins is None else origins)),
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        *headers,
    ]
    try:
        async with asyncio.timeout(15):
            await loop.sock_connect(connection, (place.hostname, place.port))
            await loop.sock_sendall(connection, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = await loop.sock_recv(connection, 65536)
                if not piece:
                    break
                answer += piece
    except BaseException:
        connection.close()
        raise
    head, _, rest = answer.partition(b"\r\n\r\n")
    return Line(connection, int(head.split(b" ", 2)[1]) if b" " in head else 0, rest)
