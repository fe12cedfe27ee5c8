"""Names the sockets."""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import path, re_path

from dashboard.consumers import LiveConsumer
from dashboard.protocol.close_codes import CloseCode


async def nowhere(scope: object, receive: object, send: object) -> None:
    """Closes a socket to an address that does not exist; the router alone would raise for each."""
    await send({"type": "websocket.close", "code": int(CloseCode.FORBIDDEN)})  # type: ignore[operator]


sockets = URLRouter([path("ws/live/", LiveConsumer.as_asgi()), re_path("", nowhere)])
