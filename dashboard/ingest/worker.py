"""Runs the sources of a process: leases them, runs their feeds, and carries what they give into the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from channels.layers import BaseChannelLayer
from django.db import Error

from dashboard.feeds import queries
from dashboard.feeds.base import Inbox as FeedInbox
from dashboard.feeds.base import SeriesInfo, SeriesSpec
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits as FeedLimits
from dashboard.feeds.runner import wall_ms
from dashboard.feeds.supervisor import Supervisor
from dashboard.ingest import control
from dashboard.ingest.herald import Herald
from dashboard.ingest.inlet import Inlet
from dashboard.ingest.pipeline import Pipeline, refusal
from dashboard.models.offload import offload
from dashboard.protocol import doorbell
from dashboard.protocol.control import FEEDS, FEEDS_CHANGED
from dashboard.ticklog.base import Lease, LogDamaged, LogUnreachable, TickLog
from dashboard.ticklog.inbox import Inbox, MemoryInbox

logger = logging.getLogger(__name__)

# Seconds between two renewals of the leases, and without a renewal after which a feed stops by itself. The lease of
# another process ends later than that, so two never append at the same time.
RENEW = 2.0
GIVE_UP = 4.0
# Seconds until a renewal that failed is tried again, and that one has at least when this process stood still.
RENEW_AGAIN = 0.5
RENEW_PATIENCE = 1.0
# Seconds that the database may take to say what is to run.
LOOK_PATIENCE = 10.0
# Seconds that the last words of a worker to the database may take: its leases wait for them.
LAST_WORDS = 1.0
# Seconds until the channel layer is listened to again after an error.
LISTEN_AGAIN = 0.5
# Seconds after which the worker joins its group anew.
REJOIN = 600.0
# Seconds between two looks for sources that exist no longer and of which the log still holds something.
TIDY = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a worker works: seconds, and ticks a source and flush."""

    flush_seconds: float
    batch_ticks: int
    reconcile_seconds: float
    shards: int


class Worker:
    """One a process. Its `tasks` work until they are cancelled; `stop` then ends the feeds and flushes the rest."""

    def __init__(
        self,
        log: TickLog,
        layer: BaseChannelLayer,
        pace: Pace,
        feed_limits: FeedLimits,
        *,
        inbox: Inbox | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        # In a container the next process has the same name: what the one before left behind is not its own.
        self._owner = f"{self.name}:{secrets.token_hex(3)}"
        self._log, self._layer, self._pace, self._monotonic = log, layer, pace, monotonic
        self.herald = Herald(
            log,
            layer,
            self.name,
            self._owner,
            flush_seconds=pace.flush_seconds,
            shards=pace.shards,
            held=lambda: self.pipeline.leases,
            sure=self._sure,
            monotonic=monotonic,
        )
        self.pipeline = Pipeline(
            log,
            ring=self._ring,
            lost=self._lease_lost,
            marked=lambda source, loss: self.herald.chronicle.lost(source, loss.count, loss.why),
            flush_seconds=pace.flush_seconds,
            batch_ticks=pace.batch_ticks,
            monotonic=monotonic,
        )
        self.supervisor = Supervisor(
            sink=self.pipeline.offer,
            admit=self._admit,
            announce=self.herald.announce,
            limits=feed_limits,
            lose=self.pipeline.lose,
            inbox_of=self._inbox_of,
        )
        self._inbox = inbox or MemoryInbox(most_bytes=0)
        # The way from the inbox to the feed, of each source to which something is pushed.
        self._inlets: dict[int, Inlet] = {}
        # Sources that cannot be leased, and why.
        self._damaged: dict[int, str] = {}
        # Sources of which the log holds nothing yet.
        self._fresh: set[int] = set()
        self._look = asyncio.Event()
        self._renewed = monotonic()

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Returns what has to run, by name, for as long as the process does."""
        return {
            "worker.flush": self.pipeline.run,
            "worker.reconcile": self.keep_reconciling,
            "worker.listen": self.listen,
            "worker.hear": self.hear,
            "worker.leases": self.keep_leases,
            "worker.say": self.herald.keep_saying,
            "worker.record": self.herald.keep_recording,
            "worker.tidy": self.keep_tidying,
            "worker.chronicle": self.herald.keep_chronicling,
        }

    async def stop(self) -> None:
        """Ends the feeds, flushes what they gave, gives the leases back. For when its tasks have ended."""
        await self.supervisor.stop()
        # With the log away, the leases run out by themselves, and whoever takes the sources marks a gap.
        with contextlib.suppress(LogUnreachable):
            await self.pipeline.drain()
            await self._let_go(self._inlets)
            await self.herald.say()
            # Without them the database says within seconds that no worker has spoken of these sources since.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self.herald.record()
                    await self.herald.write_history()
            for lease in list(self.pipeline.leases.values()):
                await self._give_back(lease)
            await self._log.retire(self._owner)
            await self.herald.tell_others()

    # --- which sources run here ---

    async def reconcile(self) -> None:
        """Makes what runs here equal this worker's share of what the database says."""
        async with asyncio.timeout(LOOK_PATIENCE):
            specs = {spec.id: spec for spec in await offload(control.desired)()}
        workers = await self._log.enlist(self._owner)
        share = math.ceil(len(specs) / workers)
        await self._lease(specs, share)
        keep = [source for source in self.pipeline.leases if source in specs][:share]
        await self.supervisor.reconcile([replace(specs[it], fresh=it in self._fresh) for it in keep])
        given_up = self.pipeline.leases.keys() - set(keep)
        for source in given_up & specs.keys():
            # Another worker goes on with it at once: for the viewers it has not stopped.
            self.herald.forget(source)
        await self.pipeline.drain(given_up)
        await self._let_go(given_up)
        for source in given_up:
            lease = self.pipeline.leases.get(source)
            if lease is not None:
                await self._give_back(lease)
        if given_up:
            await self.herald.tell_others()

    async def _give_back(self, lease: Lease) -> None:
        """Lets go of a lease; one under which something waits that the log cannot take runs out by itself, and whoever
        has it next marks a gap."""
        if self.pipeline.waits(lease.source):
            self.pipeline.forfeit(lease)
            return
        self.pipeline.drop(lease.source)
        # There is none to be given back where something else has taken its place.
        with contextlib.suppress(LogDamaged):
            await self._log.release(lease)

    async def _lease(self, specs: Collection[int], share: int) -> None:
        """Takes free sources up to the share, in an order of this worker's own, so that workers rarely meet."""
        free = [source for source in specs if source not in self.pipeline.leases]
        random.shuffle(free)
        for source in free:
            if len(self.pipeline.leases) >= share:
                return
            if not self.pipeline.leases:
                self._renewed = self._monotonic()
            try:
                lease = await self._log.acquire(source, self._owner)
                fresh = lease is not None and (await self._log.extent(source)).head == 0
            except LogDamaged as error:
                self._cannot_lease(source, str(error))
                continue
            self._damaged.pop(source, None)
            if lease is None:
                continue
            self.herald.chronicle.taken(lease)
            self.pipeline.take(lease)
            health = self.supervisor.healths.get(source)
            if health is not None:
                # Its feed has gone on, and nobody else knows how it is.
                self.herald.announce(source, health)
            if fresh:
                self._fresh.add(source)

    def _cannot_lease(self, source: int, why: str) -> None:
        """Says of a source that nobody can run how it is, in the place of its feed."""
        if self._damaged.get(source) == why:
            return
        self._damaged[source] = why
        logger.warning("source=%d: it cannot be leased: %s", source, why)
        self.herald.tell(source, Health("down", wall_ms(), msg=refusal(why)))

    async def keep_reconciling(self) -> None:
        """Reconciles when told to look, and every few seconds in any case, for a message may be lost."""
        trouble = ""
        while True:
            try:
                await self.reconcile()
                trouble = ""
            except (LogUnreachable, Error, TimeoutError) as error:
                if type(error).__name__ != trouble:
                    logger.warning("what is to run here cannot be worked out now: %r", error)
                trouble = type(error).__name__
            try:
                # Not wait_for: until Python 3.12 it swallows a cancellation that comes together with the message.
                async with asyncio.timeout(self._pace.reconcile_seconds):
                    await self._look.wait()
            except TimeoutError:
                continue
            finally:
                self._look.clear()

    async def listen(self) -> None:
        """Hears the messages that say look; their content does not matter."""
        while True:
            try:
                await self._layer.receive(FEEDS)
            except Exception as error:
                # Whatever a layer raises when it is away; until it is back, the reconcile looks by itself.
                logger.debug("no messages from the channel layer: %r", error)
                await asyncio.sleep(LISTEN_AGAIN)
                continue
            self._look.set()

    async def hear(self) -> None:
        """Hears which published queries may say something else now. A feed that misses it asks by itself later."""
        while True:
            try:
                channel = await self._layer.new_channel("worker.")
                await self._layer.group_add(FEEDS_CHANGED, channel)
                # A layer's membership in a group ends after a day.
                async with asyncio.timeout(REJOIN):
                    while True:
                        message = await self._layer.receive(channel)
                        queries.changed(str(message.get("query")))
            except TimeoutError:
                # The old membership ends by itself, and until then costs a message that nobody reads.
                with contextlib.suppress(Exception):
                    await self._layer.group_discard(FEEDS_CHANGED, channel)
            except Exception as error:
                logger.debug("no messages from the channel layer: %r", error)
                await asyncio.sleep(LISTEN_AGAIN)

    async def keep_leases(self) -> None:
        """Renews the leases; without an answer for too long, stops the feeds before another worker may start them."""
        wait = RENEW
        while True:
            await asyncio.sleep(wait)
            leases = list(self.pipeline.leases.values())
            wait = RENEW
            try:
                # A process that stood still asks once before it gives up: its leases may be there yet.
                left = self._renewed + GIVE_UP - self._monotonic()
                async with asyncio.timeout(max(left, RENEW_PATIENCE)):
                    kept = await self._log.renew(leases)
            except (LogUnreachable, TimeoutError) as error:
                wait = RENEW_AGAIN
                if self._monotonic() - self._renewed < GIVE_UP:
                    continue
                if leases:
                    logger.warning("no lease could be renewed for %g s (%r); the feeds stop", GIVE_UP, error)
                kept = []
            else:
                self._renewed = self._monotonic()
                self.herald.again()
                # Not only when it looks what is to run: for that it waits for a database.
                with contextlib.suppress(LogUnreachable):
                    await self._log.enlist(self._owner)
            await self._give_up(set(leases) - set(kept))

    async def _give_up(self, leases: Collection[Lease]) -> None:
        """Ends the feeds of leases that are lost. What they gave and the log did not get is owed, as a gap."""
        if not leases:
            return
        for lease in leases:
            self.pipeline.forfeit(lease)
            # How these sources are is for their next owner to say.
            self.herald.forget(lease.source)
        running = self.supervisor.specs
        await self.supervisor.reconcile([running[source] for source in running if source in self.pipeline.leases])
        self._look.set()

    def _sure(self) -> bool:
        """Tells whether the leases are ours beyond doubt; what this worker knows may be old when they are not."""
        return self._monotonic() - self._renewed <= GIVE_UP

    def _lease_lost(self, source: int) -> None:
        self._look.set()

    # --- what feeds ask for and say ---

    def _inbox_of(self, source: int) -> FeedInbox:
        if source not in self._inlets:
            self._inlets[source] = Inlet(self._inbox, self.pipeline, source)
        return self._inlets[source].begin()

    async def _let_go(self, sources: Collection[int]) -> None:
        """Ends the ways into these sources, whose feeds have ended and whose ticks are in the log."""
        for source in [source for source in self._inlets if source in sources]:
            await self._inlets.pop(source).end()

    async def _admit(self, source: int, specs: Sequence[SeriesSpec]) -> Mapping[str, SeriesInfo]:
        return await offload(control.admit)(source, specs)

    async def keep_tidying(self) -> None:
        """Has the log let go of sources that were removed."""
        while True:
            await asyncio.sleep(TIDY)
            try:
                await self.tidy()
            except (LogUnreachable, Error) as error:
                # What is left over is in nobody's way, and those who need the two say at once that they are away.
                logger.debug("sources that were removed are still in the log: %r", error)

    async def tidy(self) -> None:
        # First the log: a source that is made meanwhile is in the database then.
        held = (await self._log.states()).keys()
        for source in held - await offload(control.existing)():
            await self._log.forget(source)

    async def _ring(self, sources: Collection[int]) -> None:
        self._fresh.difference_update(sources)
        await self.herald.ring(doorbell.rings(sources, self._pace.shards))
