from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest
from pydantic import SecretStr

from dashboard.feeds.backoff import Backoff
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesInfo, SeriesSpec
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.timeseries.tick import Ticks
from tests.unit.feeds.cast import QUICK, Bench, Once, Running, batch, steady, strange, until

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


async def test_an_exception_is_down_with_its_words_and_then_tried_again() -> None:
    bench, tries = Bench(), []

    async def run(feed: Feed[Any]) -> Batches:
        tries.append(1)
        if len(tries) < 4:
            raise FeedError("HTTP 503 from example.org")
        async for item in steady(feed):
            yield item

    kind = bench.offer("shaky", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: "live" in bench.states())
    assert bench.states() == ["starting", "down", "live"]
    assert bench.said("HTTP 503 from example.org; next try in 1 s")


async def test_a_kind_may_set_how_long_its_waits_grow() -> None:
    bench, tries = Bench(Limits(look=0.01, retry_base=0.02)), []

    async def run(feed: Feed[Any]) -> Batches:
        tries.append(1)
        raise FeedError("no")
        yield

    kind = bench.offer("eager", run, retry_cap=0.04)
    async with Running(bench.runner(bench.spec(kind))):
        # With the usual cap the tenth wait alone would take five seconds.
        await until(lambda: len(tries) > 12)


@pytest.mark.parametrize("where", ["__init__", "series", "run"])
async def test_it_does_not_matter_where_a_feed_fails(where: str) -> None:
    bench = Bench()

    def fails(*_: Any) -> Any:
        raise ZeroDivisionError("by design")

    kind = bench.offer("broken", **{"run": steady, where: fails})
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.said("ZeroDivisionError: by design"))


async def test_a_feed_that_returns_is_begun_again() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(1.0)

    kind = bench.offer("short", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) >= 3)
    assert bench.said("the feed has ended; next try in 1 s")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "the feed tried to end the process"),
        (asyncio.CancelledError(), "the feed cancelled itself"),
        (TimeoutError(), "timed out"),
        (MemoryError(), "MemoryError"),
    ],
)
async def test_no_exception_of_a_feed_gets_out(error: BaseException, words: str) -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(1.0)
        raise error

    kind = bench.offer("violent", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.said(words) and len(bench.values()) >= 2)


async def test_a_feed_that_yields_something_else_is_down_and_says_so() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        yield strange({"AAPL": 1.0})

    kind = bench.offer("odd", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.said("the feed gave dict instead of a FeedBatch"))


async def test_waits_grow_and_health_resets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(Limits(look=0.01, retry_base=0.02, healthy=0.1))
    begun: list[float] = []
    waits: list[float] = []
    fail = Backoff.fail

    def noted(backoff: Backoff, healthy_for: float = 0.0) -> float:
        waits.append(fail(backoff, healthy_for))
        return waits[-1]

    monkeypatch.setattr(Backoff, "fail", noted)

    async def run(feed: Feed[Any]) -> Batches:
        begun.append(time.monotonic())
        if len(begun) == 5:
            yield batch(1.0)
            await asyncio.sleep(0.12)
            yield batch(2.0)
        raise FeedError("no")

    kind = bench.offer("shaky", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(begun) == 6)
    gaps = [after - before for before, after in pairwise(begun)]
    # Half of 0.02, 0.04, 0.08 and 0.16 by the fixed jitter; after 0.12 s of health, half of 0.02 again.
    assert waits[:5] == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.01])
    assert all(gap >= wait for gap, wait in zip(gaps, waits, strict=False))


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


async def test_a_bad_config_names_the_field_and_is_not_tried_again() -> None:
    bench, built = Bench(), []
    kind = bench.offer("steady", steady)
    one = bench.kinds[kind]

    def watched(name: str) -> type[Feed[Any]]:
        built.append(name)
        return one

    runner = bench.runner(bench.spec(kind, config={"size": "many"}), kind_of=watched)
    async with Running(runner):
        await until(lambda: "down" in bench.states())
        await asyncio.sleep(0.1)
    assert bench.last().msg.startswith("config: size: Input should be a valid integer")
    assert "next try" not in bench.last().msg
    assert len(built) == 1


async def test_an_unknown_kind_is_down_with_a_sentence() -> None:
    bench = Bench()
    async with Running(bench.runner(bench.spec("nope"))):
        await until(lambda: "down" in bench.states())
    assert bench.last().msg == "There is no kind of source called “nope”."


async def test_the_config_reaches_the_feed() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(*[1.0] * feed.config.size, key=feed.config.symbol)
        await asyncio.sleep(3600)

    kind = bench.offer("sized", run)
    async with Running(bench.runner(bench.spec(kind, config={"size": 4, "symbol": "MSFT"}))):
        await until(lambda: len(bench.values()) == 4)
    assert (1, "MSFT") in bench.ids


async def test_series_are_updated_in_place() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        while True:
            yield batch(1.2345)
            await asyncio.sleep(0.01)

    kind = bench.offer("steady", run)
    spec = bench.spec(kind, series={"AAPL": SeriesInfo(1, 3)})
    runner = bench.runner(spec)
    async with Running(runner):
        await until(lambda: bench.values())
        runner.update(bench.spec(kind, series={"AAPL": SeriesInfo(1, 1)}))
        await until(lambda: bench.values()[-1] == 1.2)
    assert bench.values()[0] == 1.234
    assert bench.states() == ["starting", "live"]


async def test_late_and_live_are_announced_at_once_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dashboard.feeds")
    bench = Bench(Limits(look=0.02))

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(1.0)
        await asyncio.sleep(1.4)
        yield batch(2.0)
        await asyncio.sleep(3600)

    kind = bench.offer("slow", run)
    async with Running(bench.runner(bench.spec(kind, cadence=0.1))):
        await until(lambda: bench.states() == ["starting", "live", "late", "live"])
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(": ")[1] for line in lines] == [
        "live, was starting",
        "late, was live",
        "live, was late",
    ]
    assert {record.levelname for record in caplog.records if "late, was" in record.getMessage()} == {"WARNING"}
    assert all(getattr(record, "source", "") == "source-1" for record in caplog.records)


async def test_news_is_announced_at_most_once_a_second() -> None:
    bench = Bench()
    kind = bench.offer("steady", steady)
    async with Running(bench.runner(bench.spec(kind))):
        await asyncio.sleep(1.3)
    # Starting, live, and one more after a second.
    assert len(bench.announced[1]) == 3


async def test_a_listener_that_fails_does_not_touch_the_feed(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()

    def announce(source: int, health: Health) -> None:
        raise ValueError("deaf")

    bench.announce = announce  # type: ignore[method-assign]
    kind = bench.offer("steady", steady)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) > 3)
    assert "state cannot be announced" in caplog.text


async def test_the_generator_of_a_feed_is_closed_when_it_is_cancelled() -> None:
    bench, closed = Bench(QUICK), []

    async def run(feed: Feed[Any]) -> Batches:
        try:
            async for item in steady(feed):
                yield item
        finally:
            closed.append(1)

    kind = bench.offer("tidy", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: bench.values())
    assert closed == [1]


async def test_a_feed_notes_what_was_taken_before_anything_can_end_it() -> None:
    bench, noted = Bench(replace(QUICK, turn=0)), []

    async def sink(source: int, ticks: Ticks) -> None:
        bench.taken.setdefault(source, []).append(ticks)
        pump = asyncio.current_task()
        assert pump is not None
        asyncio.get_running_loop().call_soon(pump.cancel)

    async def run(feed: Feed[Any]) -> Batches:
        number = 0.0
        while True:
            number += 1
            yield batch(number)
            noted.append(number)
            await asyncio.sleep(0.01)

    bench.sink = sink  # type: ignore[method-assign]
    kind = bench.offer("reader", run)
    async with Running(bench.runner(bench.spec(kind))):
        await until(lambda: len(bench.values()) > 2)
    assert noted == bench.values()


class LockedConfig(FeedConfig):
    password: SecretStr | None = None


async def test_a_feed_gets_its_secrets_and_its_errors_do_not_tell_them() -> None:
    bench = Bench()

    async def run(feed: Any) -> Batches:
        password = feed.config.password.get_secret_value()
        raise FeedError(f"the server refuses {password}")
        yield

    kind = bench.offer("locked", run, Config=LockedConfig)
    async with Running(bench.runner(bench.spec(kind, secrets={"password": "hunter2", "of another kind": "x"}))):
        await until(lambda: "down" in bench.states())
    assert bench.last().msg.startswith("the server refuses …")


async def test_a_source_whose_secrets_cannot_be_had_is_down_and_not_tried_again() -> None:
    bench = Bench()
    kind = Once(batch(1.0)).on(bench)
    async with Running(bench.runner(bench.spec(kind, trouble="enter them again"))):
        await until(lambda: "down" in bench.states())
    assert bench.last().msg.startswith("config: secrets: enter them again")
    assert bench.taken == {}


async def test_who_asks_to_be_left_alone_is_not_tried_sooner() -> None:
    bench = Bench()

    async def run(feed: Feed[Any]) -> Batches:
        yield batch(1.0)
        busy = FeedError("too many requests")
        busy.retry_after = 40.0
        raise busy

    async with Running(bench.runner(bench.spec(bench.offer("busy", run)))):
        await until(lambda: bench.said("next try in"))
    assert bench.last().msg == "too many requests; next try in 40 s"
