"""The site as it is, in which some words of a viewer break something: `tests.faults.breaking:application`.

No input is known that does. So the words raise where an unknown mistake would: in the consumer, where a message is
understood, where frames are made, and in the server's own `receive`.
"""

from __future__ import annotations

import json
from typing import Any

from config.asgi import application as site
from dashboard.consumers import LiveConsumer

PLACES = ("consumer", "message", "frames", "receive")

_dispatch = LiveConsumer.dispatch


class Mistake(Exception):
    """Something that nobody has thought of."""


def _make(*args: Any, **kwargs: Any) -> Any:
    raise Mistake


def _place(message: Any) -> str | None:
    if message["type"] != "websocket.receive" or "break" not in (message.get("text") or ""):
        return None
    return str(json.loads(message["text"]).get("break"))


async def _break_or_dispatch(consumer: LiveConsumer, message: Any) -> None:
    place = _place(message)
    if place == "consumer":
        _make()
    if place in ("message", "frames"):
        assert consumer.connection is not None
        setattr(consumer.connection.session, "ack" if place == "message" else "serve", _make)
    await _dispatch(consumer, message)


LiveConsumer.dispatch = _break_or_dispatch  # type: ignore[method-assign]


async def application(scope: Any, receive: Any, send: Any) -> None:
    async def receive_or_break() -> Any:
        message = await receive()
        if scope["type"] == "websocket" and _place(message) == "receive":
            _make()
        return message

    await site(scope, receive_or_break, send)
