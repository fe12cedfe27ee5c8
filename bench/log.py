"""What does the log in Redis cost? Bytes a tick, and CPU of the asker and of Redis per append, doorbell and look."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import redis
from channels_redis.core import RedisChannelLayer

from dashboard.protocol import doorbell
from dashboard.ticklog.base import Extent, Lease
from dashboard.ticklog.redis import RedisLog
from dashboard.timeseries.tick import Ticks
from tests.support.services import redis_server

SOURCES = 20
SERIES = 5
BATCHES = (1, 5, 50, 500)
FLUSHES = 100
ROUNDS = 3
# Hubs that look after each of some flushes.
HUBS = 20
LOOKS = 10


def ticks(count: int, at: int) -> Ticks:
    """Returns ticks as a market gives them: prices with two decimals, with a volume."""
    dice = np.random.default_rng(at)
    return Ticks(
        (np.arange(count) % SERIES + 1).astype(np.uint32),
        np.full(count, at, np.int64) + np.arange(count),
        np.round(dice.uniform(10, 500, count), 2),
        np.round(dice.uniform(1, 900, count)),
    )


class Meter:
    """CPU seconds of this process and of Redis while something is done."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def _redis(self) -> float:
        cpu: Any = self._client.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    async def per(self, count: int, work: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
        """Returns microseconds here and in Redis for each of `count`."""
        there, here = self._redis(), time.process_time()
        await work()
        here, there = time.process_time() - here, self._redis() - there
        return here / count * 1e6, there / count * 1e6


def median(pairs: list[tuple[float, float]]) -> str:
    here, there = (statistics.median(column) for column in zip(*pairs, strict=True))
    return f"{here:.1f} | {there:.1f}"


async def appends(url: str, client: redis.Redis, meter: Meter, batch: int) -> None:
    """Flushes of all sources at once, as the worker does, and hubs that look after each."""
    client.flushall()
    writer, hubs = RedisLog(url), [RedisLog(url) for _ in range(HUBS)]
    leases = [await _held(writer, source) for source in range(1, SOURCES + 1)]
    at = int(time.time() * 1000)
    # Made beforehand: what is measured is the log.
    turns = [ticks(batch, at + turn * 50) for turn in range(FLUSHES)]

    async def write() -> None:
        for turn in turns:
            await flush(turn)

    async def flush(turn: Ticks) -> None:
        answers = await writer.append([(lease, turn) for lease in leases])
        assert all(isinstance(answer, Extent) for answer in answers), answers

    async def look() -> None:
        for hub in hubs:
            await hub.refresh(range(1, SOURCES + 1))

    # First the looks: a hub that comes later reads the whole log.
    await look()
    looks = []
    for turn in turns[:LOOKS]:
        await writer.renew(leases)
        await flush(turn)
        looks.append(await meter.per(HUBS * SOURCES, look))
    written = []
    for _ in range(ROUNDS):
        await writer.renew(leases)
        written.append(await meter.per(FLUSHES * SOURCES, write))
    size = sum(client.memory_usage(key, samples=0) or 0 for key in client.scan_iter("tickwall:{*}:*"))
    size /= (LOOKS + ROUNDS * FLUSHES) * SOURCES * batch
    print(f"| {batch} | {size:.1f} | {median(written)} | {median(looks)} |", flush=True)
    for log in (writer, *hubs):
        await log.close()


async def _held(log: RedisLog, source: int) -> Lease:
    lease = await log.acquire(source, "bench")
    assert lease is not None
    return lease


async def doorbells(url: str, meter: Meter, hubs: int) -> None:
    """Rings with 20 sources to some hubs, each of which hears every bell."""
    config: dict[str, Any] = {"hosts": [{"address": url, "socket_timeout": 15}], "capacity": 1000}
    ringer, layers = RedisChannelLayer(**config), [RedisChannelLayer(**config) for _ in range(hubs)]
    channels = [await layer.new_channel("hub.") for layer in layers]
    for layer, channel in zip(layers, channels, strict=True):
        await layer.group_add("ticks.0", channel)
    (bell,) = doorbell.rings(range(SOURCES), 1).values()

    async def ring() -> None:
        for _ in range(FLUSHES):
            await ringer.group_send("ticks.0", dict(bell))
            for layer, channel in zip(layers, channels, strict=True):
                await layer.receive(channel)

    found = [await meter.per(FLUSHES, ring) for _ in range(ROUNDS)]
    print(f"| {hubs} | {median(found)} |", flush=True)
    for layer in (ringer, *layers):
        await layer.close_pools()


async def leases(url: str, client: redis.Redis, meter: Meter) -> None:
    client.flushall()
    log = RedisLog(url)
    held = [await _held(log, source) for source in range(1, SOURCES + 1)]

    async def renew() -> None:
        for _ in range(FLUSHES):
            await log.renew(held)

    found = [await meter.per(FLUSHES * SOURCES, renew) for _ in range(ROUNDS)]
    print(f"| {median(found)} |", flush=True)
    await log.close()


async def measure() -> None:
    with redis_server() as url, redis.Redis.from_url(url) as client:
        meter = Meter(client)
        print(f"{SOURCES} sources of {SERIES} series; one append a source and flush; CPU in microseconds\n")
        print("| ticks an append | bytes a tick in Redis | append: worker | Redis | look a source: hub | Redis |")
        print("|---|---|---|---|---|---|")
        for batch in BATCHES:
            await appends(url, client, meter, batch)
        print("\n| hubs | doorbell: worker and hubs | Redis |\n|---|---|---|")
        for hubs in (1, 2, 4):
            await doorbells(url, meter, hubs)
        print("\n| renewal of a lease: worker | Redis |\n|---|---|")
        await leases(url, client, meter)


def main() -> None:
    asyncio.run(measure())
