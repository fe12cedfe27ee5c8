"""Makes the running feeds equal the sources that are meant to run."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from random import random as random_float

from dashboard.feeds import registry
from dashboard.feeds.backoff import Backoff
from dashboard.feeds.base import SourceSpec
from dashboard.feeds.gate import Admit
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import AnyFeed
from dashboard.feeds.runner import (
    Announce,
    InboxOf,
    Lose,
    Runner,
    Sink,
    inbox_of_nothing,
    lose_nothing,
    wall_ms,
)
from dashboard.feeds.strays import AnyTask, Strays
from dashboard.feeds.words import plain

logger = logging.getLogger(__name__)

# Seconds that starts are apart on average when many sources start together.
_START_GAP = 0.05
# A source that ticks every second or faster starts within so many seconds.
_FAST_START = 0.5
_REVIVAL_CAP = 10.0


class Supervisor:
    """Holds one task per source and keeps it alive.

    The callables are those of Runner. All methods are called in the event loop; calls may overlap.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        admit: Admit,
        announce: Announce,
        clock: Callable[[], int] = wall_ms,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_float,
        limits: Limits | None = None,
        kind_of: Callable[[str], type[AnyFeed]] = registry.kind,
        lose: Lose = lose_nothing,
        inbox_of: InboxOf = inbox_of_nothing,
    ) -> None:
        self._sink = sink
        self._lose = lose
        self._inbox_of = inbox_of
        self._admit = admit
        self._announce = announce
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._limits = limits or Limits()
        self._kind_of = kind_of
        self._strays = Strays()
        self._lock = asyncio.Lock()
        self._desired: dict[int, SourceSpec] = {}
        self._running: dict[int, _Running] = {}
        self._stopped = False

    @property
    def specs(self) -> Mapping[int, SourceSpec]:
        """What is running, by source."""
        return {source: running.runner.spec for source, running in self._running.items()}

    @property
    def healths(self) -> Mapping[int, Health]:
        """How each running source is now."""
        return {source: running.runner.health for source, running in self._running.items()}

    async def reconcile(self, specs: Iterable[SourceSpec]) -> None:
        """Starts what is new, stops what is gone, restarts what has changed, updates the series of the rest.

        Calls are served one after another, and each serves the newest wish: of a hundred rapid ones the last wins,
        and those in between cost nothing. A source that is gone is announced as stopped.
        """
        self._desired = {spec.id: spec for spec in specs}
        async with self._lock:
            await self._make_so(self._desired)

    async def stop(self) -> None:
        """Ends all feeds within 2 s and announces them as stopped; nothing is started afterwards."""
        self._stopped = True
        # Not after a reconcile that is under way but beside it: that one ends its feeds and starts none.
        await self._end(list(self._running), why="the worker has stopped", announced=True)
        async with self._lock:
            pass

    async def _make_so(self, desired: Mapping[int, SourceSpec]) -> None:
        running = self.specs
        gone = running.keys() - desired.keys()
        changed = {source for source in running.keys() & desired.keys() if running[source] != desired[source]}
        await asyncio.gather(self._end(gone, announced=True), self._end(changed))
        if self._stopped:
            return
        for source in (running.keys() & desired.keys()) - changed:
            self._update(desired[source])
        new = desired.keys() - running.keys()
        for source in changed:
            self._start(desired[source], 0.0)
        for source in new:
            self._start(desired[source], self._spread(desired[source], len(new)))

    def _spread(self, spec: SourceSpec, starting: int) -> float:
        """Returns a wait that keeps sources which start together from polling together; none for a single one."""
        most = spec.cadence if spec.cadence > 1 else _FAST_START
        return self._random() * min(most, _START_GAP * (starting - 1))

    def _update(self, spec: SourceSpec) -> None:
        try:
            self._running[spec.id].runner.update(spec)
        except Exception:
            logger.exception("series cannot be updated", extra={"source": spec.slug})

    def _start(self, spec: SourceSpec, delay: float) -> None:
        try:
            runner = self._runner(spec, delay)
        except Exception as error:
            # What the database holds of this source is broken; the others have to run all the same.
            logger.exception("source cannot be started", extra={"source": spec.slug})
            self._announce(spec.id, Health("down", self._clock(), msg=plain(error)))
            return
        self._running[spec.id] = _Running(runner, Backoff(0.5, _REVIVAL_CAP, self._limits.healthy, self._random))

    def _runner(self, spec: SourceSpec, delay: float) -> Runner:
        return Runner(
            spec,
            sink=self._sink,
            admit=self._admit,
            announce=self._announce,
            clock=self._clock,
            monotonic=self._monotonic,
            random=self._random,
            limits=self._limits,
            kind_of=self._kind_of,
            strays=self._strays,
            delay=delay,
            lose=self._lose,
            inbox_of=self._inbox_of,
        )

    async def _end(self, sources: Collection[int], *, why: str = "", announced: bool = False) -> None:
        ending = [self._running.pop(source) for source in sources if source in self._running]
        await asyncio.gather(*(running.end(self._strays, self._limits.end + 0.3) for running in ending))
        if announced:
            for running in ending:
                running.runner.stop(why)


class _Running:
    """A runner and the task that runs it, which is renewed if it dies of whatever."""

    def __init__(self, runner: Runner, backoff: Backoff) -> None:
        self.runner = runner
        self._backoff = backoff
        self._ending = False
        self._revival: asyncio.TimerHandle | None = None
        self._go()

    async def end(self, strays: Strays, seconds: float) -> None:
        self._ending = True
        if self._revival is not None:
            self._revival.cancel()
        self._task.cancel()
        # A runner ends its feed, or leaves it behind, within less than that.
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            strays.keep(self.runner.spec.id, self._task)

    def _go(self) -> None:
        loop = asyncio.get_running_loop()
        self._begun = loop.time()
        self._task: AnyTask = loop.create_task(self.runner.run(), name=f"source {self.runner.spec.slug}")
        self._task.add_done_callback(self._died)

    def _died(self, task: AnyTask) -> None:
        error = None if task.cancelled() else task.exception()
        if self._ending:
            return
        why = plain(error) if error else "cancelled from outside"
        loop = asyncio.get_running_loop()
        wait = self._backoff.fail(loop.time() - self._begun)
        logger.error("source %s: its runner died: %s", self.runner.spec.slug, why, exc_info=error)
        self.runner.fell(f"its runner died: {why}", wait)
        self._revival = loop.call_later(wait, self._go)
