"""Tests a worker: what it runs, for how long, and how it ends."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from django.db import OperationalError

from dashboard.feeds import queries
from dashboard.feeds.limits import Limits
from dashboard.ingest import control, herald
from dashboard.ingest import worker as worker_module
from dashboard.ingest.worker import Worker
from dashboard.models import DataSource
from dashboard.protocol.control import FEEDS_CHANGED, feeds_changed
from dashboard.ticklog.base import Lease, LogUnreachable
from dashboard.ticklog.memory import MemoryLog
from dashboard.ticklog.redis import RedisLog
from dashboard.timeseries.tick import Ticks
from tests.unit.ingest.shop import PACE, Shop, shop, stand_in, until

__all__ = ["shop"]


async def test_what_is_desired_runs_and_what_is_no_longer_desired_stops(shop: Shop) -> None:
    shop.wanted = [shop.source(1), shop.source(2)]
    async with shop.open():
        await until(lambda: shop.head(1) > 3 and shop.head(2) > 3)
        shop.wanted = [shop.source(2)]
        await shop.look()
        await until(lambda: set(shop.worker.pipeline.leases) == {2})
        stood = shop.head(1)
        before = shop.head(2)
        await until(lambda: shop.head(2) > before + 3)
        assert shop.head(1) == stood
        assert await shop.log.acquire(1, "somebody else") is not None, "the lease was given back"
    assert shop.worker.pipeline.leases == {}


async def test_a_message_to_look_takes_effect_at_once(shop: Shop) -> None:
    async with shop.open():
        await asyncio.sleep(0.05)
        shop.wanted = [shop.source(1)]
        begun = time.monotonic()
        await shop.look()
        await until(lambda: shop.head(1) > 0)
        assert time.monotonic() - begun < 2


async def test_a_change_of_what_is_published_reaches_its_feeds(shop: Shop) -> None:
    async with shop.open():
        with queries.listening("stock") as changed, queries.listening("orders") as other:
            end = time.monotonic() + 5.0
            while not changed.is_set():
                assert time.monotonic() < end, "it was not heard"
                await shop.layer.group_send(FEEDS_CHANGED, feeds_changed("stock"))
                await asyncio.sleep(0.01)
            assert not other.is_set()


async def test_without_any_message_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(reconcile_seconds=0.05)
    stand_in(monkeypatch, shop)
    async with shop.open():
        await asyncio.sleep(0.02)
        shop.wanted = [shop.source(1)]
        await until(lambda: shop.head(1) > 0)


async def test_a_database_that_is_away_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(reconcile_seconds=0.02)
    stand_in(monkeypatch, shop)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0)
        shop.error = OperationalError("away")
        before = shop.head(1)
        await asyncio.sleep(0.1)
        await until(lambda: shop.head(1) > before + 3)
        shop.error = None
        shop.wanted = []
        await until(lambda: shop.worker.pipeline.leases == {})


async def test_a_source_that_somebody_else_holds_is_left_to_him(shop: Shop) -> None:
    theirs = await shop.log.acquire(1, "somebody else")
    assert theirs is not None
    shop.wanted = [shop.source(1), shop.source(2)]
    async with shop.open():
        await until(lambda: shop.head(2) > 0)
        assert shop.head(1) == 0
        await shop.log.release(theirs)
        await shop.look()
        await until(lambda: shop.head(1) > 0)


async def test_a_lease_that_was_taken_away_ends_the_feed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RENEW", 0.02)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0)
        shop.log._leases[1] = Lease(1, 999, "somebody else")
        await until(lambda: not shop.worker.supervisor.specs)
        stood = shop.head(1)
        await asyncio.sleep(0.05)
        assert shop.head(1) == stood


async def test_without_renewal_for_too_long_the_leases_are_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RENEW", 0.02)
    monkeypatch.setattr(worker_module, "GIVE_UP", 0.1)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0)

        async def away(*args: Any) -> Any:
            raise LogUnreachable("away")

        monkeypatch.setattr(shop.log, "renew", away)
        monkeypatch.setattr(shop.log, "acquire", away)
        await until(lambda: shop.worker.pipeline.leases == {})
        stood = shop.head(1)
        await asyncio.sleep(0.05)
        assert shop.head(1) == stood


async def test_a_lease_that_was_renewed_is_kept_though_the_worker_cannot_say_that_he_is_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RENEW", 0.02)
    monkeypatch.setattr(worker_module, "GIVE_UP", 0.1)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0)
        asked = 0

        async def away(*args: Any) -> Any:
            nonlocal asked
            asked += 1
            raise LogUnreachable("away")

        monkeypatch.setattr(shop.log, "enlist", away)
        await until(lambda: asked > 20)
        assert set(shop.worker.pipeline.leases) == {1}
        before = shop.head(1)
        await until(lambda: shop.head(1) > before + 3)


async def test_a_message_that_comes_with_the_end_does_not_keep_the_worker_alive(shop: Shop) -> None:
    for steps in range(6):
        task = asyncio.create_task(shop.worker.keep_reconciling())
        await asyncio.sleep(0.01)
        shop.worker._look.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=1)
        assert done, "the cancellation was swallowed"


async def test_a_source_that_is_damaged_says_so_and_the_others_go_on(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person writes over a key in Redis. Of two sources one loses its log, the other one its lease."""
    log = RedisLog(redis_url, prefix=f"test-{secrets.token_hex(4)}")
    shop = Shop(log, reconcile_seconds=0.05)
    stand_in(monkeypatch, shop)
    shop.wanted = [shop.source(1), shop.source(2), shop.source(3)]

    def says(source: int) -> str:
        states = [each[source][0] for each in shop.recorded if source in each]
        return f"{states[-1].state}: {states[-1].msg}" if states else ""

    monkeypatch.setattr(herald, "RECORD", 0.05)
    monkeypatch.setattr(worker_module, "RENEW", 0.1)
    try:
        async with shop.open():
            await until(lambda: all(says(source).startswith("live") for source in (1, 2, 3)))
            await log._redis.set(log._keys(1)[2], "a person's note")
            await log._redis.delete(log._keys(2)[0])
            await log._redis.rpush(log._keys(2)[0], "a list")
            await until(lambda: says(1).startswith("down: the tick log cannot take its ticks: WRONGTYPE"))
            await until(lambda: says(2).startswith("down: the tick log cannot take its ticks: WRONGTYPE"))
            before = shop.worker.pipeline.appended
            await until(lambda: shop.worker.pipeline.appended > before + 10)
            assert says(3).startswith("live")
            shop.wanted.append(shop.source(4))
            await until(lambda: says(4).startswith("live"))
            await log._redis.delete(log._keys(1)[2], log._keys(2)[0])
            await until(lambda: says(1).startswith("live") and says(2).startswith("live"))
    finally:
        await log.close()


async def test_sources_that_were_removed_leave_the_log(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "TIDY", 0.02)
    monkeypatch.setattr(control, "existing", lambda: {1})
    shop.wanted = [shop.source(1), shop.source(2)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0 and 2 in shop.log._states)
        shop.wanted = shop.wanted[:1]
        await shop.look()
        await until(lambda: set(shop.worker.pipeline.leases) == {1} and 2 not in shop.log._rings)
        assert shop.head(1) > 0


async def test_a_worker_that_stops_flushes_what_was_given_and_gives_its_leases_back(shop: Shop) -> None:
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 0)
        for task in shop.tasks:
            task.cancel()
        await asyncio.gather(*shop.tasks, return_exceptions=True)
        before = shop.head(1)
        await shop.worker.pipeline.offer(1, Ticks.of([1] * 3, [0] * 3, [-1.0, -2.0, -3.0]))
    page = await shop.log.read(1, before, 10_000)
    assert [value for value in page.ticks.values.tolist() if value < 0] == [-1.0, -2.0, -3.0]
    assert await shop.log.acquire(1, "somebody else") is not None


@pytest.mark.django_db(transaction=True)
async def test_a_worker_runs_what_stands_in_the_database() -> None:
    from dashboard.models import Series, SourceStatus
    from dashboard.models.offload import offload

    def prepare() -> int:
        source = DataSource.objects.create(
            name="Market", slug="market", kind="simulated", config={"symbols": 2, "rate": 20, "seed": 1}
        )
        return source.pk

    source = await offload(prepare)()
    log = MemoryLog()
    worker = Worker(log, InMemoryChannelLayer(), PACE, Limits())
    tasks = [asyncio.create_task(work()) for work in worker.tasks().values()]
    try:
        await until(lambda: log.ring(source).head >= 5, 10.0)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.stop()
    found = await offload(lambda: (Series.objects.count(), SourceStatus.objects.get().state))()
    assert found == (2, "stopped")
    assert set(log.ring(source).last) <= set(await offload(lambda: list(Series.objects.values_list("pk", flat=True)))())


async def test_another_number_of_restarts_starts_the_feed_anew(shop: Shop) -> None:
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 3)
        runner = shop.worker.supervisor._running[1].runner
        shop.wanted = [replace(shop.source(1), restarts=1)]
        await shop.look()
        await until(lambda: shop.worker.supervisor._running.get(1) and _runner(shop) is not runner)
        head = shop.head(1)
        await until(lambda: shop.head(1) > head + 3)


def _runner(shop: Shop) -> Any:
    return shop.worker.supervisor._running[1].runner
