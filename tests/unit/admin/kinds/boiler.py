"""Ticks once for each reading, or fails as its config says: it has a field of every form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, SecretStr, model_validator

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError


class Reading(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=1, title="Key")
    path: str = Field("", title="Path")
    decimals: int | None = Field(None, ge=0, le=9, title="Decimals")
    text: bool = Field(False, title="Text")


class Limits(BaseModel):
    low: float = Field(0.0, title="Low", description="Below this it is cold.")
    high: float = Field(100.0, title="High")


class BoilerConfig(FeedConfig):
    url: AnyUrl = Field(title="URL", description="Where it is.")
    interval: float = Field(1.0, gt=0, le=60, title="Interval")
    retries: int | None = Field(None, ge=0, title="Retries")
    method: Literal["GET", "POST"] = "GET"
    verify: bool = True
    body: str = Field("", max_length=5000, title="Body")
    headers: dict[str, str] = Field({}, title="Headers")
    topics: list[str] = Field([], title="Topics")
    readings: list[Reading] = Field([], max_length=3, title="Readings")
    limits: Limits = Limits()
    anything: dict[str, Any] | list[Any] | None = Field(None, title="Anything")
    username: str = ""
    password: SecretStr | None = Field(None, title="Password", max_length=40)
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> BoilerConfig:
        if self.password and self.token:
            raise ValueError("give a password or a token, not both")
        return self


class Boiler(Feed[BoilerConfig]):
    kind = "boiler"
    label = "Boiler"
    Config = BoilerConfig

    async def run(self) -> AsyncIterator[FeedBatch]:
        password = self.config.password.get_secret_value() if self.config.password else "nothing"
        if self.config.url.path == "/broken":
            raise FeedError(f"the boiler at {self.config.url.host} answers “{password} is wrong”")
        while True:
            for reading in self.config.readings:
                yield FeedBatch([reading.key], [password if reading.text else 20.25])
            await asyncio.sleep(0.05)
