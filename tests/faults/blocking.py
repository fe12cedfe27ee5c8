"""A kind of source for the fault tests that keeps the event loop of its process waiting, once, when told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig


class BlockingConfig(FeedConfig):
    # The file that is the word to block; it is gone when that is over.
    word: str
    seconds: float


class BlockingFeed(Feed[BlockingConfig]):
    kind = "blocking"
    label = "Blocking"
    Config = BlockingConfig

    async def run(self) -> AsyncIterator[FeedBatch]:
        while True:
            _block(Path(self.config.word), self.config.seconds)
            yield FeedBatch(["looks"], [1.0])
            await asyncio.sleep(0.05)


def _block(word: Path, seconds: float) -> None:
    if word.exists():
        time.sleep(seconds)
        word.unlink()
