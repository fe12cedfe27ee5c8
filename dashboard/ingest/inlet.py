"""Holds the way from the inbox of one source to its feed: what is not in the log yet stays in the inbox."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from dashboard.ingest.pipeline import Pipeline
from dashboard.ticklog.base import Lease, LogUnreachable
from dashboard.ticklog.inbox import Entry, Inbox

logger = logging.getLogger(__name__)

# Seconds that a look into the inbox waits: in general, and while something is on its way into the log.
LOOK = 1.0
LOOK_SOON = 0.1
# Seconds until the next look when the inbox cannot be reached, or the source is not ours.
LOOK_AGAIN = 0.5
# Bytes of entries that a feed is given at once: below what a runner hands on in one go, however small the ticks.
GIVEN_BYTES = 65_536


class Inlet:
    """Gives a feed what waits in the inbox, and lets go of it there when it is in the log.

    An entry is in one of four places: in the inbox only, `waiting` here, `given` to the feed, or `offered` by the feed
    to the pipeline. A new run of the feed is given again what the one before did not offer. A new lease begins with the
    oldest entry in the inbox. Killed between the write to the log and the word to the inbox, about a tenth of a second,
    a worker leaves entries behind that are given twice: there is no moment at which one could be lost.
    """

    def __init__(self, inbox: Inbox, pipeline: Pipeline, source: int) -> None:
        self._inbox, self._pipeline, self._source = inbox, pipeline, source
        self._lease: Lease | None = None
        self._forget()

    def _forget(self) -> None:
        self._after = ""
        self._waiting: deque[Entry] = deque()
        self._given: list[Entry] = []
        # How much the pipeline had been offered before the feed got `given`.
        self._before = 0
        # How much it will have written when an entry is in the log.
        self._offered: deque[tuple[int, str]] = deque()
        # Entries that are not to be given again: a feed held on to them while the lease came back.
        self._held: set[str] = set()

    def begin(self) -> Callable[[], Awaitable[Sequence[bytes]]]:
        """Begins a run of the feed and returns its inbox."""
        if self._given and self._pipeline.offered(self._source) == self._before:
            self._waiting.extendleft(reversed(self._given))
            self._given = []
        return self.next

    async def next(self) -> list[bytes]:
        """Waits for entries and returns them; those of the last call have been offered by now."""
        self._ours()
        self._note()
        while not (self._ours() and self._waiting):
            try:
                await self._fill()
            except LogUnreachable as error:
                logger.debug("source=%d: the inbox cannot be reached: %s", self._source, error)
                await asyncio.sleep(LOOK_AGAIN)
        self._before = self._pipeline.offered(self._source)
        size = 0
        while self._waiting and size < GIVEN_BYTES:
            entry = self._waiting.popleft()
            size += len(entry.content)
            self._given.append(entry)
        return [entry.content for entry in self._given]

    async def end(self) -> None:
        """Lets go of what is in the log, when the feed has ended. May raise LogUnreachable."""
        if self._given and self._pipeline.offered(self._source) != self._before:
            self._note()
        if self._pipeline.leases.get(self._source) == self._lease:
            await self._let_go()

    def _note(self) -> None:
        if self._given:
            self._offered.append((self._pipeline.offered(self._source), self._given[-1].id))
            self._given = []

    def _ours(self) -> bool:
        """Tells whether the source is ours to append to; under a new lease, all begins anew."""
        lease = self._pipeline.leases.get(self._source)
        if lease is not None and lease != self._lease:
            # What was on its way under the old one may not have arrived.
            held = {entry.id for entry in self._given} if self._pipeline.offered(self._source) else set()
            self._forget()
            self._lease, self._held = lease, held
        return lease is not None

    async def _fill(self) -> None:
        if not self._ours():
            await asyncio.sleep(LOOK_AGAIN)
            return
        lease = self._lease
        await self._let_go()
        entries = await self._inbox.read(self._source, self._after, LOOK_SOON if self._offered else LOOK)
        # Waiting for them took time, and the source may be somebody else's by now.
        if entries and self._pipeline.leases.get(self._source) == lease:
            self._waiting.extend(entry for entry in entries if entry.id not in self._held)
            self._after = entries[-1].id

    async def _let_go(self) -> None:
        written = self._pipeline.written(self._source)
        done = sum(1 for mark, _ in self._offered if mark <= written)
        if done:
            await self._inbox.remove(self._source, self._offered[done - 1][1])
            for _ in range(done):
                self._offered.popleft()
