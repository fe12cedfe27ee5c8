"""Connects a follower to a site's live socket, and connects it again for as long as it is wanted."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from dashboard.management.follower import Follower, Remark, Row
from dashboard.management.site import Site
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import SUBPROTOCOL, VERSION

LONGEST_WAIT = 20.0
# Back-off begins anew once a connection has lived so long.
PROVEN = 5.0
HELLO_SECONDS = 10.0
# Of one message from the server: snapshots come in parts far below it.
MOST_BYTES = 4 * 1024 * 1024


class Refused(Exception):
    """The server does not want this viewer, now or later; the text says why."""


class Lost(Exception):
    """The connection is gone; the text says how. `wait` is for how long to stay away at least and at most."""

    def __init__(self, words: str, wait: tuple[float, float] | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class Viewer:
    """`show` takes every row and remark and returns False when it has seen enough."""

    def __init__(
        self,
        site: Site,
        follower: Follower,
        series: Sequence[int],
        rate: float | None,
        show: Callable[[Row | Remark], bool],
    ) -> None:
        self._site, self._follower, self._series, self._show = site, follower, list(series), show
        self._rate = rate
        self._requests = 0
        self._heartbeat = 10.0

    async def run(self) -> None:
        """Views until `show` has enough. Raises Refused when there is no use in coming back."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                await self._connection()
                return
            except Lost as lost:
                if time.monotonic() - begun > PROVEN:
                    failures = 0
                shortest, longest = lost.wait or (0.0, min(LONGEST_WAIT, 0.5 * 2**failures))
                wait = random.uniform(shortest, max(shortest, longest, 1.0 if failures == 0 else 0.0))
                failures += 1
                self._show(Remark(f"{lost}; again in {wait:.1f} s", {"lost": str(lost), "wait": round(wait, 1)}))
                await asyncio.sleep(wait)

    async def _connection(self) -> None:
        """Lives through one connection; returns when `show` has enough."""
        try:
            async with connect(
                self._site.socket,
                origin=Origin(self._site.origin),
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=self._site.headers,
                open_timeout=HELLO_SECONDS,
                close_timeout=2,
                ping_interval=None,  # the server's heartbeat is the sign of life
                max_size=MOST_BYTES,
                proxy=None if self._site.is_here else True,
            ) as socket:
                await self._talk(socket)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            if code >= 4500:
                raise Refused(f"The server closed the connection ({code}).") from None
            raise Lost(f"connection closed ({code})", _patience(code)) from None
        except InvalidStatus as refused:
            if refused.response.status_code < 500:
                raise Refused(f"The server refuses the connection ({refused.response.status_code}).") from None
            raise Lost(f"the server answers {refused.response.status_code}") from None
        except (OSError, InvalidHandshake) as error:  # a TimeoutError is an OSError too
            raise Lost(f"no connection ({error or type(error).__name__})") from None

    async def _talk(self, socket: ClientConnection) -> None:
        follower = self._follower
        follower.connected()
        await self._send(socket, {"t": "hello", "v": VERSION, "build": "tail", "ticket": None})
        if self._rate is not None:
            await self._request(socket, {"t": "set", "rate": self._rate})
        await self._subscribe(socket)
        heard = acked = time.monotonic()
        while True:
            # Wakes at least once a second, because an acknowledgement may be due though nothing comes.
            text = None
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    text = await socket.recv()
            now = time.monotonic()
            if text is not None:
                heard = now
                if not self._take(text):
                    return
            elif now - heard > 2.5 * self._heartbeat:
                raise Lost(f"nothing heard for {now - heard:.0f} s")
            if token := follower.ack(late=now - acked >= 1.0):
                acked = now
                await self._send(socket, {"t": "ack", "k": token})
            if follower.lost:
                self._show(Remark("asking for what is missing", {"resync": follower.seq}))
                await self._subscribe(socket)
                follower.resubscribed()

    def _take(self, text: str | bytes) -> bool:
        """Takes one message; returns whether more is wanted."""
        try:
            message: dict[str, Any] = json.loads(text)
            if message["t"] == "hello":
                self._heartbeat = float(message["hb"])
            elif message["t"] == "bye":
                self._farewell(message)
            elif message["t"] == "err" and message.get("code") in ("not_found", "forbidden"):
                raise Refused(message["msg"])
            things = list(self._follower.take(message, len(text)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(f"The server sent something that is not the protocol ({error!r}).") from error
        # All of it, even when `show` has enough: the ledger counts whole messages.
        wanted = [self._show(thing) for thing in things]
        return all(wanted)

    def _farewell(self, message: dict[str, Any]) -> None:
        if message.get("retry") is None:
            raise Refused(message["msg"])
        shortest, longest = message["retry"]
        if message["code"] == CloseCode.TOO_SLOW and self._rate:
            self._rate = max(0.2, self._rate / 2)
        raise Lost(message["msg"], (shortest / 1000, longest / 1000))

    async def _subscribe(self, socket: ClientConnection) -> None:
        await self._send(
            socket, {"t": "sub", "id": 1, "series": self._series, "since": self._follower.since, "window": 0}
        )

    async def _request(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        self._requests += 1
        await self._send(socket, {**message, "id": 1 + self._requests})

    async def _send(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        await socket.send(json.dumps(message))


def _patience(code: int) -> tuple[float, float] | None:
    """Returns for how long to stay away after a close that no `bye` came before."""
    return {4008: (5.0, 15.0), 4013: (10.0, 20.0), 4029: (30.0, 60.0)}.get(code)
