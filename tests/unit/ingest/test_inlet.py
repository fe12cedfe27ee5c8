"""Tests that what is pushed leaves the inbox when it is in the log, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from dashboard.ingest import inlet as inlet_module
from dashboard.ingest.inlet import Inlet
from dashboard.ingest.pipeline import Pipeline
from dashboard.ticklog.inbox import MemoryInbox
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks


class Way:
    """An inbox, a log, and what lies between them."""

    def __init__(self) -> None:
        self.log, self.inbox = MemoryLog(), MemoryInbox(100_000)
        self.pipeline = Pipeline(self.log, ring=self.ring, lost=lambda source: None)
        self.inlet = Inlet(self.inbox, self.pipeline, 1)

    async def ring(self, sources: Collection[int]) -> None:
        pass

    async def lease(self) -> None:
        lease = await self.log.acquire(1, "ana")
        assert lease is not None
        self.pipeline.take(lease)

    async def put(self, *contents: bytes) -> None:
        for content in contents:
            await self.inbox.put(1, content)

    async def offer(self, count: int = 1) -> None:
        await self.pipeline.offer(1, Ticks.of([1] * count, [1] * count, [1.0] * count))

    async def waiting(self) -> list[bytes]:
        return [entry.content for entry in await self.inbox.read(1, "", 0.001)]


@pytest.fixture
async def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    for name in ("LOOK", "LOOK_SOON", "LOOK_AGAIN"):
        monkeypatch.setattr(inlet_module, name, 0.01)
    way = Way()
    await way.lease()
    return way


async def look(way: Way) -> None:
    """Asks for more, in vain: the feed waits, and meanwhile the inlet looks after what is on its way."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(way.inlet.next(), 0.1)


async def test_an_entry_leaves_the_inbox_when_it_is_in_the_log(way: Way) -> None:
    take = way.inlet.begin()
    await way.put(b"1", b"2")
    assert await take() == [b"1", b"2"]
    await way.offer(2)
    await look(way)
    assert await way.waiting() == [b"1", b"2"], "the flush has not been"
    await way.pipeline.flush()
    await look(way)
    assert await way.waiting() == []


async def test_what_a_run_did_not_offer_the_next_one_is_given(way: Way) -> None:
    await way.put(b"1")
    assert await way.inlet.begin()() == [b"1"]
    assert await way.inlet.begin()() == [b"1"]
    await way.offer()
    take = way.inlet.begin()
    await way.put(b"2")
    assert await take() == [b"2"], "it was offered by the run before"


async def test_under_a_new_lease_all_that_is_in_the_inbox_is_given_again(way: Way) -> None:
    take = way.inlet.begin()
    await way.put(b"1")
    assert await take() == [b"1"]
    await way.offer()
    way.pipeline.forfeit(way.pipeline.leases[1])
    await look(way)
    await way.lease()
    assert await take() == [b"1"]
    assert await way.waiting() == [b"1"]


async def test_what_a_feed_held_on_to_until_the_lease_was_back_is_not_given_twice(way: Way) -> None:
    take = way.inlet.begin()
    await way.put(b"1", b"2")
    assert await take() == [b"1", b"2"]
    way.pipeline.forfeit(way.pipeline.leases[1])
    await way.lease()
    await way.offer(2)
    await way.put(b"3")
    assert await take() == [b"3"]
    await way.offer()
    await way.pipeline.drain()
    await look(way)
    assert await way.waiting() == []


async def test_nothing_is_given_without_a_lease(way: Way) -> None:
    way.pipeline.drop(1)
    await way.put(b"1")
    await look(way)


async def test_at_the_end_only_what_is_in_the_log_leaves_the_inbox(way: Way) -> None:
    take = way.inlet.begin()
    await way.put(b"1")
    await take()
    await way.offer()
    await way.pipeline.drain()
    await way.put(b"2")
    assert await take() == [b"2"]
    await way.inlet.end()
    assert await way.waiting() == [b"2"]
