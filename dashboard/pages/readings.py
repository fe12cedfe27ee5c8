"""Reads from the tick log how things stand at one moment: last values, where they began, and the sources' states."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dashboard import ticklog
from dashboard.pages.board import SourceRow
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import AWAY, LogUnreachable, TickLog
from dashboard.timeseries.ring import Last

Level = Literal["fresh", "late", "stale", "empty"]
# Ticks from the beginning of the range on, among which the first value of a series is looked for.
FIRST_TICKS = 4096


@dataclass(frozen=True, slots=True)
class Freshness:
    """How much a value of a source still says: `age` in milliseconds, None when no tick has ever come."""

    level: Level
    age: int | None


@dataclass(frozen=True, slots=True)
class Readings:
    """What the log holds at `now`. `first` has the oldest value of the range for each series that has one."""

    now: int
    latest: Mapping[int, Last]
    first: Mapping[int, float]
    states: Mapping[int, SourceState]
    freshness: Mapping[int, Freshness]

    def is_starting(self, source: int) -> bool:
        state = self.states.get(source)
        return state is not None and state.state == "starting"


def judge(cadence: float, last: int | None, since: int | None, now: int) -> Freshness:
    """Judges a source by its newest tick, as docs/glossary.md has it; without any, by how long it is waited for."""
    start = since if last is None else last
    passed = 0 if start is None else max(0, now - start)
    age = None if last is None else passed
    if passed > 3000 * cadence + 2000:
        return Freshness("stale", age)
    if passed > 1500 * cadence + 1000:
        return Freshness("late", age)
    return Freshness("empty" if last is None else "fresh", age)


async def take(sources: Mapping[int, SourceRow], seconds: int) -> Readings:
    """Reads the log once for all these sources; `seconds` is the range whose first values are wanted.

    While the log cannot be read there are no values, and every source says so.
    """
    log = ticklog.current()
    now = int(time.time() * 1000)
    try:
        said = await log.states()
        lasts = dict(zip(sources, await asyncio.gather(*map(log.latest, sources)), strict=True))
        firsts = await asyncio.gather(*(_first(log, id, now - 1000 * seconds) for id in sources)) if seconds else []
    except LogUnreachable:
        return _unread(sources, now)
    states = {id: state for id, row in sources.items() if (state := said.get(id) or row.status) is not None}
    freshness = {id: _freshness(row, states.get(id), lasts[id], now) for id, row in sources.items()}
    latest = {series: last for each in lasts.values() for series, last in each.items()}
    return Readings(now, latest, {id: value for each in firsts for id, value in each.items()}, states, freshness)


def _unread(sources: Mapping[int, SourceRow], now: int) -> Readings:
    """Returns what the database alone knows: when each source had ticked, when its worker last said so."""
    lasts = {id: row.status.last if row.status else None for id, row in sources.items()}
    states = {id: SourceState("degraded", now, last, 0.0, AWAY) for id, last in lasts.items()}
    freshness = {id: Freshness("empty", None if last is None else max(0, now - last)) for id, last in lasts.items()}
    return Readings(now, {}, {}, states, freshness)


async def reach(sources: Iterable[int]) -> float:
    """Returns how many seconds the log reaches back, by the source it knows longest; 0 where it is empty or away."""
    log = ticklog.current()
    try:
        found = await asyncio.gather(*(_oldest(log, id) for id in sources))
    except LogUnreachable:
        return 0.0
    oldest = [moment for moment in found if moment is not None]
    return time.time() - min(oldest) / 1000 if oldest else 0.0


async def _oldest(log: TickLog, source: int) -> int | None:
    ticks = (await log.read(source, (await log.extent(source)).oldest - 1, 1)).ticks
    return int(ticks.times[0]) if len(ticks) else None


def _freshness(row: SourceRow, state: SourceState | None, lasts: Mapping[int, Last], now: int) -> Freshness:
    # The state is sent when it changes, so its `last` may be old; the log itself knows the newest tick.
    times = [last.time for last in lasts.values()]
    if state is not None and state.last is not None:
        times.append(state.last)
    return judge(row.cadence, max(times, default=None), None if state is None else state.since, now)


async def _first(log: TickLog, source: int, begin: int) -> dict[int, float]:
    """Returns the first value of each series since `begin`, as far as it is among the next FIRST_TICKS ticks."""
    ticks = (await log.read(source, await _before(log, source, begin), FIRST_TICKS)).ticks
    ticks = ticks.where((ticks.times >= begin) & ~np.isnan(ticks.values))
    series, places = np.unique(ticks.series, return_index=True)
    return dict(zip(series.tolist(), ticks.values[places].tolist(), strict=True))


async def _before(log: TickLog, source: int, begin: int) -> int:
    """Returns the seq after which the ticks since `begin` come, by halving; ticks come in the order of their times."""
    extent = await log.extent(source)
    low, high = extent.oldest - 1, extent.head
    while low < high:
        middle = (low + high) // 2
        ticks = (await log.read(source, middle, 1)).ticks
        if len(ticks) and ticks.times[0] < begin:
            low = middle + 1
        else:
            high = middle
    return low
