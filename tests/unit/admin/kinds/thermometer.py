"""Yields nothing: the admin only asks for its schema."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import BaseModel, Field

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig


class Place(BaseModel):
    room: str
    floor: int = 0


class ThermometerConfig(FeedConfig):
    interval: float = Field(default=1.0, ge=0.1)
    places: list[Place] = []


class Thermometer(Feed[ThermometerConfig]):
    kind = "thermometer"
    label = "Thermometer"
    Config = ThermometerConfig

    async def run(self) -> AsyncIterator[FeedBatch]:
        return
        yield
