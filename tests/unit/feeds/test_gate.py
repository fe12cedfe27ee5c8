"""Tests what a runner lets in: which rows become ticks, and of which keys series are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from math import inf, nan

import pytest

from dashboard.feeds.base import FeedBatch, SeriesInfo, SeriesSpec
from tests.unit.feeds.cast import Bench, Once, Running, batch, until

Batches = AsyncIterator[FeedBatch]


async def test_ticks_reach_the_sink_and_the_source_lives() -> None:
    bench = Bench()
    kind = Once(batch(1.234, 2.344, volumes=[5, None])).on(bench)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: "live" in bench.states())
    ticks = bench.ticks()
    assert ticks.values.tolist() == [1.23, 2.34]
    assert ticks.series.tolist() == [bench.ids[1, "AAPL"]] * 2
    assert bench.states() == ["starting", "live"]


async def test_declared_series_are_admitted_before_the_first_tick_and_known_ones_not_again() -> None:
    bench = Bench()
    kind = Once().on(bench)
    async with Running(bench.runner(bench.spec(kind, series={"AAPL": SeriesInfo(5, 1)}))):
        await until(lambda: bench.asked)
    assert bench.asked == [[SeriesSpec("note", "Note", text=True)]]


async def test_bad_rows_are_refused_one_by_one_and_the_rest_goes_on() -> None:
    bench = Bench()
    now = time.time_ns() // 1_000_000
    rows = FeedBatch(
        ["AAPL"] * 6 + ["note"],
        [1.0, nan, inf, 4.0, 5.0, 6.0, "x" * 2048],
        [now, now, now, 0, now + 3_600_000, now, now],
    )
    kind = Once(rows).on(bench)
    async with Running(bench.runner(bench.spec(kind, cadence=1.0))):
        await until(lambda: "degraded" in bench.states())
    assert bench.values() == [1.0, 6.0]
    health = bench.last()
    assert health.refused == 5
    assert health.msg.startswith("2 ticks refused: not a finite number (AAPL); 1 tick refused: ")


async def test_ragged_columns_are_refused_whole_and_the_next_batch_is_taken() -> None:
    bench = Bench()
    kind = Once(FeedBatch(["AAPL", "AAPL"], [1.0]), batch(2.0)).on(bench)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.values() == [2.0])
    assert bench.said("2 ticks refused: columns of unequal length")


async def test_ten_thousand_keys_are_admitted_up_to_the_limit_and_asked_about_once() -> None:
    bench = Bench()
    flood = FeedBatch([f"k{n}" for n in range(10_000)], [1.0] * 10_000)
    kind = Once(flood, flood, flood).on(bench)
    kinds = bench.kinds[kind]
    kinds.series = lambda feed: ()  # type: ignore[method-assign]
    async with Running(bench.runner(bench.spec(kind, cadence=1.0))):
        await until(lambda: len(bench.ticks()) == 3000)
        await until(lambda: "degraded" in bench.states())
    assert [len(specs) for specs in bench.asked] == [1000]
    assert bench.said("ticks refused: unknown series (9,000 keys beyond the limit of 1,000)")


async def test_what_the_caller_does_not_admit_is_refused_and_not_asked_again_soon() -> None:
    bench = Bench(room=1)
    rows = FeedBatch(["a", "b", "c"], [1.0, 2.0, 3.0])
    kind = Once(*[rows] * 5).on(bench)
    bench.kinds[kind].series = lambda feed: ()  # type: ignore[method-assign]
    async with Running(bench.runner(bench.spec(kind, cadence=1.0))):
        await until(lambda: bench.values() == [1.0] * 5)
        await until(lambda: bench.said("unknown series (2 keys not admitted)"))
    assert len(bench.asked) == 1


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_admission_that_fails_keeps_known_series_running(how: str) -> None:
    bench = Bench()

    async def admit(source: int, specs: Sequence[SeriesSpec]) -> Mapping[str, SeriesInfo]:
        if how == "hangs":
            await asyncio.sleep(3600)
        raise ConnectionError("the database is away")

    bench.admit = admit  # type: ignore[method-assign]
    kind = Once(FeedBatch(["AAPL", "new"], [1.0, 2.0])).on(bench)
    async with Running(bench.runner(bench.spec(kind, cadence=1.0, series={"AAPL": SeriesInfo(1)}))):
        await until(lambda: bench.values() == [1.0])
        await until(lambda: "degraded" in bench.states())
    why = "ConnectionError: the database is away" if how == "raises" else "timed out"
    assert bench.said(f"could not be admitted: {why}")
