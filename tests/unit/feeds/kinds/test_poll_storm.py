"""Tests that many sources that poll one server do not do it in the same moment, and keep to their times (F68)."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from aiohttp import web

from dashboard.feeds import registry
from dashboard.feeds.base import Feed
from dashboard.feeds.limits import Limits
from tests.support.unruly import Unruly
from tests.unit.feeds.cast import Bench, until

SOURCES = 200


class Storm(Bench):
    def kind_of(self, name: str) -> type[Feed[object]]:
        return registry.kind(name)


async def test_two_hundred_polls_are_spread_and_keep_to_their_schedule(
    unruly: Unruly, request: pytest.FixtureRequest
) -> None:
    interval, rounds = (10.0, 5) if request.config.getoption("--full") else (3.0, 2)
    asked: dict[str, list[float]] = {}
    loop = asyncio.get_running_loop()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.setdefault(request.path, []).append(loop.time())
        return await unruly.plainly(request)

    unruly.answer = answer
    storm = Storm(Limits(), room=SOURCES)
    storm_random = iter((number * 0.6180339887) % 1 for number in range(1, 100_000))
    supervising = storm.supervisor()
    supervising._random = lambda: next(storm_random)
    specs = [
        storm.spec("http", source, config={"url": unruly.url(f"/{source}"), "interval": interval}, cadence=interval)
        for source in range(1, SOURCES + 1)
    ]
    begun = time.monotonic()
    await supervising.reconcile(specs)
    try:
        await until(lambda: len(asked) == SOURCES and all(len(each) >= rounds for each in asked.values()), 60)
    finally:
        await supervising.stop()
    first = sorted(each[0] - begun for each in asked.values())
    # Together they would come in one second; a machine that stands still for a moment bunches some.
    fullest = max(sum(1 for each in first if at <= each < at + 1) for at in first)
    assert fullest <= 0.8 * SOURCES
    assert first[-1] <= interval + 5
    lags = sorted(
        abs(later - earlier - interval * round((later - earlier) / interval))
        for each in asked.values()
        for earlier, later in pairwise(each)
    )
    p99 = lags[int(0.99 * len(lags))]
    print(f"starts over {first[-1] - first[0]:.1f} s, at most {fullest} in a second; lag p99 {1000 * p99:.0f} ms")
    assert p99 <= 0.5
