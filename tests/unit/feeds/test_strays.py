from __future__ import annotations

import asyncio

import pytest

from dashboard.feeds.strays import Strays


async def stubborn(times: int) -> None:
    """Swallows its cancellation so many times."""
    for _ in range(times):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


async def test_an_ordinary_task_ends_at_once() -> None:
    strays, task = Strays(), asyncio.create_task(asyncio.sleep(3600))
    assert await strays.end(1, task, 1.0)
    assert strays.count(1) == 0


async def test_a_task_that_swallows_one_cancellation_gets_a_second() -> None:
    strays, task = Strays(), asyncio.create_task(stubborn(1))
    await asyncio.sleep(0)
    assert await strays.end(1, task, 0.1)
    assert strays.count(1) == 0


async def test_a_task_that_will_not_end_is_left_behind_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    strays, task = Strays(), asyncio.create_task(stubborn(3), name="feed mule")
    await asyncio.sleep(0)
    async with asyncio.timeout(1.0):
        assert not await strays.end(1, task, 0.1)
    assert (strays.count(1), strays.count(2)) == (1, 0)
    assert "left behind a feed that does not end: feed mule" in caplog.text
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    await asyncio.sleep(0)
    assert strays.count(1) == 0


async def test_a_task_that_fails_while_ending_disturbs_nobody() -> None:
    async def fails() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("on the way out")

    strays, task = Strays(), asyncio.create_task(fails())
    await asyncio.sleep(0)
    assert await strays.end(1, task, 1.0)
