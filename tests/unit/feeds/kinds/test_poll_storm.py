"""Tests that many sources that poll one server do not do it in the same moment, and keep to their times (F68)."""

from __future__ import annotations

import asyncio
import random
import time
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from dashboard.feeds import registry
from dashboard.feeds.base import Feed
from dashboard.feeds.limits import Limits
from tests.support.unruly import Unruly
from tests.unit.feeds.cast import Bench, until

SOURCES = 200


class Storm(Bench):
    """Its chances are real ones, and the same each time."""

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"random": random.Random(68).random}

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
    supervising = storm.supervisor()
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
    # Twice what each second gets of an even spread: chance bunches some, and so does a machine that is busy.
    at_most = 2 * SOURCES / interval
    fullest = max(sum(1 for each in first if at <= each < at + 1) for at in first)
    lags = sorted(
        abs(later - earlier - interval * round((later - earlier) / interval))
        for each in asked.values()
        for earlier, later in pairwise(each)
    )
    p99 = lags[int(0.99 * len(lags))]
    print(f"starts over {first[-1] - first[0]:.1f} s, {fullest} in a second where {at_most:.0f} may be;", end=" ")
    print(f"lag p99 {1000 * p99:.0f} ms")
    assert fullest <= at_most
    assert 0.9 * interval <= first[-1] - first[0] <= interval + 5
    assert p99 <= 0.5
