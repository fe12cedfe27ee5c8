"""Tests when the kind `django` asks: at once, when it is told of a change, when it sees one, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from dashboard.feeds import queries, registry
from dashboard.feeds.base import FeedBatch, SeriesSpec
from dashboard.feeds.kinds.django import DjangoConfig, DjangoFeed
from dashboard.feeds.queries import Query
from tests.unit.feeds import cast
from tests.unit.feeds.cast import Bench, Running

until = partial(cast.until, seconds=20.0)


class Shop:
    """A published query, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.version = 0
        self.error: Exception | None = None

    async def ask(self) -> FeedBatch:
        self.asked += 1
        if self.error:
            raise self.error
        return FeedBatch(["bolts"], [float(self.asked)])

    async def look(self) -> int:
        return self.version


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(queries, "_queries", {})
    shop = Shop()
    queries.add(Query("stock", shop.ask, shop.look, [SeriesSpec("bolts", "Bolts", "kg", 1)]))
    return shop


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.kinds["django"] = registry.kind("django")
    return bench


def running(bench: Bench, **config: float) -> Running:
    given = {"query": "stock", "interval": 3600, "check": 3600, "pause": 0.05, **config}
    return Running(bench.runner(bench.spec("django", config=given, cadence=60.0)))


async def test_it_asks_at_once_and_knows_its_series_before(shop: Shop, bench: Bench) -> None:
    async with running(bench):
        await until(lambda: bench.values() == [1.0])
    assert bench.asked[0][0] == SeriesSpec("bolts", "Bolts", "kg", 1)


async def test_it_asks_again_when_it_is_told_of_a_change_and_not_for_each_of_many(shop: Shop, bench: Bench) -> None:
    async with running(bench, pause=0.2):
        await until(lambda: shop.asked == 1)
        for _ in range(1000):
            queries.changed("stock")
            queries.changed("something else")
        await until(lambda: shop.asked == 2)
        await asyncio.sleep(0.5)
        assert shop.asked == 2
        queries.changed("stock")
        await until(lambda: shop.asked == 3)


async def test_a_change_during_the_answer_is_not_missed(shop: Shop, bench: Bench) -> None:
    ask: Callable[[], Awaitable[FeedBatch]] = shop.ask

    async def changing() -> FeedBatch:
        batch = await ask()
        if shop.asked == 1:
            queries.changed("stock")
        return batch

    queries.add(Query("stock", changing))
    async with running(bench):
        await until(lambda: shop.asked == 2)


async def test_it_asks_again_when_the_version_is_another_one(shop: Shop, bench: Bench) -> None:
    async with running(bench, check=0.1):
        await until(lambda: shop.asked == 1)
        await asyncio.sleep(0.4)
        assert shop.asked == 1
        shop.version = 1
        await until(lambda: shop.asked == 2)


async def test_it_asks_again_after_the_interval_in_any_case(shop: Shop, bench: Bench) -> None:
    async with running(bench, interval=0.2):
        await until(lambda: shop.asked >= 3)


async def test_a_query_that_fails_is_said_and_tried_again(shop: Shop, bench: Bench) -> None:
    shop.error = RuntimeError("no such table: shop_bolt")
    async with running(bench):
        await until(lambda: bench.said("no such table"))
        shop.error = None
        await until(lambda: "live" in bench.states())


async def test_a_name_that_nobody_published_is_said_with_those_that_are(shop: Shop, bench: Bench) -> None:
    queries.add(Query("orders", shop.ask))
    spec = bench.spec("django", config={"query": "stocks"})
    async with Running(bench.runner(spec)):
        await until(lambda: bench.said("no query “stocks” is published; there are: orders, stock"))


async def test_nobody_listens_any_more_when_it_has_ended(shop: Shop) -> None:
    feed = DjangoFeed(DjangoConfig(query="stock"))
    batches = feed.run()
    await anext(batches)
    assert "stock" in queries._listeners
    await batches.aclose()  # type: ignore[attr-defined]
    assert "stock" not in queries._listeners
