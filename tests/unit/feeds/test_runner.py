"""Tests how a runner tries its feed again and again, and what it says of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pydantic import SecretStr

from dashboard.feeds.backoff import Backoff
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesInfo
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.timeseries.tick import Ticks
from tests.unit.feeds.cast import QUICK, Bench, Once, Running, batch, steady, strange, until

Batches = AsyncIterator[FeedBatch]


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
