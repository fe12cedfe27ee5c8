"""Tests that a feed which is silent, floods or does not end is dealt with, and that its siblings do not notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dashboard.feeds.base import Feed, FeedBatch
from dashboard.feeds.limits import Limits
from dashboard.timeseries.tick import Ticks
from tests.unit.feeds.cast import Bench, Once, Running, batch, steady, until

Batches = AsyncIterator[FeedBatch]


async def test_a_silent_feed_is_cancelled_and_begun_again() -> None:
    bench, ended = Bench(), []

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(1.0)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    kind = bench.offer("mute", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) == 2)
    assert ended
    assert bench.said("silent for 0.2 s; next try in 1 s")


async def test_a_feed_that_may_be_silent_is_left_alone() -> None:
    bench = Bench()
    kind = Once().on(bench)
    async with Running(bench.runner(bench.spec(kind, cadence=0.01))) as runner:
        await asyncio.sleep(0.5)
        health = runner.health
    assert bench.states() == ["starting"]
    assert health.msg == "waiting for the first tick"


async def test_a_batch_without_rows_is_a_sign_of_life() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        while True:
            yield FeedBatch([], [])
            await asyncio.sleep(0.05)

    kind = bench.offer("patient", run)
    async with Running(bench.runner(bench.spec(kind))):
        await asyncio.sleep(0.6)
    assert "down" not in bench.states()


async def test_time_spent_in_the_sink_is_not_the_silence_of_the_feed() -> None:
    bench = Bench(Limits(look=0.02, silence=0.1, silence_extra=0.05, sink=5.0))

    async def sink(source: int, ticks: Ticks) -> None:
        await asyncio.sleep(0.4)
        bench.taken.setdefault(source, []).append(ticks)

    bench.sink = sink  # type: ignore[method-assign]
    kind = bench.offer("steady", steady)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) == 2)
    assert "down" not in bench.states()
    assert bench.values() == [1.0, 2.0]


async def test_a_process_that_stood_still_does_not_take_its_feeds_for_silent() -> None:
    bench, jump = Bench(), [0.0]

    async def slow(feed: Feed[Any]) -> Batches:
        while True:
            yield batch(1.0)
            await asyncio.sleep(0.1)

    kind = bench.offer("slow", slow)
    runner = bench.runner(bench.spec(kind), monotonic=lambda: time.monotonic() + jump[0])
    async with Running(runner):
        await until(lambda: "live" in bench.states())
        # Between two batches, when a look has found nothing new already.
        await asyncio.sleep(0.05)
        jump[0] = 3600.0
        await until(lambda: len(bench.values()) > 5)
    assert "down" not in bench.states()


@pytest.mark.parametrize("how", ["raises", "hangs", "times out"])
async def test_a_sink_that_fails_is_down_and_tried_again(how: str) -> None:
    bench, calls = Bench(), []

    async def sink(source: int, ticks: Ticks) -> None:
        calls.append(1)
        if how == "hangs":
            await asyncio.sleep(3600)
        raise TimeoutError("Redis") if how == "times out" else ConnectionError("the log is away")

    bench.sink = sink  # type: ignore[method-assign]
    kind = bench.offer("steady", steady)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(calls) >= 2)
    words = {"raises": "the log is away", "hangs": "the worker has taken no ticks for 0.3 s", "times out": "Redis"}
    assert bench.said(words[how])


async def test_a_flood_that_never_waits_leaves_air_to_its_siblings() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        while True:
            yield batch(1.0)

    flood, sibling = bench.offer("flood", run), bench.offer("steady", steady)
    bench.sink = sparing(bench)  # type: ignore[method-assign]
    one, other = bench.runner(bench.spec(flood)), bench.runner(bench.spec(sibling, source=2))
    async with Running(one), Running(other):
        began = time.monotonic()
        await until(lambda: len(bench.values(2)) >= 30, seconds=5)
        took = time.monotonic() - began
        assert one.health.hz > 1000
    assert took < 3


def sparing(bench: Bench) -> Any:
    """A sink that keeps nothing of the flood."""

    async def sink(source: int, ticks: Ticks) -> None:
        if source != 1:
            bench.taken.setdefault(source, []).append(ticks)

    return sink


async def test_a_flood_of_bad_rows_leaves_air_too() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        while True:
            yield FeedBatch(["AAPL"], [])

    bad, sibling = bench.offer("bad", run), bench.offer("steady", steady)
    async with Running(bench.runner(bench.spec(bad))), Running(bench.runner(bench.spec(sibling, source=2))):
        await until(lambda: len(bench.values(2)) >= 10, seconds=5)


async def test_a_long_batch_reaches_the_sink_in_pieces() -> None:
    bench = Bench(Limits(rows=1000))
    kind = Once(batch(*map(float, range(3500)))).on(bench)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) == 3500)
    assert [len(ticks) for ticks in bench.taken[1]] == [1000, 1000, 1000, 500]
    assert bench.values() == list(range(3500))


async def test_a_feed_that_swallows_its_cancellation_blocks_nobody_and_delivers_no_more() -> None:
    bench, running = Bench(), [True]

    async def run(feed: Feed[Any]) -> Batches:
        while running[0]:
            try:
                yield batch(1.0)
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)

    kind = bench.offer("mule", run)
    task = asyncio.create_task(bench.runner(bench.spec(kind)).run())
    await until(lambda: len(bench.values()) > 3)
    began = time.monotonic()
    task.cancel()
    await asyncio.wait({task}, timeout=3)
    assert task.cancelled()
    assert time.monotonic() - began < 1
    taken = len(bench.values())
    await asyncio.sleep(0.2)
    assert len(bench.values()) == taken
    running[0] = False


async def test_a_silent_feed_that_cannot_be_ended_is_not_started_without_end() -> None:
    bench, free, runs = Bench(Limits(look=0.02, silence=0.05, silence_extra=0.0, end=0.04, retry_base=0.01)), [], []

    async def run(feed: Feed[Any]) -> Batches:
        runs.append(1)
        while not free:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue
        yield batch(1.0)

    kind = bench.offer("mule", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.said("3 earlier runs of this feed have not ended; restart the worker"))
        await asyncio.sleep(0.1)
        assert len(runs) == 3
    free.append(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
