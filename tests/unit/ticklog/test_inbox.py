"""Tests what every inbox promises (dashboard/ticklog/inbox.py), each test against each inbox."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from dashboard.ticklog import inbox as inbox_module
from dashboard.ticklog.base import LogUnreachable
from dashboard.ticklog.inbox import ENTRY_BYTES, Inbox, InboxFull, MemoryInbox, PutBefore
from dashboard.ticklog.redis_inbox import RedisInbox
from tests.support.services import free_port

ROOM = 3 * (ENTRY_BYTES + 1)


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], Inbox]]:
    prefix = f"test-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:

        def build() -> Inbox:
            inbox: Inbox
            if request.param == "memory":
                inbox = MemoryInbox(ROOM)
            else:
                inbox = RedisInbox(request.getfixturevalue("redis_url"), ROOM, prefix=prefix)
            stack.push_async_callback(inbox.close)
            return inbox

        yield build


async def contents(inbox: Inbox, after: str = "", source: int = 1) -> list[bytes]:
    return [entry.content for entry in await inbox.read(source, after, 0.01)]


async def test_entries_come_in_the_order_in_which_they_were_put(make: Callable[[], Inbox]) -> None:
    inbox = make()
    for content in (b"1", b"2", b"3"):
        await inbox.put(1, content)
    entries = await inbox.read(1, "", 1)
    assert [entry.content for entry in entries] == [b"1", b"2", b"3"]
    assert await contents(inbox, entries[0].id) == [b"2", b"3"]
    assert await contents(inbox, entries[2].id) == []


async def test_each_source_has_an_inbox_of_its_own(make: Callable[[], Inbox]) -> None:
    inbox = make()
    await inbox.put(1, b"1")
    assert await contents(inbox, source=2) == []


async def test_an_entry_stays_until_it_is_removed(make: Callable[[], Inbox]) -> None:
    inbox = make()
    for content in (b"1", b"2"):
        await inbox.put(1, content)
    assert await contents(inbox) == await contents(inbox) == [b"1", b"2"]
    await inbox.remove(1, (await inbox.read(1, "", 1))[0].id)
    assert await contents(inbox) == [b"2"]


async def test_a_full_inbox_takes_nothing_until_there_is_room(make: Callable[[], Inbox]) -> None:
    inbox = make()
    for content in (b"1", b"2", b"3"):
        await inbox.put(1, content)
    for _ in range(2):
        with pytest.raises(InboxFull):
            await inbox.put(1, b"4", once="4")
    await inbox.put(2, b"other sources have room")
    await inbox.remove(1, (await inbox.read(1, "", 1))[0].id)
    await inbox.put(1, b"4", once="4")
    assert await contents(inbox) == [b"2", b"3", b"4"]
    await inbox.remove(1, (await inbox.read(1, "", 1))[-1].id)
    for content in (b"5", b"6", b"7"):
        await inbox.put(1, content)


async def test_what_must_come_once_comes_once(make: Callable[[], Inbox]) -> None:
    inbox = make()
    await inbox.put(1, b"1", once="a")
    with pytest.raises(PutBefore):
        await inbox.put(1, b"2", once="a")
    await inbox.put(2, b"2", once="a")
    await inbox.put(1, b"3", once="b")
    assert await contents(inbox) == [b"1", b"3"]


async def test_whoever_waits_is_woken(make: Callable[[], Inbox]) -> None:
    inbox = make()
    waiting = asyncio.create_task(inbox.read(1, "", 30 if isinstance(inbox, MemoryInbox) else 2))
    await asyncio.sleep(0.05)
    await inbox.put(1, b"1")
    assert [entry.content for entry in await asyncio.wait_for(waiting, 10)] == [b"1"]


async def test_what_is_in_redis_is_there_for_the_next_process(redis_url: str) -> None:
    prefix = f"test-{secrets.token_hex(4)}"
    first, second = (RedisInbox(redis_url, ROOM, prefix=prefix) for _ in range(2))
    await first.put(1, b"1", once="a")
    await first.close()
    assert await contents(second) == [b"1"]
    with pytest.raises(PutBefore):
        await second.put(1, b"1", once="a")
    await second.close()


async def test_a_redis_that_is_away_is_said_to_be() -> None:
    inbox = RedisInbox(f"redis://127.0.0.1:{free_port()}/0", ROOM)
    with pytest.raises(LogUnreachable):
        await inbox.put(1, b"1")
    with pytest.raises(LogUnreachable):
        await inbox.read(1, "", 0.1)
    await inbox.close()


async def test_names_are_remembered_for_ten_minutes_and_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    inbox = MemoryInbox(10_000, lambda: now[0])
    monkeypatch.setattr(inbox_module, "ONCE_NAMES", 2)
    await inbox.put(1, b"1", once="a")
    await inbox.put(1, b"1", once="b")
    with pytest.raises(InboxFull):
        await inbox.put(1, b"1", once="c")
    now[0] = 599.0
    with pytest.raises(PutBefore):
        await inbox.put(1, b"1", once="a")
    now[0] = 601.0
    await inbox.put(1, b"1", once="a")
