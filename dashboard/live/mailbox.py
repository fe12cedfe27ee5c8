"""Takes in what one socket says, ahead of whoever handles it, and keeps only so much of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

# Messages that wait for the one in front of them, which may be waiting for the database. More than a burst is a flood.
MOST = 64
# What comes last where the server could not say what came.
BROKEN = "mailbox.broken"


class Mailbox:
    """Stands between a server's `receive`, whose queue has no end, and the consumer.

    The server's queue is emptied at every turn of the loop, so what a flooder sends while he is being dismissed is
    let go instead of kept.
    """

    def __init__(self, frame_bytes: int, at_once: Callable[[str], bool], flooded: Callable[[], None]) -> None:
        """`at_once` is offered each text and returns whether it has handled it, so that it need not wait for its
        turn; `flooded` is called for each message that found no room."""
        self._frame_bytes, self._at_once, self._flooded = frame_bytes, at_once, flooded
        # A list and a future: an asyncio.Queue weighs 3 kB, more than all else that we keep of a viewer who is silent.
        self._messages: list[Message] = []
        self._waiter: asyncio.Future[None] | None = None

    async def get(self) -> Message:
        """Waits for the next message. There is one who asks."""
        if not self._messages:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._messages.pop(0)

    def _put(self, message: Message) -> None:
        # Room for the connect and the disconnect as well, which are always taken.
        self._messages.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def fill(self, receive: Callable[[], Awaitable[Message]]) -> None:
        """Takes messages in until the socket has ended."""
        while True:
            try:
                message = await receive()
                text = message.get("text") if message["type"] == "websocket.receive" else None
                if text is not None and self._at_once(text):
                    continue
            except Exception as error:
                # Nobody would hear the viewer any more: whoever handles his messages is to end with this.
                message = {"type": BROKEN, "error": error}
            if message["type"] == "websocket.receive":
                if len(self._messages) >= MOST:
                    self._flooded()
                    continue
                if text is not None and len(text) > self._frame_bytes:
                    # Just long enough to be refused as too long.
                    message["text"] = text[: self._frame_bytes + 1]
            self._put(message)
            if message["type"] in ("websocket.disconnect", BROKEN):
                return
