"""Tests the way from the feeds to the log: nothing lost or out of order, and nobody in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from dashboard.feeds.base import FeedError
from dashboard.ingest import pipeline as pipeline_module
from dashboard.ingest.pipeline import Pipeline
from dashboard.ticklog.base import Extent, Lease, LeaseLost, LogDamaged, LogUnreachable
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks


class Log(MemoryLog):
    """A memory log that can be away, slow, or broken."""

    def __init__(self) -> None:
        super().__init__()
        self.away = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.calls = 0
        self.damaged: set[int] = set()

    async def append(self, batches: Sequence[tuple[Lease, Ticks]]) -> Sequence[Extent | LeaseLost | LogDamaged]:
        self.calls += 1
        await self.gate.wait()
        if self.away:
            self.away -= 1
            raise LogUnreachable("nobody is there")
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        sound = [(lease, ticks) for lease, ticks in batches if lease.source not in self.damaged]
        answers = iter(await super().append(sound))
        return [LogDamaged("no log") if lease.source in self.damaged else next(answers) for lease, _ in batches]

    async def lose(self, lease: Lease, *args: Any) -> None:
        if lease.source in self.damaged:
            raise LogDamaged("no log")
        await super().lose(lease, *args)


class Works:
    """A pipeline and what it has said."""

    def __init__(self, batch_ticks: int = 100) -> None:
        self.log = Log()
        self.rung: list[list[int]] = []
        self.lost: list[int] = []
        self.pipeline = Pipeline(
            self.log, ring=self._ring, lost=self.lost.append, flush_seconds=0.01, batch_ticks=batch_ticks
        )

    async def _ring(self, sources: Collection[int]) -> None:
        self.rung.append(sorted(sources))

    async def lease(self, *sources: int, owner: str = "ana") -> None:
        for source in sources:
            lease = await self.log.acquire(source, owner)
            assert lease is not None
            self.pipeline.leases[source] = lease

    async def values(self, source: int) -> list[float]:
        return list((await self.log.read(source, 0, 10**6)).ticks.values.tolist())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.pipeline.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def ticks(start: int, count: int = 1) -> Ticks:
    return Ticks.of([1] * count, [0] * count, [float(n) for n in range(start, start + count)])


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "RETRY", (0.001, 0.004))


@pytest.fixture
async def works() -> Works:
    works = Works()
    await works.lease(1, 2)
    return works


async def test_a_flush_appends_everything_in_one_call_and_rings_once(works: Works) -> None:
    await works.pipeline.offer(1, ticks(0, 3))
    await works.pipeline.offer(2, ticks(0, 2))
    await works.pipeline.offer(1, ticks(3, 2))
    assert works.rung == []
    await works.pipeline.flush()
    assert works.log.calls == 1
    assert works.rung == [[1, 2]]
    assert await works.values(1) == [0, 1, 2, 3, 4]
    assert works.pipeline.appended == 7


async def test_a_flush_of_nothing_appends_nothing_and_rings_nobody(works: Works) -> None:
    await works.pipeline.flush()
    await works.pipeline.offer(1, Ticks.empty())
    await works.pipeline.flush()
    assert (works.log.calls, works.rung) == (0, [])


async def test_the_bell_rings_after_the_append(works: Works) -> None:
    works.log.gate.clear()
    await works.pipeline.offer(1, ticks(0))
    flushing = asyncio.create_task(works.pipeline.flush())
    await asyncio.sleep(0)
    assert works.rung == []
    works.log.gate.set()
    await flushing
    assert works.rung == [[1]]


async def test_a_flood_waits_for_the_flush_and_loses_nothing() -> None:
    works = Works(batch_ticks=50)
    await works.lease(1, 2)
    async with works.running():
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, works.pipeline._counts.get(1, 0))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        async with asyncio.timeout(5):
            await asyncio.gather(
                works.pipeline.offer(1, ticks(0, 730)),
                works.pipeline.offer(2, ticks(0, 3)),
            )
        watching.cancel()
    await works.pipeline.flush()
    assert await works.values(1) == list(range(730))
    assert await works.values(2) == [0, 1, 2]
    assert most <= 50


async def test_a_flooding_source_holds_no_other_up(works: Works) -> None:
    flood = asyncio.create_task(works.pipeline.offer(1, ticks(0, 10_000)))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await works.pipeline.offer(2, ticks(0, 100))
    assert not flood.done()
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)


async def test_ticks_of_a_source_without_a_lease_wait_for_one(works: Works) -> None:
    offering = asyncio.create_task(works.pipeline.offer(3, ticks(0, 10)))
    await asyncio.sleep(0.01)
    await works.pipeline.flush()
    assert works.log.calls == 0
    await works.lease(3)
    await works.pipeline.flush()
    await offering
    await works.pipeline.flush()
    assert await works.values(3) == list(range(10))


async def test_a_lost_lease_drops_its_source_and_no_other(works: Works) -> None:
    await works.log.release(works.pipeline.leases[1])
    await works.log.acquire(1, "ben")
    for source in (1, 2):
        await works.pipeline.offer(source, ticks(0, 5))
    await works.pipeline.flush()
    assert works.lost == [1]
    assert set(works.pipeline.leases) == {2}
    assert works.rung == [[2]]
    assert (await works.values(1), await works.values(2)) == ([], [0, 1, 2, 3, 4])


async def test_a_feed_that_waits_when_its_lease_goes_waits_for_the_next_one(works: Works) -> None:
    waiting = asyncio.create_task(works.pipeline.offer(1, ticks(0, 500)))
    await asyncio.sleep(0)
    await works.log.release(works.pipeline.leases[1])
    works.pipeline.drop(1)
    async with works.running(), asyncio.timeout(1):
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await works.lease(1)
        await waiting


async def test_while_the_log_is_away_batches_stay_feeds_wait_and_order_is_kept(works: Works) -> None:
    works.log.away = 5
    await works.pipeline.offer(1, ticks(0, 60))
    flushing = asyncio.create_task(works.pipeline.flush())
    await asyncio.sleep(0)
    feeding = asyncio.create_task(works.pipeline.offer(1, ticks(60, 200)))
    await flushing
    async with works.running(), asyncio.timeout(2):
        await feeding
    await works.pipeline.flush()
    assert await works.values(1) == list(range(260))


async def test_two_flushes_at_once_keep_the_order(works: Works) -> None:
    """The worker flushes by itself when a source goes, while the schedule may be waiting for the log."""
    works.log.away = 3
    await works.pipeline.offer(1, ticks(0, 10))
    first = asyncio.create_task(works.pipeline.flush())
    await asyncio.sleep(0)
    await works.pipeline.offer(1, ticks(10, 10))
    await asyncio.gather(first, works.pipeline.flush(), works.pipeline.flush())
    assert await works.values(1) == list(range(20))


async def test_what_a_cancelled_flush_had_under_way_comes_with_the_next_one_and_first(works: Works) -> None:
    works.log.away = 10**6
    await works.pipeline.offer(1, ticks(0, 10))
    flushing = asyncio.create_task(works.pipeline.flush())
    await asyncio.sleep(0.005)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    await works.pipeline.offer(1, ticks(10, 10))
    works.log.away = 0
    await works.pipeline.flush()
    assert await works.values(1) == list(range(20))
    assert works.rung == [[1, 1]] or works.rung == [[1]]


async def test_a_batch_that_the_log_cannot_digest_is_not_tried_for_ever_but_is_said(works: Works) -> None:
    works.log.error = RuntimeError("on purpose")
    await works.pipeline.offer(1, ticks(0, 100))
    with pytest.raises(RuntimeError):
        await works.pipeline.flush()
    async with asyncio.timeout(1):
        await works.pipeline.flush()
        await works.pipeline.offer(1, ticks(100, 100))
        await works.pipeline.flush()
    (gap,) = works.log.ring(1).gaps
    assert (gap.a, gap.b, gap.why) == (1, 100, "source")
    assert (await works.values(1))[100:] == list(range(100, 200))


async def test_the_schedule_is_absolute_and_a_stall_earns_no_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    now, flushed, slept = [0.0], [], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        # Every sleep is a little too long, as they are.
        now[0] += seconds + 0.004

    async def ring(sources: Collection[int]) -> None:
        pass

    pipeline = Pipeline(MemoryLog(), ring=ring, lost=lambda source: None, flush_seconds=0.05, monotonic=lambda: now[0])

    async def flush() -> None:
        flushed.append(now[0])
        if len(flushed) == 100:
            now[0] += 1.0  # a stall of twenty flushes
        if len(flushed) == 200:
            raise asyncio.CancelledError

    monkeypatch.setattr(pipeline, "flush", flush)
    monkeypatch.setattr(pipeline_module.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await pipeline.run()
    assert flushed[99] == pytest.approx(100 * 0.05, abs=0.01)
    gaps = [after - before for before, after in pairwise(flushed)]
    assert sum(gap < 0.03 for gap in gaps) <= 1, "a burst after the stall"
    assert min(slept) >= 0


def losses(works: Works) -> list[tuple[int, str]]:
    return [(gap.b - gap.a + 1, gap.why) for gap in works.log.ring(1).gaps]


async def test_what_waited_under_a_lease_that_was_lost_is_a_gap_under_the_next_one() -> None:
    works = Works()
    await works.lease(1)
    await works.pipeline.offer(1, ticks(0, 10))
    await works.pipeline.flush()
    await works.pipeline.offer(1, ticks(10, 7))
    works.pipeline.forfeit(works.pipeline.leases[1])
    offering = asyncio.create_task(works.pipeline.offer(1, ticks(17, 3)))
    await works.pipeline.flush()
    await asyncio.sleep(0)
    assert not offering.done(), "what comes without a lease is not taken for delivered"

    held = await works.log.acquire(1, "ana")
    assert held is not None
    works.pipeline.take(held)
    await works.pipeline.flush()
    await offering
    await works.pipeline.drain()
    assert losses(works) == [(7, "failover")]
    assert (await works.values(1))[-3:] == [17, 18, 19]


async def test_what_the_log_refused_counts_as_well() -> None:
    works = Works()
    await works.lease(1)
    await works.pipeline.offer(1, ticks(0, 5))
    await works.log.release(works.pipeline.leases[1])
    await works.pipeline.offer(1, ticks(5, 4))
    await works.pipeline.flush()
    assert works.lost == [1]
    held = await works.log.acquire(1, "ana")
    assert held is not None
    works.pipeline.take(held)
    await works.pipeline.drain()
    assert losses(works) == [(9, "failover")]


async def test_who_comes_after_another_owner_owes_nothing_any_more() -> None:
    works = Works()
    await works.lease(1)
    await works.pipeline.offer(1, ticks(0, 5))
    works.pipeline.forfeit(works.pipeline.leases[1])
    await works.log.release(Lease(1, 1, "ana"))
    between = await works.log.acquire(1, "ben")
    assert between is not None
    await works.log.release(between)
    await works.lease(2)
    held = await works.log.acquire(1, "ana")
    assert held is not None
    works.pipeline.take(held)
    await works.pipeline.drain()
    assert losses(works) == [], "the owner between has said it"


async def test_a_feed_that_is_ended_while_it_waits_for_room_leaves_a_gap(works: Works) -> None:
    works.log.away = 10**6
    offering = asyncio.create_task(works.pipeline.offer(1, ticks(0, 2500)))
    await asyncio.sleep(0.01)
    offering.cancel()
    await asyncio.gather(offering, return_exceptions=True)
    works.log.away = 0
    await works.pipeline.drain()
    taken = [value for value in await works.values(1) if value == value]
    assert taken == list(range(len(taken)))
    assert losses(works) == [(2500 - len(taken), "source")]


async def test_losses_of_hours_are_one_mark(works: Works) -> None:
    works.log.away = 10**6
    for start in range(0, 2000, 500):
        offering = asyncio.create_task(works.pipeline.offer(1, ticks(start, 500)))
        await asyncio.sleep(0.01)
        offering.cancel()
        await asyncio.gather(offering, return_exceptions=True)
    assert len(works.pipeline._open[1]) == 2
    works.log.away = 0
    await works.pipeline.drain()
    assert (await works.values(1))[:100] == list(range(100))
    assert losses(works) == [(1900, "source")]


async def test_what_is_to_be_said_outlives_a_batch_that_the_log_cannot_digest(works: Works) -> None:
    works.log.away = 10**6
    offering = asyncio.create_task(works.pipeline.offer(1, ticks(0, 130)))
    await asyncio.sleep(0.01)
    offering.cancel()
    await asyncio.gather(offering, return_exceptions=True)
    works.log.away = 0
    await works.pipeline.flush()
    await works.pipeline.offer(2, ticks(0, 5))
    works.log.error = RuntimeError("on purpose")
    with pytest.raises(RuntimeError):
        await works.pipeline.flush()
    await works.pipeline.drain()
    assert losses(works) == [(30, "source")]
    assert [(gap.a, gap.b) for gap in works.log.ring(2).gaps] == [(1, 5)]


async def test_a_source_that_the_log_cannot_take_keeps_what_waits_and_fails_while_others_go_on(works: Works) -> None:
    works.log.damaged = {1}
    await works.pipeline.offer(1, ticks(0, 5))
    await works.pipeline.offer(2, ticks(0, 5))
    await works.pipeline.flush()
    assert works.rung == [[2]]
    for _ in range(3):
        with pytest.raises(FeedError, match="no log"):
            await works.pipeline.offer(1, ticks(5, 2))
        await works.pipeline.offer(2, ticks(5, 1))
        async with asyncio.timeout(5):
            await works.pipeline.drain()
    assert await works.values(2) == [0, 1, 2, 3, 4, 5, 5, 5]
    assert works.pipeline.waits(1)
    assert works.pipeline.written(1) == 0
    works.log.damaged = set()
    await works.pipeline.flush()
    await works.pipeline.drain()
    await works.pipeline.offer(1, ticks(7, 2))
    await works.pipeline.drain()
    assert [value for value in await works.values(1) if value == value] == [0, 1, 2, 3, 4, 7, 8]
    assert losses(works) == [(6, "source")], "what was offered meanwhile is owed, all of it"
    assert not works.pipeline.waits(1)
