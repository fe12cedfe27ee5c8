"""Holds the site's application as an unknown server would call it: no way past ASGI's `send` is found."""

from __future__ import annotations

from typing import Any

from config.asgi import application as inner


async def application(scope: Any, receive: Any, send: Any) -> None:
    async def plain(message: Any) -> None:
        await send(message)

    await inner(scope, receive, plain)
