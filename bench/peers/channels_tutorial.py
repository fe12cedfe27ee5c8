"""Runs Channels as its tutorial shows it: a consumer in a group, one `group_send` for each tick.

daphne bench.peers.channels_tutorial:application
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of a benchmark",
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)

import django  # noqa: E402

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from bench.peers import ticks  # noqa: E402


class TickConsumer(AsyncWebsocketConsumer):
    producer: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.channel_layer.group_add("ticks", self.channel_name)
        await self.accept()
        if TickConsumer.producer is None:
            TickConsumer.producer = asyncio.create_task(ticks.run(publish))

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("ticks", self.channel_name)

    async def tick_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["tick"], separators=(",", ":")))


async def publish(batch: list[dict[str, Any]]) -> None:
    layer = get_channel_layer()
    for tick in batch:
        await layer.group_send("ticks", {"type": "tick.message", "tick": tick})


application = ProtocolTypeRouter({"websocket": URLRouter([path("", TickConsumer.as_asgi())])})
