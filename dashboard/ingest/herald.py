"""Says how the sources of a worker are: to viewers at once, to the database once a second, and in their history."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from channels.layers import BaseChannelLayer
from django.db import Error

from dashboard.feeds.health import Health
from dashboard.ingest import control
from dashboard.ingest.chronicle import Chronicle
from dashboard.models.event import SourceEvent
from dashboard.models.offload import offload
from dashboard.protocol import doorbell
from dashboard.protocol.control import FEEDS, LIVE_CONTROL, feeds_look, live_history
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import LogUnreachable, TickLog

logger = logging.getLogger(__name__)

# Seconds that ringing may take before the next flush matters more.
RING_PATIENCE = 1.0
# Seconds that the database may take to write history; what it does not take waits, bounded.
WRITE_PATIENCE = 5.0
# Seconds between two writes of the states to the database, and after which states that have not changed are said to
# hold still.
RECORD = 1.0
VOUCH = 5.0


class Herald:
    """One a worker. `announce` notes; its three `keep_…` say it, for as long as `sure` tells that the leases are ours
    beyond doubt: what a worker knows may be old when they are not. `held` returns the sources that are."""

    def __init__(
        self,
        log: TickLog,
        layer: BaseChannelLayer,
        name: str,
        owner: str,
        *,
        flush_seconds: float,
        shards: int,
        held: Callable[[], Collection[int]],
        sure: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._layer, self._name, self._owner = log, layer, name, owner
        self._flush_seconds, self._shards = flush_seconds, shards
        self._held, self._sure, self._monotonic = held, sure, monotonic
        self.chronicle = Chronicle(name)
        # What is to be said of which source: to viewers at once, to the database once a second.
        self._unsaid: dict[int, Health] = {}
        self._unrecorded: dict[int, Health] = {}
        self._said = asyncio.Event()
        # The database does not take history; said once in the log.
        self._history_waits = False
        # The channel layer does not take messages; said once in the log.
        self._silent = False

    def announce(self, source: int, health: Health) -> None:
        """Notes how a source is, for viewers, database and history; not of one that is somebody else's by now."""
        if source in self._held():
            self.chronicle.stands(source, health)
            self.tell(source, health)

    def tell(self, source: int, health: Health) -> None:
        """Notes how a source is, for viewers and database: also of one that nobody can hold."""
        self._unsaid[source] = self._unrecorded[source] = health
        self._said.set()

    def forget(self, source: int) -> None:
        """Says no more of a source: how it is is for its next owner to say."""
        self._unsaid.pop(source, None)
        self._unrecorded.pop(source, None)

    def again(self) -> None:
        """Says what could not be said so far."""
        if self._unsaid:
            self._said.set()

    async def keep_saying(self) -> None:
        """Makes states known to the viewers as they change, a flush's worth at a time."""
        while True:
            await self._said.wait()
            self._said.clear()
            await self.say()
            await asyncio.sleep(self._flush_seconds)

    async def say(self) -> None:
        if not self._unsaid or not self._sure():
            return
        unsaid, self._unsaid = self._unsaid, {}
        try:
            await self._log.publish({source: _state(health) for source, health in unsaid.items()}, self._owner)
        except LogUnreachable:
            # Said again with the next change; what has been said since is newer.
            self._unsaid = {**unsaid, **self._unsaid}
            return
        await self.ring({doorbell.group(shard): doorbell.states_rang() for shard in range(self._shards)})

    async def keep_recording(self) -> None:
        """Writes the states to the database, for the admin and for the first paint of a page."""
        vouched = self._monotonic()
        while True:
            await asyncio.sleep(RECORD)
            await self.record()
            if self._monotonic() - vouched >= VOUCH and self._sure():
                vouched = self._monotonic()
                try:
                    await offload(control.vouch)(list(self._held()), self._name)
                except Error as error:
                    logger.debug("states could not be confirmed: %s", error)

    async def record(self) -> None:
        if self._unrecorded and self._sure():
            unrecorded, self._unrecorded = self._unrecorded, {}
            states = {source: (_state(health), health.refused) for source, health in unrecorded.items()}
            try:
                await offload(control.record)(states, self._name)
            except Error as error:
                logger.warning("states could not be written: %s", error)
                self._unrecorded = {**unrecorded, **self._unrecorded}

    async def keep_chronicling(self) -> None:
        """Writes the history of the sources, once a second where there is something to write."""
        while True:
            await asyncio.sleep(RECORD)
            await self.write_history()

    async def write_history(self) -> None:
        if not self.chronicle:
            return
        events = self.chronicle.take()
        try:
            async with asyncio.timeout(WRITE_PATIENCE):
                sources = await offload(SourceEvent.write)(events)
        except (Error, TimeoutError) as error:
            self.chronicle.give_back(events)
            if not self._history_waits:
                logger.warning("the history of the sources cannot be written now, and waits: %r", error)
            self._history_waits = True
            return
        self._history_waits = False
        await self.ring({LIVE_CONTROL: live_history(sorted(sources))})

    async def tell_others(self) -> None:
        """Has another worker look at once at what is free now; it would within a second anyway."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(RING_PATIENCE):
                await self._layer.send(FEEDS, feeds_look())

    async def ring(self, bells: Mapping[str, Mapping[str, Any]]) -> None:
        """Rings; a layer that is away costs the viewers a moment (the hubs look by themselves), never a tick."""
        try:
            async with asyncio.timeout(RING_PATIENCE):
                for group, bell in bells.items():
                    await self._layer.group_send(group, dict(bell))
        except Exception as error:
            if not self._silent:
                logger.warning("the channel layer does not ring: %r", error)
            self._silent = True
        else:
            self._silent = False


def _state(health: Health) -> SourceState:
    return SourceState(health.state, health.since, health.last, health.hz, health.msg, health.refused)
