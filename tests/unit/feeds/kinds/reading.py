"""Reads what a feed yields, as the tests of several kinds want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from dashboard.feeds.base import Feed, FeedBatch, FeedError


async def first(one: Feed[Any], number: int = 1) -> list[FeedBatch]:
    """Returns the first batches of a feed."""
    found: list[FeedBatch] = []
    batches: AsyncIterator[FeedBatch] = one.run()
    async with asyncio.timeout(30), aclosing(batches):  # type: ignore[type-var]
        async for batch in batches:
            found.append(batch)
            if len(found) == number:
                break
    return found


async def error(one: Feed[Any]) -> str:
    """Returns the words with which a feed fails before it has yielded anything."""
    with pytest.raises(FeedError) as caught:
        await first(one)
    return str(caught.value)


async def some(batches: AsyncIterator[FeedBatch], rows: int) -> list[tuple[str, Any]]:
    """Returns the next so many rows; refused ones are `("refused", why)`, lost ones `("lost", how many)`."""
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(30):
        while len(found) < rows:
            batch = await anext(batches)
            found += [("lost", batch.lost)] if batch.lost else []
            found += [("refused", why) for why, _ in batch.refused]
            found += list(zip(batch.keys, batch.values, strict=True))
    return found
