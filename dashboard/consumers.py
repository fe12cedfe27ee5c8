"""Takes WebSocket connections to `/ws/live/` and hands them to the hub."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings

from dashboard import live
from dashboard.live import mailbox, refusals
from dashboard.live.access import Credentials
from dashboard.live.clients import Seat
from dashboard.live.connection import Connection
from dashboard.live.mailbox import Mailbox
from dashboard.live.origin import may_connect
from dashboard.live.session import Session
from dashboard.live.wire import Wire
from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import SUBPROTOCOL

logger = logging.getLogger(__name__)

# Seconds for the last words and the closing handshake; servers give up after one.
CLOSE_SECONDS = 2.0


class LiveConsumer(AsyncConsumer):
    """One open socket. Ticks do not come through here: the hub writes them to the connection's wire."""

    # No layer of its own: the hub listens for all sockets on one channel, and a layer that fails cannot close them.
    channel_layer_alias = "none"
    connection: Connection | None = None
    accepted = False
    seat: Seat | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.wire = Wire(send)
        box = Mailbox(settings.TICKWALL_FRAME_BYTES, self._at_once, self._flooded)
        reading = asyncio.create_task(box.fill(receive))
        try:
            await super().__call__(scope, box.get, send)
        except asyncio.CancelledError:
            # A stopping server cancels its applications at once; viewers are still to hear their `bye`.
            if not live.current().draining:
                raise
            await asyncio.wait([asyncio.create_task(self.wire.closed())], timeout=settings.TICKWALL_DRAIN_SECONDS)
        except Exception:
            # Whatever that was, this viewer is told; the server writes it into the log.
            if self.connection is not None:
                self.connection.dismiss(CloseCode.INTERNAL)
            raise
        finally:
            if self.connection is not None:
                live.current().leave(self.connection)
            if self.seat is not None:
                self.seat.leave()
            # However this ended, the socket is closed: one without a reader would look alive for ever.
            self.wire.close(CloseCode.INTERNAL)
            # A server lets the closing handshake take a second, in which one who does not listen may go on talking;
            # what he says is let go here. Where none was opened there is none to close.
            closing = asyncio.create_task(self.wire.closed())
            await asyncio.wait({closing, reading} if self.accepted else {closing}, timeout=CLOSE_SECONDS)
            self.wire.drop()
            reading.cancel()

    async def dispatch(self, message: Any) -> None:
        """Handles a message of the server directly: Channels' own dispatch makes a thread hop for each."""
        match message["type"]:
            case "websocket.connect":
                await self._connect()
            case "websocket.receive" if self.connection is not None:
                await self.connection.receive(message.get("text"))
            case "websocket.disconnect":
                raise StopConsumer
            case mailbox.BROKEN:
                raise message["error"]

    async def _connect(self) -> None:
        hub = live.current()
        why = "origin" if not self._may_connect() else "another" if hub.draining and self._has_another() else None
        if why is not None:
            refusals.handshakes[why] += 1
            # Before the accept this becomes a plain 403, which says nothing to the page that should not be there.
            self.wire.close(1008)
            raise StopConsumer
        offered = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.base_send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
        self.accepted = True
        self.wire.overhear(self._at_once)
        if not hub.draining and not self._take_seat(hub.monotonic()):
            raise StopConsumer
        age = hub.limits.socket_seconds * random.uniform(0.9, 1.1)
        session = Session(hub.next_sid(), hub.limits, hub.monotonic(), age)
        headers = self.scope.get("headers", ())
        self.connection = Connection(hub, self.wire, session, Credentials.of_headers(headers), settings.TICKWALL_BUILD)
        self.connection.seat = self.seat
        hub.enter(self.connection)
        if hub.draining:
            self.connection.dismiss(CloseCode.DRAIN)
        elif not offered:
            self.connection.dismiss(CloseCode.MISMATCH)

    def _at_once(self, text: str) -> bool:
        """Takes the acknowledgements: one a second and viewer, whose way through Channels would cost more than all
        the frames that they are for."""
        return self.connection is not None and self.connection.acknowledge(text)

    def _flooded(self) -> None:
        """Sends a viewer away who says more than can wait for its turn."""
        if self.connection is not None and self.connection in live.current().connections:
            self.connection.dismiss(CloseCode.TOO_MANY_MESSAGES)

    def _take_seat(self, now: float) -> bool:
        """Counts the socket, or tells it why there are too many of its kind."""
        clients = live.current_clients()
        peer = (self.scope.get("client") or [None])[0]
        forwarded = b",".join(value for name, value in self.scope.get("headers", ()) if name == b"x-forwarded-for")
        seat = clients.enter(clients.proxies.client(peer, forwarded.decode("latin-1")), now)
        news = clients.news(now)
        if news is not None:
            logger.warning(news)
        if isinstance(seat, str):
            refusals.farewells[CloseCode.TOO_MANY_SOCKETS] += 1
            self.wire.write(frames.farewell(CloseCode.TOO_MANY_SOCKETS, seat))
            self.wire.close(CloseCode.TOO_MANY_SOCKETS)
            return False
        self.seat = seat
        return True

    def _may_connect(self) -> bool:
        # Daphne does not say of a socket that it came over TLS: a site on https without a proxy ends TLS itself.
        own_tls = settings.TICKWALL_HTTPS and settings.SECURE_PROXY_SSL_HEADER is None
        return may_connect(
            {"scheme": "wss" if own_tls else "ws", **self.scope},
            allowed=settings.TICKWALL_ALLOWED_ORIGINS,
            hosts=settings.ALLOWED_HOSTS,
            https_header=settings.SECURE_PROXY_SSL_HEADER,
        )

    def _has_another(self) -> bool:
        """Tells whether a proxy has promised to ask another process when this one refuses."""
        return (b"tickwall-another", b"yes") in self.scope.get("headers", ())
