"""Tells those who look after sources how these stand, once a second, for as long as somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import Error

from dashboard.live import access
from dashboard.live.access import SourceGrant
from dashboard.models.offload import offload
from dashboard.protocol import frames
from dashboard.protocol.control import LIVE_CONTROL, census, counted
from dashboard.ticklog.base import LogUnreachable, Standing

if TYPE_CHECKING:
    from dashboard.live.connection import Connection
    from dashboard.live.hub import Hub

logger = logging.getLogger(__name__)

# Seconds between two looks at the log, and at the rows in the database, of which no message may have told.
ROUND = 1.0
LOOK = 2.0
# Seconds that asking the other processes, or the database, may take before the next round matters more.
PATIENCE = 0.5
LOOK_PATIENCE = 5.0
# Events in one message.
EVENTS = 100
# Seconds for which another process's count of viewers holds.
COUNT_HOLDS = 3.5


@dataclass(slots=True, eq=False)
class _Look:
    """What one connection looks after: by subscription, the sources as they were told; and what it knows of each."""

    subs: dict[int, tuple[SourceGrant, ...]] = field(default_factory=dict)
    told: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    # By subscription, the last event that was told.
    history: dict[int, int] = field(default_factory=dict)

    @property
    def sources(self) -> set[int]:
        return {source.id for sources in self.subs.values() for source in sources}


class Oversight:
    """One a hub. Its task sleeps while nobody looks after anything and no other process asks it.

    Held here: the connections that look, and the last count of each other process; both bounded by what there is.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # The channel on which this process hears, as long as it does.
        self.channel = ""
        self._looks: dict[Connection, _Look] = {}
        self._of: dict[int, set[Connection]] = {}
        self._asked: dict[str, list[int]] = {}
        self._elsewhere: dict[str, tuple[float, dict[int, int]]] = {}
        self._stir = asyncio.Event()
        self._due = self._look_due = 0.0

    # --- who looks ---

    @property
    def sources(self) -> Collection[int]:
        return self._of.keys()

    def of(self, source: int) -> Collection[Connection]:
        """Returns the connections that look after a source."""
        return self._of.get(source, ())

    def told(self, connection: Connection, sub: int) -> tuple[SourceGrant, ...]:
        """Returns the sources of a subscription as they were told."""
        return self._looks[connection].subs[sub]

    def begin(
        self, connection: Connection, sub: int, sources: tuple[SourceGrant, ...], history: int | None = None
    ) -> None:
        """Begins to tell a connection of these sources, or of others than before; with `history`, of the events after
        the one of that number."""
        look = self._looks.setdefault(connection, _Look())
        look.subs[sub] = sources
        if history is not None and sub not in look.history:
            look.history[sub] = history
            self._look_due = 0.0
        # Whoever subscribes anew knows nothing.
        look.told = {}
        self._index()
        self._due = 0.0
        self._stir.set()

    def end(self, connection: Connection, sub: int | None = None) -> bool:
        """Ends a subscription, or all of a connection; returns False when there was none."""
        look = self._looks.get(connection)
        if look is None or (sub is not None and sub not in look.subs):
            return False
        if sub is not None:
            del look.subs[sub]
            look.history.pop(sub, None)
        if sub is None or not look.subs:
            del self._looks[connection]
        self._index()
        return True

    def _index(self) -> None:
        self._of = {}
        for connection, look in self._looks.items():
            for source in look.sources:
                self._of.setdefault(source, set()).add(connection)

    # --- other processes ---

    def happened(self) -> None:
        """Has the histories looked at now; what happened to which source is in the database."""
        if any(look.history for look in self._looks.values()):
            self._due = self._look_due = 0.0
            self._stir.set()

    def hear(self, message: Mapping[str, Any]) -> None:
        """Takes what another process asks or answers; its own questions come back to it and are let go."""
        if message["hub"] == self._hub.id:
            return
        if message["type"] == "live.census":
            self._asked[message["to"]] = message["sources"]
            self._stir.set()
        else:
            self._elsewhere[message["hub"]] = (self._hub.monotonic(), dict(message["counts"]))

    async def _answer(self) -> None:
        asked, self._asked = self._asked, {}
        for channel, sources in asked.items():
            here = [(source, count) for source in sources if (count := self._hub.watchers(source))]
            await self._send(channel, counted(self._hub.id, here))

    async def _ask(self) -> None:
        if not self.channel:
            return
        question = census(self._hub.id, self.channel, sorted(self._of))
        with contextlib.suppress(Exception):  # whatever a layer raises when it is away; only a count is late then
            async with asyncio.timeout(PATIENCE):
                await self._hub.layer.group_send(LIVE_CONTROL, dict(question))

    async def _send(self, channel: str, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PATIENCE):
                await self._hub.layer.send(channel, dict(message))

    def _viewers(self) -> Counter[int]:
        """Returns how many connections get the ticks of each source, in all processes that have answered lately."""
        now = self._hub.monotonic()
        self._elsewhere = {hub: told for hub, told in self._elsewhere.items() if now - told[0] <= COUNT_HOLDS}
        total = Counter({source: self._hub.watchers(source) for source in self._of})
        for _, counts in self._elsewhere.values():
            total.update(counts)
        return total

    # --- telling ---

    async def keep_telling(self) -> None:
        """Tells once a second while somebody looks, and answers other processes at once."""
        while True:
            wait = max(self._due - self._hub.monotonic(), 0.0) if self._looks else None
            # Not wait_for: until Python 3.12 it swallows a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stir.wait()
            self._stir.clear()
            await self._answer()
            if self._looks and self._hub.monotonic() >= self._due:
                self._due = self._hub.monotonic() + ROUND
                await self.round()

    async def round(self) -> None:
        """Looks at the log and tells everybody what is new to him; asks the others how many look."""
        try:
            standings = await self._hub.log.standings(sorted(self._of))
        except LogUnreachable:
            standings = {}  # the hub says so in the states; without a word from here the page counts as delayed
        if standings:
            self._tell(standings)
        await self._ask()
        if self._hub.monotonic() >= self._look_due:
            self._look_due = self._hub.monotonic() + LOOK
            await self._look()

    def _tell(self, standings: Mapping[int, Standing]) -> None:
        now, viewers = int(self._hub.clock() * 1000), self._viewers()
        rows = {source: self._row(source, standing, viewers[source]) for source, standing in standings.items()}
        for connection, look in self._looks.items():
            if not connection.session.visible:
                continue
            known = look.told
            look.told = {source: rows[source] for source in look.sources if source in rows}
            news = [row for source, row in look.told.items() if known.get(source) != row]
            # One without rows as well: it says that all is as it was.
            connection.write(frames.standings(now, news))

    def _row(self, source: int, standing: Standing, viewers: int) -> dict[str, Any]:
        state = self._hub.states.get(source)
        owner = standing.owner
        return {
            "src": source,
            "epoch": standing.extent.epoch,
            "head": standing.extent.head,
            "lost": standing.lost,
            "refused": state.refused if state is not None else 0,
            # What follows the last colon tells two processes of one name apart, and nothing to people.
            "worker": None if owner is None else owner.rpartition(":")[0] or owner,
            "viewers": viewers,
        }

    async def _look(self) -> None:
        """Looks whether rows have changed of which no message told: a command cannot reach a layer in memory."""
        try:
            async with asyncio.timeout(LOOK_PATIENCE):
                now = await offload(access.as_they_are)(sorted(self._of))
                await self._tell_history()
        except (Error, TimeoutError) as error:
            logger.debug("the sources cannot be looked up now: %r", error)
            return
        told: Iterable[tuple[SourceGrant, ...]] = [s for look in self._looks.values() for s in look.subs.values()]
        if any(now.get(source.id) != source for sources in told for source in sources):
            self._hub.look_again()

    async def _tell_history(self) -> None:
        for connection, look in list(self._looks.items()):
            for sub, after in list(look.history.items()):
                sources = [source.id for source in look.subs[sub]]
                events = await offload(access.history)(sources, after, EVENTS)
                if events and look.history.get(sub) == after:
                    look.history[sub] = events[-1]["id"]
                    connection.write(frames.event("history", {"events": events}))
                if len(events) == EVENTS:
                    self._look_due = 0.0
