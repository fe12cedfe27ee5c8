from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from dashboard.feeds.base import Feed, FeedBatch, SeriesInfo, SourceSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.runner import Runner
from dashboard.feeds.supervisor import Supervisor
from tests.unit.feeds.cast import Bench, batch, steady, until

Batches = AsyncIterator[FeedBatch]


def feed_tasks() -> list[str]:
    """The sources that have a task, each as often as it has one."""
    return sorted(task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("source "))


def counting(bench: Bench, starts: list[int]) -> str:
    async def run(feed: Feed[Any]) -> Batches:
        starts.append(feed.config.size)
        async for item in steady(feed):
            yield item

    return bench.offer("counting", run)


async def stop(supervisor: Supervisor) -> float:
    began = time.monotonic()
    await supervisor.stop()
    return time.monotonic() - began


async def test_new_sources_start_and_gone_ones_stop() -> None:
    bench = Bench()
    kind = bench.offer("steady", steady)
    one, two, three = (bench.spec(kind, source=source) for source in (1, 2, 3))
    supervisor = bench.supervisor()
    await supervisor.reconcile([one, two])
    await until(lambda: bench.values(1) and bench.values(2))
    await supervisor.reconcile([two, three])
    await until(lambda: bench.values(3))
    assert supervisor.specs == {2: two, 3: three}
    assert bench.states(1) == ["starting", "live", "stopped"]
    assert feed_tasks() == ["source source-2", "source source-3"]
    taken = len(bench.values(1))
    await asyncio.sleep(0.05)
    assert len(bench.values(1)) == taken
    await supervisor.stop()


async def test_a_changed_source_is_restarted_and_an_unchanged_one_is_not() -> None:
    bench, starts = Bench(), []
    kind = counting(bench, starts)
    spec = bench.spec(kind)
    supervisor = bench.supervisor()
    await supervisor.reconcile([spec])
    await until(lambda: starts == [1])
    await supervisor.reconcile([replace(spec)])
    await supervisor.reconcile([replace(spec, config={"size": 2})])
    await until(lambda: starts == [1, 2])
    await until(lambda: bench.last().state == "live")
    # Restarted, not switched off: nobody is told that it has stopped.
    assert "stopped" not in bench.states()
    await supervisor.stop()


async def test_series_of_an_unchanged_source_are_updated_in_place() -> None:
    bench, starts = Bench(), []
    kind = counting(bench, starts)
    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(kind, series={"AAPL": SeriesInfo(1)})])
    await until(lambda: bench.values())
    await supervisor.reconcile([bench.spec(kind, series={"AAPL": SeriesInfo(44)})])
    await until(lambda: 44 in bench.ticks().series)
    assert starts == [1]
    await supervisor.stop()


async def test_a_hundred_rapid_reconciles_leave_one_task_a_source_and_the_last_wish() -> None:
    bench, starts = Bench(), []
    kind = counting(bench, starts)
    supervisor = bench.supervisor()

    def wish(turn: int) -> list[SourceSpec]:
        sources = range(1, 6) if turn % 3 else range(3, 9)
        return [bench.spec(kind, source=source, config={"size": turn}) for source in sources]

    tasks = []
    for turn in range(100):
        tasks.append(asyncio.create_task(supervisor.reconcile(wish(turn))))
        if turn % 10 == 0:
            await asyncio.sleep(0.003)
    await asyncio.gather(*tasks)
    assert list(supervisor.specs.values()) == wish(99)
    assert feed_tasks() == [f"source source-{source}" for source in range(3, 9)]
    assert bench.last(1).state == "stopped"
    await until(lambda: bench.values(8))
    await supervisor.stop()
    assert feed_tasks() == []


async def test_a_wish_that_was_overtaken_while_it_waited_is_never_begun() -> None:
    bench, starts = Bench(), []
    kind = counting(bench, starts)

    async def mule(feed: Feed[Any]) -> Batches:
        yield batch(1.0)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)

    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(bench.offer("mule", mule))])
    await until(lambda: bench.values())
    # Ending the mule takes a moment; the others wait for it.
    wishes = [[], *([bench.spec(kind, config={"size": size})] for size in (1, 2, 3))]
    await asyncio.gather(*(supervisor.reconcile(wish) for wish in wishes))
    await until(lambda: starts)
    assert starts == [3]
    await supervisor.stop()


async def test_bad_sources_do_not_touch_the_good_one() -> None:
    bench = Bench()
    release: list[int] = []

    async def raises(feed: Feed[Any]) -> Batches:
        raise ValueError("by design")
        yield

    async def hangs(feed: Feed[Any]) -> Batches:
        await asyncio.sleep(3600)
        yield batch(1.0)

    async def floods(feed: Feed[Any]) -> Batches:
        while not release:
            yield FeedBatch(["AAPL"], [])

    kinds = [bench.offer(run.__name__, run) for run in (raises, hangs, floods)]
    good = bench.offer("steady", steady)
    specs = [bench.spec(kind, source=source) for source, kind in enumerate([*kinds, "unheard of", good], start=1)]
    supervisor = bench.supervisor()
    await supervisor.reconcile(specs)
    await until(lambda: len(bench.values(5)) >= 30, seconds=5)
    await until(lambda: bench.said("silent for", 2) and bench.said("by design", 1))
    assert bench.last(4).msg == "There is no kind of source called “unheard of”."
    assert bench.states(5) == ["starting", "live"]
    assert {source: health.state for source, health in supervisor.healths.items()}[5] == "live"
    release.append(1)
    assert await stop(supervisor) < 2


async def test_a_runner_that_is_cancelled_from_outside_is_announced_and_revived() -> None:
    bench = Bench()
    kind = bench.offer("steady", steady)
    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(kind)])
    await until(lambda: bench.values())
    next(task for task in asyncio.all_tasks() if task.get_name() == "source source-1").cancel()
    await until(lambda: bench.states() == ["starting", "live", "down", "live"])
    assert bench.said("its runner died: cancelled from outside; next try in 1 s")
    assert feed_tasks() == ["source source-1"]
    await supervisor.stop()


async def test_a_runner_that_dies_of_a_fault_of_ours_is_announced_and_revived(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()

    async def short(feed: Feed[Any]) -> Batches:
        yield batch(1.0)

    async def breaks(*_: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Runner, "_rest", breaks)
    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(bench.offer("short", short))])
    await until(lambda: len(bench.values()) >= 2)
    assert bench.said("its runner died: RuntimeError: a fault of ours; next try in 1 s")
    await supervisor.stop()


async def test_a_dead_runner_that_waits_for_its_revival_can_be_stopped() -> None:
    bench, starts = Bench(), []
    kind = counting(bench, starts)
    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(kind)])
    await until(lambda: starts)
    next(task for task in asyncio.all_tasks() if task.get_name() == "source source-1").cancel()
    await until(lambda: bench.states()[-1] == "down")
    await supervisor.reconcile([])
    await asyncio.sleep(0.6)
    assert (starts, feed_tasks()) == ([1], [])
    assert bench.states()[-1] == "stopped"


async def test_stop_ends_everything_within_two_seconds_even_a_feed_that_swallows_its_cancellation() -> None:
    bench, free = Bench(Limits()), []

    async def mule(feed: Feed[Any]) -> Batches:
        while not free:
            try:
                await asyncio.sleep(0.05)
                yield batch(1.0)
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    kinds = [bench.offer("mule", mule), bench.offer("steady", steady)]
    supervisor = bench.supervisor()
    await supervisor.reconcile([bench.spec(kind, source=source) for source, kind in enumerate(kinds, start=1)])
    await until(lambda: bench.values(1) and bench.values(2))
    assert await stop(supervisor) < 2
    assert bench.last(1).state == bench.last(2).state == "stopped"
    assert bench.last(2).msg == "the worker has stopped"
    assert supervisor.specs == {}
    free.append(1)
    await asyncio.sleep(0.1)


async def test_nothing_starts_after_stop() -> None:
    bench = Bench()
    kind = bench.offer("steady", steady)
    supervisor = bench.supervisor()
    await asyncio.gather(supervisor.reconcile([bench.spec(kind)]), supervisor.stop())
    await supervisor.reconcile([bench.spec(kind)])
    assert feed_tasks() == []


async def test_a_single_source_starts_at_once_and_many_are_spread() -> None:
    bench = Bench()
    supervisor = bench.supervisor()
    fast, slow = bench.spec("x", cadence=1.0), bench.spec("x", cadence=60.0)
    assert supervisor._spread(fast, 1) == supervisor._spread(slow, 1) == 0
    # The jitter of the bench is 0.5 of what there may be.
    assert supervisor._spread(fast, 200) == pytest.approx(0.25)
    assert supervisor._spread(slow, 201) == pytest.approx(5.0)
    assert supervisor._spread(replace(slow, cadence=2.0), 201) == pytest.approx(1.0)


async def test_a_spec_that_cannot_even_be_built_is_down_and_the_others_run() -> None:
    bench = Bench()
    kind = bench.offer("steady", steady)
    supervisor = bench.supervisor()
    bad = bench.spec(kind, source=1, series={"AAPL": SeriesInfo(-5)})
    await supervisor.reconcile([bad, bench.spec(kind, source=2)])
    await until(lambda: bench.values(2))
    assert bench.last(1).state == "down"
    await supervisor.reconcile([bad, bench.spec(kind, source=2)])
    await supervisor.stop()
