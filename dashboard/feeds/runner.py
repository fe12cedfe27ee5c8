"""Runs one feed: tries it again and again, takes its batches in, and says how it is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from random import random as random_float
from typing import Any

from dashboard.feeds import registry
from dashboard.feeds.backoff import Backoff
from dashboard.feeds.base import FeedBatch, FeedError, Inbox, SourceSpec, nothing_comes
from dashboard.feeds.gate import Admit, Gate
from dashboard.feeds.health import Health, Instant, Pulse
from dashboard.feeds.intake import mismatch, parts
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import AnyFeed, BadConfig, UnknownKind
from dashboard.feeds.strays import AnyTask, Strays
from dashboard.feeds.tally import Tally
from dashboard.feeds.words import hide, plain, span
from dashboard.timeseries.tick import Ticks

logger = logging.getLogger(__name__)

# Whoever asks to be left alone for longer is asked again after so many seconds.
_LONGEST_ASKED_WAIT = 3600.0

Sink = Callable[[int, Ticks], Awaitable[None]]
Announce = Callable[[int, Health], None]
Lose = Callable[[int, int], None]
InboxOf = Callable[[int], Inbox]


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def lose_nothing(source: int, count: int) -> None:
    """For a feed that is only tried out: nobody is owed a gap."""


def inbox_of_nothing(source: int) -> Inbox:
    return nothing_comes


class Runner:
    """Runs the feed of one source until it is cancelled.

    `sink(source, ticks)` is awaited for every batch and may hold the feed back. `admit(source, specs)` makes series
    of keys that are not known and returns those that were admitted. `announce(source, health)` is called at once
    when the state changes, otherwise at most once a second. `clock` returns milliseconds since 1970 UTC, `monotonic`
    seconds. `delay` is the wait before the first run, in seconds. `lose(source, count)` is told of ticks that the feed
    knows to be lost; `inbox_of(source)` returns the inbox of a run, once for each.
    """

    def __init__(
        self,
        spec: SourceSpec,
        *,
        sink: Sink,
        admit: Admit,
        announce: Announce,
        clock: Callable[[], int] = wall_ms,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_float,
        limits: Limits | None = None,
        kind_of: Callable[[str], type[AnyFeed]] = registry.kind,
        strays: Strays | None = None,
        delay: float = 0.0,
        lose: Lose = lose_nothing,
        inbox_of: InboxOf = inbox_of_nothing,
    ) -> None:
        self.spec = spec
        self._sink = sink
        self._lose = lose
        self._inbox_of = inbox_of
        self._memory: dict[str, Any] = {}
        self._announce = announce
        self._clock = clock
        self._monotonic = monotonic
        self._limits = limits or Limits()
        self._kind_of = kind_of
        self._strays = strays or Strays()
        self._delay = delay
        self._backoff = Backoff(self._limits.retry_base, AnyFeed.retry_cap, self._limits.healthy, random)
        self._gate = Gate(spec, admit, self._limits)
        self._pulse = Pulse(spec.cadence, self._now())
        # Counts signs of life; with `_busy` (ticks are being taken in, not waited for) it tells a silent feed.
        self._beats = 0
        self._busy = False
        self._turn_from = 0.0
        # What is being carried lies before this run, and says nothing about how the source is now.
        self._past = self._told_the_past = False
        # For how long the other side asked to be left alone, in seconds.
        self._asked_wait = 0.0

    @property
    def health(self) -> Health:
        return self._pulse.health(self._now())

    def update(self, spec: SourceSpec) -> None:
        """Takes over the series of an equal spec, without a restart."""
        self.spec = spec
        self._gate.update(spec.series)

    def stop(self, why: str = "") -> None:
        """Announces that the source has stopped; called once its run has been cancelled."""
        self._pulse.stopped(why)
        self._report()

    def fell(self, why: str, wait: float) -> None:
        """Announces that the run itself has died, and is begun again after `wait` seconds."""
        now = self._now()
        self._pulse.failed(why, now.steady + int(wait * 1000), now)
        self._report()

    async def run(self) -> None:
        """Tries the feed for ever; ends only by cancellation, with the feed ended within `limits.end`."""
        self._report()
        await asyncio.sleep(self._delay)
        while True:
            retry = True
            try:
                why = await self._attempt()
            except (UnknownKind, BadConfig) as error:
                # It stays wrong until somebody changes it, and then there is a new runner.
                why, retry = plain_mistake(error), False
            await self._rest(why, retry)

    async def _attempt(self) -> str:
        """Runs the feed once and returns in plain words why that has ended."""
        self._pulse.trying(self._now())
        left = self._strays.count(self.spec.id)
        if left >= self._limits.strays:
            return f"{left} earlier runs of this feed have not ended; restart the worker"
        pump = asyncio.create_task(self._pump(), name=f"feed {self.spec.slug}")
        try:
            silence = await self._watch(pump)
        finally:
            await self._strays.end(self.spec.id, pump, self._limits.end)
        if silence:
            return f"silent for {span(round(silence, 1))}"
        if pump.cancelled():
            return "the feed cancelled itself"
        error = pump.exception()
        self._asked_wait = min(error.retry_after, _LONGEST_ASKED_WAIT) if isinstance(error, FeedError) else 0.0
        if isinstance(error, UnknownKind | BadConfig):
            raise error
        return plain(error, self.spec.secrets.values()) if error else "the feed has ended"

    async def _watch(self, pump: AnyTask) -> float:
        """Waits for the end of a run; returns for how long it was silent if it is to be ended for that, else 0."""
        limits = self._limits
        allowed = max(limits.silence, 5 * self.spec.cadence + limits.silence_extra)
        silence, beats, before = 0.0, self._beats, self._monotonic()
        while not pump.done():
            await asyncio.wait({pump}, timeout=limits.look)
            now = self._monotonic()
            if self._busy or self._beats != beats or not self._pulse.by_itself:
                silence, beats = 0.0, self._beats
            else:
                # Not more than two looks at a time: when the whole process stood still, that is not the feed's silence.
                silence += min(now - before, 2 * limits.look)
            before = now
            self._report()
            if silence > allowed and not pump.done():
                return silence
        return 0.0

    async def _pump(self) -> None:
        """Carries batches from the feed to the sink until the feed ends or raises."""
        if self.spec.trouble:
            raise BadConfig([("secrets", self.spec.trouble)])
        kind = self._kind_of(self.spec.kind)
        self._pulse.by_itself = kind.ticks_by_itself
        self._backoff.cap = kind.retry_cap
        self._turn_from = self._monotonic()
        try:
            feed = kind(registry.validated(kind, self.spec.config, self.spec.secrets))
            feed.inbox, feed.memory = self._inbox_of(self.spec.id), self._memory
            await self._gate.declare(feed.series(), self._now())
            if self.spec.fresh and not self._told_the_past:
                self._told_the_past = True
                await self._drain(feed.past(), past=True)
            await self._drain(feed.run())
        except SystemExit as error:
            raise FeedError("the feed tried to end the process") from error

    async def _drain(self, batches: AsyncIterator[FeedBatch], past: bool = False) -> None:
        self._past = past
        self._pulse.recalling(past, self._now())
        try:
            async for batch in batches:
                self._heed_cancellation()
                self._beats += 1
                self._busy = True
                await self._give_way()
                await self._take(batch)
                self._busy = False
        finally:
            self._busy = False
            close = getattr(batches, "aclose", None)
            if close is not None:
                async with asyncio.timeout(self._limits.end):
                    await close()

    async def _take(self, batch: FeedBatch) -> None:
        if not isinstance(batch, FeedBatch):
            raise TypeError(f"the feed gave {type(batch).__name__} instead of a FeedBatch")
        tally = Tally()
        for reason, example in batch.refused:
            tally.add(reason, 1, hide(example, self.spec.secrets.values()))
        self._pulse.refused(tally, self._now())
        self._gate.describe(batch.series)
        if lost := mismatch(batch):
            tally = Tally()
            tally.add("columns of unequal length", lost)
            self._pulse.refused(tally, self._now())
            return
        if batch.lost > 0:
            self._lose(self.spec.id, batch.lost)
        for part in parts(batch, self._limits.rows):
            # Before a part and never behind the last one: a feed that keeps a place notes that its ticks were taken
            # before anything can end it. Otherwise it would give them again.
            await self._give_way()
            ticks, tally = await self._gate.let_in(part, self._now())
            self._pulse.refused(tally, self._now())
            if len(ticks):
                await self._deliver(ticks)
        self._report()

    async def _deliver(self, ticks: Ticks) -> None:
        self._pulse.held = True
        try:
            async with asyncio.timeout(self._limits.sink) as deadline:
                await self._sink(self.spec.id, ticks)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise FeedError(f"the worker has taken no ticks for {span(self._limits.sink)}") from None
        finally:
            self._pulse.held = False
        self._heed_cancellation()
        if not self._past:
            self._pulse.ticked(len(ticks), int(ticks.times.max()), self._now())

    async def _give_way(self) -> None:
        """Lets the loop serve others when this feed has had its turn: one that never waits would starve them."""
        if self._monotonic() - self._turn_from > self._limits.turn:
            await asyncio.sleep(0)
            self._turn_from = self._monotonic()

    def _heed_cancellation(self) -> None:
        # A feed may swallow its cancellation and go on yielding; what it gives then belongs to nobody.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    async def _rest(self, why: str, retry: bool) -> None:
        """Stays down until the next try."""
        now = self._now()
        wait = max(self._backoff.fail(self._pulse.healthy_for(now)), self._asked_wait) if retry else float("inf")
        self._pulse.failed(why, now.steady + int(wait * 1000) if retry else None, now)
        until = self._monotonic() + wait
        while (left := until - self._monotonic()) > 0:
            self._report()
            await asyncio.sleep(min(left, self._limits.look))
        self._report()

    def _report(self) -> None:
        report = self._pulse.report(self._now())
        if report is None:
            return
        health = report.health
        if report.before is not None:
            level = logging.INFO if health.state in ("starting", "live", "stopped") else logging.WARNING
            line = "source %s: %s, was %s: %s"
            extra = {"source": self.spec.slug}
            logger.log(level, line, self.spec.slug, health.state, report.before, health.msg, extra=extra)
        try:
            self._announce(self.spec.id, health)
        except Exception:
            logger.exception("state cannot be announced", extra={"source": self.spec.slug})

    def _now(self) -> Instant:
        return Instant(self._clock(), int(self._monotonic() * 1000))


def plain_mistake(error: UnknownKind | BadConfig) -> str:
    """Returns what is to be corrected by the operator, without a promise to try again."""
    text = error.args[0] if error.args else ""
    return f"config: {text}" if isinstance(error, BadConfig) else str(text)
