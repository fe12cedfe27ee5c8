"""Runs the metrics of the machine that Tickwall runs on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import psutil
from pydantic import Field

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.schedule import Schedule

# The first tick comes so soon: rates need a reading before it.
_FIRST_SECONDS = 0.5


class HostConfig(FeedConfig):
    interval: float = Field(
        1.0, ge=0.2, le=60, title="Interval", description="Seconds between two readings; use it as the cadence too."
    )
    per_core: bool = Field(True, title="Each core", description="Load of each processor core, besides the total.")
    disks: bool = Field(True, title="Disks", description="Bytes read and written a second, and how full the disk is.")
    network: bool = Field(True, title="Network", description="Bytes in and out a second, all interfaces together.")
    interfaces: list[str] = Field(
        [], max_length=32, title="Interfaces", description="Network interfaces to show on their own as well, by name."
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What the machine said at a moment: counters that only grow, and levels by key of their series.

    `busy` and `total` are processor seconds, of all cores together first, then of each. `counters` are bytes.
    """

    seconds: float
    busy: Sequence[float]
    total: Sequence[float]
    counters: Mapping[str, float]
    levels: Mapping[str, float]


class HostFeed(Feed[HostConfig]):
    kind = "host"
    label = "This machine"
    Config = HostConfig

    def series(self) -> Sequence[SeriesSpec]:
        return [*_processor(self.config), *_MEMORY, *self._traffic(), *_SYSTEM]

    async def run(self) -> AsyncIterator[FeedBatch]:
        """Yields one batch a reading, from the second on."""
        before = await asyncio.to_thread(self.read)
        self._find_interfaces(before)
        await asyncio.sleep(min(_FIRST_SECONDS, self.config.interval))
        schedule = Schedule(time.monotonic() - self.config.interval, self.config.interval, patience=0)
        while True:
            await asyncio.sleep(schedule.wait(time.monotonic()))
            schedule.take(time.monotonic())
            reading = await asyncio.to_thread(self.read)
            values = difference(before, reading)
            before = reading
            yield FeedBatch(list(values), list(values.values()))

    def read(self) -> Reading:
        """Asks the machine; it may block, so it is called in a thread."""
        times = [psutil.cpu_times(), *(psutil.cpu_times(percpu=True) if self.config.per_core else ())]
        busy_and_total = [processor_seconds(each._asdict()) for each in times]
        return Reading(
            time.monotonic(),
            [busy for busy, _ in busy_and_total],
            [total for _, total in busy_and_total],
            self._counters(),
            self._levels(),
        )

    def _find_interfaces(self, reading: Reading) -> None:
        missing = [name for name in self.config.interfaces if f"net.in.{name}" not in reading.counters]
        if missing:
            there = ", ".join(sorted(psutil.net_io_counters(pernic=True)))
            raise FeedError(f"there is no network interface “{missing[0]}”; there are: {there}")

    def _traffic(self) -> list[SeriesSpec]:
        config, found = self.config, self._counters()
        specs = [SeriesSpec(key, label, "B/s", 0) for key, label in _TRAFFIC.items() if key in found]
        for name in config.interfaces:
            specs.append(SeriesSpec(f"net.in.{name}", f"Network in, {name}", "B/s", 0))
            specs.append(SeriesSpec(f"net.out.{name}", f"Network out, {name}", "B/s", 0))
        return [*specs, SeriesSpec("disk.percent", "Disk used", "%", 1)] if config.disks else specs

    def _counters(self) -> dict[str, float]:
        counters: dict[str, float] = {}
        # A container may have no disks or interfaces to tell of.
        if self.config.disks and (disk := psutil.disk_io_counters(nowrap=False)):
            counters |= {"disk.read": disk.read_bytes, "disk.write": disk.write_bytes}
        if self.config.network and (total := psutil.net_io_counters(nowrap=False)):
            counters |= {"net.in": total.bytes_recv, "net.out": total.bytes_sent}
        if self.config.interfaces:
            each = psutil.net_io_counters(pernic=True, nowrap=False)
            for name in self.config.interfaces:
                if name in each:
                    counters[f"net.in.{name}"] = each[name].bytes_recv
                    counters[f"net.out.{name}"] = each[name].bytes_sent
        return counters

    def _levels(self) -> dict[str, float]:
        memory, swap, load = psutil.virtual_memory(), psutil.swap_memory(), psutil.getloadavg()
        levels = {
            "load.1": load[0],
            "load.5": load[1],
            "load.15": load[2],
            "memory.percent": memory.percent,
            "memory.used": memory.total - memory.available,
            "swap.percent": swap.percent,
            "swap.used": swap.used,
            "processes": len(psutil.pids()),
            "uptime": time.time() - psutil.boot_time(),
        }
        if self.config.disks:
            levels["disk.percent"] = psutil.disk_usage("/").percent
        return levels


def difference(before: Reading, after: Reading) -> dict[str, float]:
    """Returns the values between two readings, by key of their series.

    A share or rate that cannot be told (no time has passed, a counter began anew) is left out rather than made up.
    """
    values: dict[str, float] = {}
    names = ["cpu", *(f"cpu.{core}" for core in range(len(after.busy) - 1))]
    for name, *seconds in zip(names, before.busy, after.busy, before.total, after.total, strict=False):
        busy, total = seconds[1] - seconds[0], seconds[3] - seconds[2]
        if total > 0:
            values[name] = min(100.0, max(0.0, 100 * busy / total))
    seconds_between = after.seconds - before.seconds
    for key, counter in after.counters.items():
        grown = counter - before.counters.get(key, counter + 1)
        if grown >= 0 and seconds_between > 0:
            values[key] = grown / seconds_between
    return values | dict(after.levels)


def processor_seconds(times: Mapping[str, float]) -> tuple[float, float]:
    """Returns the busy and all seconds of a processor; time as a guest is counted in `user` and `nice` already."""
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - times["idle"] - times.get("iowait", 0.0), total


def _processor(config: HostConfig) -> list[SeriesSpec]:
    cores = psutil.cpu_count() or 1
    return [
        SeriesSpec("cpu", "CPU", "%", 1),
        *(SeriesSpec(f"cpu.{core}", f"CPU core {core}", "%", 1) for core in range(cores) if config.per_core),
        *(SeriesSpec(f"load.{minutes}", f"Load, {minutes} min", "", 2) for minutes in (1, 5, 15)),
    ]


_MEMORY = (
    SeriesSpec("memory.percent", "Memory used", "%", 1),
    SeriesSpec("memory.used", "Memory used", "B", 0),
    SeriesSpec("swap.percent", "Swap used", "%", 1),
    SeriesSpec("swap.used", "Swap used", "B", 0),
)
_TRAFFIC = {
    "disk.read": "Disk read",
    "disk.write": "Disk write",
    "net.in": "Network in",
    "net.out": "Network out",
}
_SYSTEM = (
    SeriesSpec("processes", "Processes", "", 0),
    SeriesSpec("uptime", "Uptime", "s", 0),
)
