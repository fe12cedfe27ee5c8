"""Runs the kind of source that the benchmarks measure with: series in turn, so many ticks at each step of a clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import numpy as np

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, SeriesSpec

# Random numbers that are made once, so that making ticks costs next to nothing.
STORE = 65_536


class PulseConfig(FeedConfig):
    series: int = 100
    # Ticks at each step, and seconds between two steps (0: as fast as they are taken). No ticks: a silent source.
    ticks: int = 50
    step: float = 0.05


class PulseFeed(Feed[PulseConfig]):
    kind = "pulse"
    label = "Benchmark"
    Config = PulseConfig
    ticks_by_itself = False

    def series(self) -> Sequence[SeriesSpec]:
        return [SeriesSpec(f"s{number}", decimals=2) for number in range(self.config.series)]

    async def run(self) -> AsyncIterator[FeedBatch]:
        config = self.config
        if not config.ticks:
            await asyncio.Event().wait()
        random = np.random.default_rng(1)
        prices = np.round(100 + np.cumsum(random.normal(0, 0.05, STORE + config.ticks)), 2)
        volumes = random.integers(1, 1000, STORE + config.ticks).astype(np.float64)
        keys = [f"s{number % config.series}" for number in range(config.series + config.ticks)]
        sent, due = 0, time.monotonic()
        while True:
            due += config.step
            await asyncio.sleep(max(due - time.monotonic(), 0))
            at, place = sent % STORE, sent % config.series
            until = at + config.ticks
            yield FeedBatch(
                keys[place : place + config.ticks],
                prices[at:until],
                np.full(config.ticks, time.time_ns() // 1_000_000),
                volumes[at:until],
            )
            sent += config.ticks
