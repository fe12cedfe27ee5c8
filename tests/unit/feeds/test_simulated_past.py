"""Tests the past with which a simulated market fills an empty log."""

from __future__ import annotations

import time

import pytest

from dashboard.feeds.kinds import simulated
from dashboard.feeds.kinds.simulated import SimulatedConfig, SimulatedFeed


async def test_the_past_has_the_rate_of_the_present_and_ends_now() -> None:
    feed = SimulatedFeed(SimulatedConfig(symbols=5, rate=4, history=60))
    now = time.time() * 1000
    times: list[int] = []
    async for batch in feed.past():
        assert batch.times is not None
        times += [int(moment) for moment in batch.times]
    assert abs(len(times) - 5 * 4 * 60) <= 5 * 4 * 6
    assert abs(times[0] - (now - 60_000)) < 2000
    assert abs(times[-1] - now) < 6000


async def test_the_present_goes_on_where_the_past_ended() -> None:
    feed = SimulatedFeed(SimulatedConfig(symbols=3, rate=10, history=30, volatility=0))
    last: dict[str, float] = {}
    async for batch in feed.past():
        last |= dict(zip(batch.keys, map(float, batch.values), strict=True))
    running = feed.run()
    batch = await anext(running)
    await running.aclose()  # type: ignore[attr-defined]
    assert batch.times is not None
    assert abs(int(batch.times[0]) - time.time() * 1000) < 1000
    for key, value in zip(batch.keys, batch.values, strict=True):
        assert abs(float(value) / last[key] - 1) < 0.02


async def test_a_past_that_takes_its_time_still_ends_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is slow to take it must not leave a hole before the present, in which nothing was silent."""
    feed = SimulatedFeed(SimulatedConfig(symbols=3, rate=10, history=30))
    busy = 0.0
    wall, steady = time.time, time.monotonic
    monkeypatch.setattr(simulated.time, "time", lambda: wall() + busy)
    monkeypatch.setattr(simulated.time, "monotonic", lambda: steady() + busy)
    newest = 0
    async for batch in feed.past():
        assert batch.times is not None
        newest = int(batch.times[-1])
        busy = min(busy + 5, 20.0)
    assert abs(newest - (wall() + busy) * 1000) < 6000


async def test_without_history_there_is_no_past() -> None:
    assert [batch async for batch in SimulatedFeed(SimulatedConfig(symbols=3)).past()] == []
