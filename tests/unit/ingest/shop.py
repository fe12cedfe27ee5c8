"""Holds what the tests of a worker share: one with a memory log and a layer in memory, and no database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from dashboard.feeds.base import SeriesInfo, SourceSpec
from dashboard.feeds.limits import Limits
from dashboard.ingest import control, herald
from dashboard.ingest import worker as worker_module
from dashboard.ingest.worker import Pace, Worker
from dashboard.protocol.control import FEEDS, feeds_look
from dashboard.ticklog.base import TickLog
from dashboard.ticklog.memory import MemoryLog
from tests.unit.feeds.cast import AnyConfig, Bench, FeedBatch

PACE = Pace(flush_seconds=0.01, batch_ticks=1000, reconcile_seconds=30.0, shards=1)
LIMITS = Limits(look=0.02, end=0.2, retry_base=0.02)


async def steady(feed: Any) -> AsyncIterator[FeedBatch]:
    number = 0
    while True:
        yield FeedBatch([feed.config.symbol], [float(number)])
        number += 1
        await asyncio.sleep(0.002)


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


class Shop:
    """A worker, the sources it is to run, and the bells that it rings."""

    def __init__(self, log: TickLog | None = None, **pace: Any) -> None:
        self.log = log or MemoryLog()
        self.layer = InMemoryChannelLayer()
        self.wanted: list[SourceSpec] = []
        self.recorded: list[dict[int, Any]] = []
        self.error: Exception | None = None
        self.bench = Bench()
        self.bench.offer("steady", steady, Config=AnyConfig)
        self.worker = Worker(self.log, self.layer, Pace(**(vars_of(PACE) | pace)), LIMITS)
        self.worker.supervisor._kind_of = self.bench.kind_of
        self.tasks: list[asyncio.Task[None]] = []

    def desired(self) -> list[SourceSpec]:
        if self.error is not None:
            raise self.error
        return list(self.wanted)

    def record(self, states: dict[int, Any], name: str) -> None:
        self.recorded.append(dict(states))

    def source(self, number: int, **config: Any) -> SourceSpec:
        return SourceSpec(number, f"source-{number}", "steady", {"symbol": "A"} | config, 0.01)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.tasks = [asyncio.create_task(work()) for work in self.worker.tasks().values()]
        try:
            yield
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.worker.stop()

    def head(self, source: int) -> int:
        return self.log.ring(source).head

    async def look(self) -> None:
        await self.layer.send(FEEDS, dict(feeds_look()))


def vars_of(pace: Pace) -> dict[str, Any]:
    return {name: getattr(pace, name) for name in pace.__slots__}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    stand_in(monkeypatch, shop)
    return shop


def stand_in(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    def offload(function: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any) -> Any:
            await asyncio.sleep(0)
            return function(*args)

        return run

    ids: dict[Any, Any] = {}

    def admit(source: int, specs: Any) -> Any:
        return {spec.key: ids.setdefault((source, spec.key), SeriesInfo(len(ids) + 1)) for spec in specs}

    for module in (worker_module, herald):
        monkeypatch.setattr(module, "offload", offload)
    monkeypatch.setattr(control, "desired", shop.desired)
    monkeypatch.setattr(control, "record", shop.record)
    monkeypatch.setattr(control, "admit", admit)
    monkeypatch.setattr(herald.SourceEvent, "write", lambda events: set())
