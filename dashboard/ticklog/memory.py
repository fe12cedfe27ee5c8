"""Holds the tick log of a single process in its memory."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import Extent, Lease, LeaseLost, Page, Standing, TickLog
from dashboard.timeseries.ring import Last, Ring
from dashboard.timeseries.tick import Ticks


class MemoryLog(TickLog):
    """The embedded default. A restart of the process begins a new epoch, which viewers see as a marked gap.

    Everything happens on the event loop's thread; no method waits for anything. The rings that it hands out are
    its own, so a reader copies nothing.
    """

    def __init__(self, *, seconds: float = 900, ticks: int = 1_000_000, clock: Callable[[], float] = time.time) -> None:
        self._seconds, self._ticks, self._clock = seconds, ticks, clock
        self._epoch = secrets.token_urlsafe(6)
        self._rings: dict[int, Ring] = {}
        self._leases: dict[int, Lease] = {}
        self._token = 0
        self._lost: Counter[int] = Counter()
        self._states: dict[int, SourceState] = {}

    async def acquire(self, source: int, owner: str) -> Lease | None:
        held = self._leases.get(source)
        if held is not None and held.owner != owner:
            return None
        self._token += 1
        lease = self._leases[source] = Lease(source, self._token, owner)
        return lease

    async def enlist(self, worker: str) -> int:
        """There is one: the one in this process."""
        return 1

    async def retire(self, worker: str) -> None:
        pass

    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        return [lease for lease in leases if self._leases.get(lease.source) == lease]

    async def release(self, lease: Lease) -> None:
        if self._leases.get(lease.source) == lease:
            del self._leases[lease.source]

    async def append(self, batches: Sequence[tuple[Lease, Ticks]]) -> Sequence[Extent | LeaseLost]:
        now = int(self._clock() * 1000)
        results: list[Extent | LeaseLost] = []
        for lease, ticks in batches:
            if self._leases.get(lease.source) != lease:
                results.append(LeaseLost(f"source {lease.source}: token {lease.token} is no longer the lease"))
                continue
            ring = self.ring(lease.source)
            ring.append(ticks, now)
            results.append(_extent(ring))
        return results

    async def lose(self, lease: Lease, count: int, why: str, start: int | None, end: int | None) -> None:
        if self._leases.get(lease.source) != lease:
            raise LeaseLost(f"source {lease.source}: token {lease.token} is no longer the lease")
        self.ring(lease.source).lose(count, why, start, end, int(self._clock() * 1000))
        self._lost[lease.source] += count

    async def extent(self, source: int) -> Extent:
        return _extent(self.ring(source))

    async def standings(self, sources: Sequence[int]) -> Mapping[int, Standing]:
        owners = {source: lease.owner for source, lease in self._leases.items()}
        return {it: Standing(_extent(self.ring(it)), owners.get(it), self._lost[it]) for it in sources}

    async def read(self, source: int, after: int, limit: int) -> Page:
        ring = self.ring(source)
        a = max(after + 1, ring.oldest)
        b = max(min(a + limit - 1, ring.head), a - 1)
        ticks = ring.slice(a, b) if b >= a else Ticks.empty()
        return Page(_extent(ring), a, b, ticks)

    async def latest(self, source: int) -> Mapping[int, Last]:
        return self.ring(source).last

    def ring(self, source: int) -> Ring:
        if source not in self._rings:
            self._rings[source] = Ring(self._epoch, ticks=self._ticks, seconds=self._seconds)
        return self._rings[source]

    async def refresh(self, sources: Iterable[int]) -> None:
        """Lets the age limit pass over sources that have gone silent; there is nothing to fetch."""
        now = int(self._clock() * 1000)
        for source in sources:
            self.ring(source).trim(now)

    async def publish(self, states: Mapping[int, SourceState], worker: str) -> None:
        """The worker lives in this process: whoever can read this knows that he is there."""
        self._states.update(states)

    async def close(self) -> None:
        """Nothing is open."""

    async def states(self) -> Mapping[int, SourceState]:
        return self._states

    async def forget(self, source: int) -> None:
        for held in (self._rings, self._leases, self._states):
            held.pop(source, None)


def _extent(ring: Ring) -> Extent:
    return Extent(ring.epoch, ring.oldest, ring.head)
