"""Runs what others send to the site: ticks that are posted to /api/v1/ingest/ and its source's slug."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import Field, SecretStr

from dashboard.feeds.base import Feed, FeedBatch, SeriesSpec
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.kinds import _bodies
from dashboard.feeds.payload import decode
from dashboard.feeds.pushed import unpack


class WebhookConfig(Extraction):
    body: Literal["ticks", "json"] = Field(
        "ticks",
        title="What is sent",
        description="Ticks, as the documentation shows them; or any JSON, from which values are picked as below.",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=16,
        max_length=200,
        title="Signing secret",
        description="With it, a sender may sign instead of carrying a token: X-Tickwall-Signature: t=…,v1=… is the "
        "HMAC-SHA256 of the Unix time, a dot and the body. Empty: tokens only.",
        json_schema_extra={"group": "Who may send"},
    )
    old_secret: SecretStr | None = Field(
        None,
        min_length=16,
        max_length=200,
        title="Earlier secret",
        description="Holds too, while the senders are given the new one. Empty it when they have it.",
        json_schema_extra={"group": "Who may send"},
    )
    new_series: bool = Field(
        False,
        title="Take new series",
        description="Make a series of every new key that is sent, up to the source's limit. Otherwise a request with "
        "a key that is not a series yet is refused.",
    )


class WebhookFeed(Feed[WebhookConfig]):
    kind = "webhook"
    label = "Webhook (others send ticks in)"
    Config = WebhookConfig
    ticks_by_itself = False

    def __init__(self, config: WebhookConfig) -> None:
        super().__init__(config)
        secrets = (config.secret, config.old_secret)
        self._extractor = Extractor(config, [secret.get_secret_value() for secret in secrets if secret is not None])

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    def read(self, body: bytes, now: int) -> FeedBatch:
        """Returns the ticks of a request's body. Raises FeedError with what is wrong with it."""
        payload = decode(body)
        return self._extractor.batch(payload) if self.config.body == "json" else _bodies.ticks(payload, now)

    async def run(self) -> AsyncIterator[FeedBatch]:
        while True:
            yield unpack(await self.inbox())
