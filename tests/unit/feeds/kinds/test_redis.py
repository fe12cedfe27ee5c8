"""Tests the kind `redis` against a real Redis: what is written is given, once, and what is lost is said."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis

from dashboard.feeds import registry
from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.kinds import redis as module
from dashboard.feeds.kinds.redis import RedisFeed
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import BadConfig, validated
from tests.support.services import redis_server
from tests.unit.feeds.cast import Bench, Running, until
from tests.unit.feeds.kinds.reading import some


@pytest.fixture
async def client(redis_url: str, local_addresses: None) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0.05)


@pytest.fixture
def name() -> str:
    return f"plant-{secrets.token_hex(4)}"


def feed(url: str, name: str, memory: dict[str, Any] | None = None, **config: Any) -> RedisFeed:
    one = RedisFeed(validated(RedisFeed, {"url": url, "name": name, **config}))  # type: ignore[arg-type]
    one.memory = {} if memory is None else memory
    return one


async def begun(batches: AsyncIterator[FeedBatch]) -> None:
    """Waits until the feed listens."""
    assert list((await anext(batches)).keys) == []


async def test_entries_of_a_stream_are_ticks_at_the_time_of_their_ids(redis_url: str, client: Redis, name: str) -> None:
    await client.xadd(name, {"cellar": 1}, id="1795361835000-0")
    async with aclosing(feed(redis_url, name).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await client.xadd(name, {"cellar": "11.5", "door": "open"}, id="1795361835123-0")
        batch = await anext(batches)
    assert (list(batch.keys), list(batch.values)) == (["cellar"], [11.5])
    assert list(batch.times or []) == [1795361835123]


async def test_the_json_of_a_field_is_read_as_the_config_says(redis_url: str, client: Redis, name: str) -> None:
    await client.xadd(name, {"d": json.dumps({"t": 3, "u": "x"})})
    await client.xadd(name, {"d": "{"})
    await client.xadd(name, {"d": json.dumps({"t": 4})})
    config = {"field": "d", "start": "oldest", "series": [{"path": "t", "key": "temperature"}]}
    async with aclosing(feed(redis_url, name, **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 3) == [("refused", "a message is not JSON"), ("temperature", 3), ("temperature", 4)]


async def test_a_stream_is_read_from_an_id_on(redis_url: str, client: Redis, name: str) -> None:
    for number in (1, 2, 3):
        await client.xadd(name, {"n": number}, id=f"1795361835000-{number}")
    async with aclosing(feed(redis_url, name, start="1795361835000-1").run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 2) == [("n", 2), ("n", 3)]


async def test_a_new_run_goes_on_where_the_last_one_was(redis_url: str, client: Redis, name: str) -> None:
    memory: dict[str, Any] = {}
    async with aclosing(feed(redis_url, name, memory).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await client.xadd(name, {"n": 1})
        assert await some(batches, 1) == [("n", 1)]
        await begun(batches)
    await client.xadd(name, {"n": 2})
    async with aclosing(feed(redis_url, name, memory).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 1) == [("n", 2)]


async def test_entries_that_were_trimmed_before_they_were_read_are_a_gap(
    redis_url: str, client: Redis, name: str
) -> None:
    memory: dict[str, Any] = {}
    await client.xadd(name, {"n": 0})
    async with aclosing(feed(redis_url, name, memory).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await client.xadd(name, {"n": 1})
        assert await some(batches, 1) == [("n", 1)]
        await begun(batches)
    for number in range(2, 12):
        await client.xadd(name, {"n": number}, maxlen=3, approximate=False)
    async with aclosing(feed(redis_url, name, memory).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 4) == [("lost", 7), ("n", 9), ("n", 10), ("n", 11)]
        await client.xtrim(name, maxlen=0, approximate=False)
        await begun(batches)
        await client.xadd(name, {"n": 12})
        assert await some(batches, 1) == [("n", 12)], "what was read and then trimmed is no loss"


async def test_a_stream_that_begins_anew_is_a_gap(redis_url: str, client: Redis, name: str) -> None:
    memory: dict[str, Any] = {}
    for number in range(3):
        await client.xadd(name, {"n": number})
    async with aclosing(feed(redis_url, name, memory, start="oldest").run()) as batches:  # type: ignore[type-var]
        await some(batches, 3)
        await begun(batches)
        await client.delete(name)
        await client.xadd(name, {"n": 7})
        assert await some(batches, 2) == [("lost", 1), ("n", 7)]


async def test_a_group_remembers_for_a_worker_that_does_not(redis_url: str, client: Redis, name: str) -> None:
    config = {"group": "tickwall", "start": "oldest"}
    for number in range(3):
        await client.xadd(name, {"n": number})
    batches = feed(redis_url, name, **config).run()
    assert await some(batches, 3) == [("n", 0), ("n", 1), ("n", 2)]
    # Ended before it has confirmed what it gave: who is killed here leaves it pending.
    await batches.aclose()  # type: ignore[attr-defined]
    async with aclosing(feed(redis_url, name, **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 3) == [("n", 0), ("n", 1), ("n", 2)]
        await begun(batches)
        assert (await client.xpending(name, "tickwall"))["pending"] == 0
    for number in range(3, 10):
        await client.xadd(name, {"n": number}, maxlen=2, approximate=False)
    async with aclosing(feed(redis_url, name, **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 3) == [("lost", 5), ("n", 8), ("n", 9)]
        await begun(batches)


async def test_messages_of_channels_and_patterns_are_ticks(redis_url: str, client: Redis, name: str) -> None:
    for mode, asked in (("channel", name), ("pattern", f"{name[:-1]}?")):
        async with aclosing(feed(redis_url, asked, mode=mode).run()) as batches:  # type: ignore[type-var]
            await begun(batches)
            await client.publish(name, '{"cellar": 11.5}')
            await client.publish(name, "nonsense")
            assert sorted(await some(batches, 2)) == [("cellar", 11.5), ("refused", "a message is not JSON")]


async def test_a_flood_comes_whole_and_in_order(redis_url: str, client: Redis, name: str) -> None:
    async with client.pipeline(transaction=False) as pipe:
        for number in range(5000):
            pipe.xadd(name, {"n": number})
        await pipe.execute()
    async with aclosing(feed(redis_url, name, start="oldest").run()) as batches:  # type: ignore[type-var]
        assert [value for _, value in await some(batches, 5000)] == list(range(5000))


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "redis://user:word@127.0.0.1/", "file:///etc/passwd"])
def test_what_is_no_redis_is_refused(url: str) -> None:
    with pytest.raises(BadConfig):
        feed(url, "stream")


async def test_it_reaches_only_what_sources_may_reach(redis_url: str) -> None:
    with pytest.raises(FeedError, match="TICKWALL_SOURCE_ALLOW_PRIVATE"):
        await anext(feed(redis_url, "stream").run())


async def test_a_redis_that_wants_a_password_says_so_and_the_password_is_never_said(
    client: Redis, redis_url: str, name: str
) -> None:
    await client.execute_command("ACL", "SETUSER", name, "on", ">sesame street", "~*", "&*", "+@all")
    try:
        login = {"username": name, "start": "oldest"}
        await client.xadd(name, {"n": 1})
        with pytest.raises(FeedError) as refused:
            await anext(feed(redis_url, name, password="open barley", **login).run())
        assert "invalid username-password" in str(refused.value)
        assert "barley" not in str(refused.value)
        async with aclosing(feed(redis_url, name, password="sesame street", **login).run()) as batches:  # type: ignore[type-var]
            assert await some(batches, 1) == [("n", 1)]
    finally:
        await client.execute_command("ACL", "DELUSER", name)


async def test_it_outlives_silence_and_a_cut_and_its_siblings_hear_nothing_of_it(local_addresses: None) -> None:
    bench = Bench(limits=Limits(look=0.02, silence=1.0, silence_extra=0.5, end=1.0, retry_base=0.02))
    bench.kinds["redis"] = registry.kind("redis")
    with redis_server() as url, redis_server() as other:
        config = {"url": url, "name": "plant", "start": "oldest"}
        healthy = {**config, "url": other}
        sick = bench.runner(bench.spec("redis", config=config, cadence=0.1))
        sibling = bench.runner(bench.spec("redis", 2, config=healthy, cadence=0.1))
        async with Running(sick), Running(sibling), Redis.from_url(url) as client, Redis.from_url(other) as second:
            await client.xadd("plant", {"n": 1})
            await until(lambda: bench.values() == [1], 20)
            await until(lambda: bench.states()[-1] == "late", 20)
            assert "down" not in bench.states(), "it is silent, not broken"
            await client.client_kill_filter(_type="normal", skipme=True)
            await until(lambda: "down" in bench.states(), 20)
            assert bench.said("closed the connection")
            await client.xadd("plant", {"n": 2})
            await until(lambda: bench.values() == [1, 2], 20)
            await second.xadd("plant", {"n": 1})
            await until(lambda: bench.values(2) == [1], 20)
            assert "down" not in bench.states(2)
