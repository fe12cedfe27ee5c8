from __future__ import annotations

import asyncio
import time
from math import isfinite
from typing import Any

import psutil
import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.kinds.host import HostConfig, HostFeed, Reading, difference, processor_seconds
from dashboard.feeds.registry import BadConfig, validated


def feed(**fields: Any) -> HostFeed:
    return HostFeed(HostConfig.model_validate(fields))


def keys(**fields: Any) -> set[str]:
    return {spec.key for spec in feed(**fields).series()}


async def first(number: int, **fields: Any) -> list[dict[str, float]]:
    found: list[FeedBatch] = []
    async with asyncio.timeout(5):
        async for batch in feed(**fields).run():
            found.append(batch)
            if len(found) == number:
                break
    return [dict(zip(batch.keys, batch.values, strict=True)) for batch in found]  # type: ignore[arg-type]


async def test_it_really_ticks_and_soon() -> None:
    began = time.monotonic()
    one, two = await first(2, interval=0.2)
    assert time.monotonic() - began < 2
    for values in (one, two):
        assert all(isfinite(value) for value in values.values())
        assert 0 <= values["cpu"] <= 100
        assert 0 < values["memory.used"] < psutil.virtual_memory().total
        assert values["processes"] >= 1
    assert two["uptime"] > one["uptime"] > 0


async def test_every_series_is_declared_and_every_declared_series_ticks() -> None:
    [values] = await first(1, interval=0.2, interfaces=["lo"])
    assert values.keys() == keys(interfaces=["lo"])
    assert {f"cpu.{core}" for core in range(psutil.cpu_count() or 1)} <= values.keys()


async def test_work_shows_in_the_cpu() -> None:
    batches = feed(interval=0.2).run()
    async with asyncio.timeout(5):
        await anext(batches)
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            sum(range(1000))
        batch = await anext(batches)
    busy = dict(zip(batch.keys, batch.values, strict=True))
    assert float(busy["cpu"]) > 100 / (psutil.cpu_count() or 1) * 0.4


def test_parts_can_be_left_out() -> None:
    bare = keys(per_core=False, disks=False, network=False)
    assert bare == {
        *("cpu", "load.1", "load.5", "load.15", "memory.percent", "memory.used"),
        *("swap.percent", "swap.used", "processes", "uptime"),
    }


async def test_an_interface_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(FeedError, match=r"there is no network interface “tok9”; there are: .*lo"):
        await first(1, interfaces=["tok9"])


def reading(seconds: float, busy: float = 0.0, total: float = 1.0, **counters: float) -> Reading:
    return Reading(seconds, [busy], [total], counters, {})


def test_rates_are_differences_over_time() -> None:
    values = difference(reading(10, 5, 100, read=1000.0), reading(12, 6, 104, read=5000.0))
    assert values == {"cpu": 25.0, "read": 2000.0}


def test_what_cannot_be_told_is_left_out() -> None:
    # A counter that began anew, one that was not there before, and a processor whose clock stood still.
    assert difference(reading(10, 5, 100, read=1000.0), reading(12, 5, 100, read=3.0, new=7.0)) == {}
    assert difference(reading(10, 5, 100, read=1.0), reading(10, 6, 104, read=2.0)) == {"cpu": 25.0}


@pytest.mark.parametrize("interval", [0.1, 61, "often"])
def test_an_interval_out_of_range_is_refused(interval: Any) -> None:
    with pytest.raises(BadConfig) as caught:
        validated(registry.kind("host"), {"interval": interval})
    assert [field for field, _ in caught.value.fields] == ["interval"]


def test_waiting_for_a_disk_is_not_work_and_guests_count_once() -> None:
    times = {"user": 30.0, "system": 10.0, "idle": 50.0, "iowait": 10.0, "guest": 5.0, "guest_nice": 1.0}
    busy, total = processor_seconds({**times, "nice": 6.0})
    assert (busy, total) == (46.0, 106.0)
    assert processor_seconds({"user": 1.0, "idle": 3.0}) == (1.0, 4.0)
