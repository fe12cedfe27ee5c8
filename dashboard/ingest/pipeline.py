"""Gathers the ticks of all feeds and appends them to the log, all sources in one flush, then rings the doorbell."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace

from dashboard.feeds.base import FeedError
from dashboard.feeds.runner import wall_ms
from dashboard.ticklog.base import Extent, Lease, LeaseLost, LogDamaged, LogUnreachable, TickLog
from dashboard.timeseries.tick import Ticks

logger = logging.getLogger(__name__)

# Seconds that a flush waits after the log could not be reached, at first and at most.
RETRY = (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Loss:
    """Ticks that will not come, for every viewer to be told: at least how many, why, between which times (ms)."""

    count: int
    why: str
    start: int | None
    end: int | None


def refusal(why: str) -> str:
    """Returns what is said of a source of which the log takes nothing."""
    return f"the tick log cannot take its ticks: {why}"


class Pipeline:
    """Holds one open batch a source, of at most `batch_ticks` ticks. A feed that has filled it waits for the flush, so
    a flood costs its own source time and nobody a tick.

    `ring` is told the sources that have new ticks, after the append. `lost` is told of a source whose lease has moved
    on: its ticks are no longer ours to append, the next owner's feed gives them. Whatever a feed gave and the log did
    not get becomes a gap: its next owner sees that the lease was never given back, or we say it when we are that owner.
    `marked` is told of each gap that is in the log now.

    What the log cannot take of one source, because what it keeps of that source is damaged, waits and is tried again
    with each flush; the source's feed fails with these words. The others do not notice.
    """

    def __init__(
        self,
        log: TickLog,
        *,
        ring: Callable[[Collection[int]], Awaitable[None]],
        lost: Callable[[int], None],
        marked: Callable[[int, Loss], None] = lambda source, loss: None,
        flush_seconds: float = 0.05,
        batch_ticks: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self._log, self._ring, self._lost, self._marked = log, ring, lost, marked
        self._flush_seconds, self._batch_ticks = flush_seconds, batch_ticks
        self._monotonic, self._clock = monotonic, clock
        self.leases: dict[int, Lease] = {}
        self._open: dict[int, deque[Ticks | Loss]] = {}
        self._counts: dict[int, int] = {}
        # Ticks that were offered of each source since its lease was taken.
        self._offered: dict[int, int] = {}
        # What the log was given and has not answered. A flush that is cancelled leaves it to the next one, which gives
        # it again: the log knows it if it was there already.
        self._flight: list[tuple[Lease, Ticks | Loss]] = []
        self._flushing = asyncio.Lock()
        self._flushed = asyncio.Condition()
        # When each source was last appended to, and what was lost with which lease.
        self._appended_at: dict[int, int] = {}
        self._forfeited: dict[int, tuple[Lease, Loss]] = {}
        # Sources of which the log took nothing when it was last asked, and why.
        self._damaged: dict[int, str] = {}
        self.appended = 0

    # --- leases ---

    def take(self, lease: Lease) -> None:
        """Begins to append under a lease; first comes a mark for what was lost before it."""
        source, now = lease.source, self._clock()
        before, loss = self._forfeited.pop(source, (None, None))
        if loss is None or before is None or before.token + 1 != lease.token:
            # Somebody else had the source meanwhile, and has said that something was lost before him.
            loss = None
        # Of a lease that was lost at least one tick was as well: its feed went on, or was ended before its time.
        if lease.orphaned is not None:
            loss = Loss(loss.count if loss else 1, "failover", lease.orphaned, now)
        self.leases[source] = lease
        if loss is not None:
            self._open.setdefault(source, deque()).appendleft(replace(loss, count=max(loss.count, 1), end=now))

    def forfeit(self, lease: Lease) -> None:
        """Lets go of a lease that is lost, and of what was waiting under it."""
        if self.leases.get(lease.source) != lease:
            return
        waiting = self._open.get(lease.source, ())
        self.drop(lease.source)
        self._miss(lease, waiting)

    def drop(self, source: int) -> None:
        """Forgets a source under whose lease nothing waits."""
        self.leases.pop(source, None)
        self._open.pop(source, None)
        self._counts.pop(source, None)
        self._offered.pop(source, None)
        self._damaged.pop(source, None)

    def waits(self, source: int) -> bool:
        """Tells whether something of a source is not in the log."""
        return source in self._open or any(lease.source == source for lease, _ in self._flight)

    def _miss(self, lease: Lease, items: Iterable[Ticks | Loss]) -> None:
        """Adds to what was lost with a lease."""
        count = sum(item.count if isinstance(item, Loss) else len(item) for item in items)
        newer, marks = self.leases.get(lease.source), self._open.get(lease.source)
        if newer is not None and newer.token == lease.token + 1 and marks and isinstance(marks[0], Loss):
            # The mark for it waits already, for what was on its way is answered first.
            marks[0] = replace(marks[0], count=marks[0].count + count)
            return
        before, loss = self._forfeited.get(lease.source, (lease, None))
        if loss is None or before != lease:
            loss = Loss(0, "failover", self._appended_at.get(lease.source), None)
        self._forfeited[lease.source] = (lease, replace(loss, count=loss.count + count))

    # --- ticks ---

    async def offer(self, source: int, ticks: Ticks) -> None:
        """Takes ticks of a source; waits while its batch is full.

        Without a lease it waits as well: a feed that keeps its place somewhere must not take for delivered what nobody
        appends. It is about to be ended, or goes on when the lease is here again. Raises FeedError when the log cannot
        take ticks of this source.
        """
        start = 0
        while start < len(ticks):
            if source in self._damaged:
                self.lose(source, len(ticks) - start)
                raise FeedError(refusal(self._damaged[source]))
            room = self._batch_ticks - self._counts.get(source, 0) if source in self.leases else 0
            if room <= 0:
                await self._wait_for_room(source, len(ticks) - start)
                continue
            part = ticks.cut(start, min(start + room, len(ticks)))
            start += len(part)
            self._open.setdefault(source, deque()).append(part)
            self._counts[source] = self._counts.get(source, 0) + len(part)
            self._offered[source] = self._offered.get(source, 0) + len(part)

    def offered(self, source: int) -> int:
        """Returns how many ticks of a source were taken since its lease was."""
        return self._offered.get(source, 0)

    def written(self, source: int) -> int:
        """Returns how many of these the log has answered for: they are in it, or owed as a gap."""
        flying = [item for lease, item in self._flight if lease.source == source]
        waiting = sum(len(item) for item in (*self._open.get(source, ()), *flying) if isinstance(item, Ticks))
        return self.offered(source) - waiting

    def lose(self, source: int, count: int) -> None:
        """Owes the viewers a gap for ticks that a feed could not give."""
        if source in self.leases:
            self._say_lost(source, count)

    async def _wait_for_room(self, source: int, left: int) -> None:
        """Waits for a flush. A feed that is ended meanwhile, or has waited too long, loses what it holds."""
        try:
            async with self._flushed:
                await self._flushed.wait()
        except asyncio.CancelledError:
            self.lose(source, left)
            raise

    def _say_lost(self, source: int, count: int) -> None:
        """Puts a mark at the end of what waits. Two in a row are one, so that a log that takes nothing for hours does
        not gather marks."""
        now = self._clock()
        items = self._open.setdefault(source, deque())
        loss = Loss(count, "source", self._appended_at.get(source, now), now)
        if items and isinstance(before := items[-1], Loss) and before.why == loss.why:
            items[-1] = replace(loss, count=before.count + count, start=before.start)
        else:
            items.append(loss)

    async def run(self) -> None:
        """Flushes on an absolute schedule until cancelled: load does not make it drift, a stall earns no burst."""
        due = self._monotonic()
        while True:
            due = max(due + self._flush_seconds, self._monotonic())
            await asyncio.sleep(due - self._monotonic())
            await self.flush()

    async def drain(self, sources: Collection[int] | None = None) -> None:
        """Flushes until nothing waits that the log can take, of these sources or at all."""
        while self._flight or any(it not in self._damaged for it in self._open if sources is None or it in sources):
            await self.flush()

    async def flush(self) -> None:
        """Appends everything that is waiting. While the log cannot be reached the batches stay, and the feeds wait.

        One flush at a time, so that a source's ticks keep their order. What a flush that was cancelled had under way
        comes first in the next one, as the same batches: the log appends none of them twice.
        """
        async with self._flushing:
            moved = await self._write()
            self._flight = [self._next(source) for source in list(self._open)]
            moved += await self._write()
        if moved:
            await self._ring(moved)

    def _next(self, source: int) -> tuple[Lease, Ticks | Loss]:
        """Takes from what waits: all ticks up to a loss, or the loss."""
        items = self._open[source]
        first = items.popleft()
        if isinstance(first, Ticks):
            parts = [first]
            while items and isinstance(part := items[0], Ticks):
                parts.append(part)
                items.popleft()
            first = Ticks.join(parts)
        if not items:
            del self._open[source]
        return self.leases[source], first

    async def _write(self) -> list[int]:
        """Writes what is on its way until all of it is answered; returns the sources that have moved."""
        moved: list[int] = []
        delay, most = RETRY
        away = False
        while self._flight:
            try:
                await self._write_once(moved)
            except LogUnreachable as error:
                if not away:
                    logger.warning("the tick log cannot be reached (%s); %d sources wait", error, len(self._flight))
                away = True
                await asyncio.sleep(delay)
                delay = min(delay * 2, most)
            except Exception:
                self._discard_flight()
                raise
        if away:
            logger.info("the tick log can be reached again")
        self._counts = {
            source: sum(len(item) for item in items if isinstance(item, Ticks)) for source, items in self._open.items()
        }
        async with self._flushed:
            self._flushed.notify_all()
        return moved

    def _discard_flight(self) -> None:
        """Lets go of ticks that the log cannot digest: it could not the next time either. What was lost is still to be
        said, these among it; the error goes on to the log of errors."""
        flight, self._flight = self._flight, []
        for lease, item in flight:
            if self.leases.get(lease.source) != lease:
                self._miss(lease, [item])
                continue
            if isinstance(item, Ticks):
                now = self._clock()
                item = Loss(len(item), "source", self._appended_at.get(lease.source, now), now)
            self._open.setdefault(lease.source, deque()).appendleft(item)

    async def _write_once(self, moved: list[int]) -> None:
        batches = [(lease, item) for lease, item in self._flight if isinstance(item, Ticks)]
        losses = [(lease, item) for lease, item in self._flight if isinstance(item, Loss)]
        if batches:
            extents = await self._log.append(batches)
            self._flight = list(losses)
            for (lease, ticks), extent in zip(batches, extents, strict=True):
                self._answered(lease, ticks, extent, moved)
        for lease, loss in losses:
            answer: LeaseLost | LogDamaged | None = None
            try:
                await self._log.lose(lease, loss.count, loss.why, loss.start, loss.end)
            except (LeaseLost, LogDamaged) as error:
                answer = error
            self._flight.remove((lease, loss))
            self._answered(lease, loss, answer, moved)

    def _answered(
        self, lease: Lease, item: Ticks | Loss, answer: Extent | LeaseLost | LogDamaged | None, moved: list[int]
    ) -> None:
        if isinstance(answer, LogDamaged) and self.leases.get(lease.source) == lease:
            if lease.source not in self._damaged:
                logger.warning("source=%d: the log cannot take its ticks: %s", lease.source, answer)
            self._damaged[lease.source] = str(answer)
            self._open.setdefault(lease.source, deque()).appendleft(item)
            return
        if not isinstance(answer, LeaseLost | LogDamaged):
            if self._damaged.pop(lease.source, None):
                logger.info("source=%d: the log takes its ticks again", lease.source)
            moved.append(lease.source)
            self._appended_at[lease.source] = self._clock()
            if isinstance(item, Loss):
                self._marked(lease.source, item)
            else:
                self.appended += len(item)
            return
        if self.leases.get(lease.source) == lease:
            logger.warning("source=%d: %s; its feed stops here", lease.source, answer)
            self.forfeit(lease)
            self._lost(lease.source)
        self._miss(lease, [item])
