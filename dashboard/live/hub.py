"""Carries ticks from the log to the sockets: hears the doorbell, reads the log, advances whoever is due."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from channels.layers import BaseChannelLayer
from django.db import Error

from dashboard.live.advance import Advancer
from dashboard.live.answers import Answers
from dashboard.live.connection import Connection
from dashboard.live.oversight import Oversight
from dashboard.live.session import Limits
from dashboard.protocol import doorbell, frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.control import LIVE_CONTROL
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import AWAY, LogUnreachable, TickLog

logger = logging.getLogger(__name__)

# Seconds between two looks at everything, should a doorbell have been lost.
ROUND = 1.0
# And while the log cannot be read.
ROUND_AGAIN = 0.25
# Seconds after which the memberships in the layer's groups are renewed: layers forget them, some without a word, and a
# Redis that was emptied as well. Until then the bell is not heard, and the round alone looks.
REJOIN = 60.0
# Seconds until the layer is listened to again after an error.
LISTEN_AGAIN = 0.5
# Viewers sent away at once, ten times a second, where they are few enough: 200 take seven seconds, and as each comes
# back within 3.5 s, no second sees more than a sixth of them.
DRAIN_BATCH = 3
# Viewers whose rights are asked about at the same time: as many as there are threads for the database.
REVIEWERS = 4
# Seconds until rights are checked again that the database could not be asked for.
REVIEW_AGAIN = 2.0


class Hub:
    """One a process. It knows every connection, who looks at which source, and what the log holds.

    Its own queues are sets of sources and a heap of connections, both bounded by what exists; nothing waits here for
    a socket. A doorbell costs one look at the log and one advance for each viewer who is due.
    """

    def __init__(
        self,
        log: TickLog,
        layer: BaseChannelLayer,
        limits: Limits,
        *,
        shards: int = 1,
        recheck_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.log, self.layer, self.limits = log, layer, limits
        self.clock, self.monotonic = clock, monotonic
        self.id = secrets.token_hex(2)
        self.advancer = Advancer(log.ring, clock)
        self.states: dict[int, SourceState] = {}
        self.connections: set[Connection] = set()
        self.oversight = Oversight(self)
        # Counts the changes of rights: a check that began before one is made again.
        self.rights = 0
        self.answers = Answers(monotonic)
        self.draining = False
        self.frames_sent = 0
        self._groups = [*(doorbell.group(shard) for shard in range(shards)), LIVE_CONTROL]
        self._recheck_seconds = recheck_seconds
        self._watchers: dict[int, set[Connection]] = {}
        self._rung: set[int] = set()
        self._states_rung = False
        self._bell = asyncio.Event()
        self._due: list[tuple[float, int, Connection]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._numbers = itertools.count(1)
        self.degraded = False
        self._review = asyncio.Event()
        self._changed: set[str | None] = set()

    # --- who is here ---

    def next_sid(self) -> str:
        return f"{self.id}-{next(self._numbers):x}"

    def enter(self, connection: Connection) -> None:
        self.connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """Forgets a connection; calling it twice is no error."""
        self.connections.discard(connection)
        self.look(connection, ())
        self.oversight.end(connection)

    def look(self, connection: Connection, sources: Collection[int]) -> None:
        """Makes the connection a watcher of exactly these sources; one that has left stays gone."""
        if connection not in self.connections:
            sources = ()
        for source in connection.watched - set(sources):
            watchers = self._watchers.get(source)
            if watchers is not None:
                watchers.discard(connection)
                if not watchers:
                    del self._watchers[source]
        for source in sources:
            self._watchers.setdefault(source, set()).add(connection)
        connection.watched = frozenset(sources)

    @property
    def watched_sources(self) -> int:
        return len(self._watchers)

    def watchers(self, source: int) -> int:
        """Returns how many connections of this process get the ticks of a source."""
        return len(self._watchers.get(source, ()))

    def follows(self, source: int) -> bool:
        """Tells whether the source's ring is kept up to date, because somebody looks at it."""
        return source in self._watchers

    # --- the doorbell ---

    async def listen(self) -> None:
        """Hears doorbells and control messages on the one channel of this process, for as long as it runs."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                # Whatever a layer raises when it is away; meanwhile `follow` looks by itself once a second.
                logger.debug("no messages from the channel layer: %r", error)
                await asyncio.sleep(LISTEN_AGAIN)

    async def _listen(self) -> None:
        channel = await self.layer.new_channel("hub.")
        joined = -REJOIN
        self.oversight.channel = channel
        try:
            while True:
                if self.monotonic() - joined >= REJOIN:
                    for group in self._groups:
                        await self.layer.group_add(group, channel)
                    joined = self.monotonic()
                try:
                    async with asyncio.timeout(REJOIN):
                        message = await self.layer.receive(channel)
                except TimeoutError:
                    continue
                self.hear(message)
        finally:
            self.oversight.channel = ""
            with contextlib.suppress(Exception):
                for group in self._groups:
                    await self.layer.group_discard(group, channel)

    def hear(self, message: dict[str, Any]) -> None:
        """Takes one message of the layer; one that is not understood is dropped, it was only a hint."""
        if message.get("type") == doorbell.TICKS:
            self._rung.update(message["sources"])
            self._bell.set()
        elif message.get("type") == doorbell.STATES:
            self._states_rung = True
            self._bell.set()
        elif message.get("type") == "live.look":
            self.rights_changed()
            self._changed.add(message.get("dashboard") if message.get("what") == "layout" else None)
            self._review.set()
        elif message.get("type") in ("live.census", "live.counted"):
            self.oversight.hear(message)
        elif message.get("type") == "live.history":
            self.oversight.happened()

    def look_again(self) -> None:
        """Has all viewers' subscriptions asked about again."""
        self._changed.add(None)
        self._review.set()

    async def follow(self) -> None:
        """Reads what the doorbell announced and advances the viewers; looks at everything once a second as well."""
        next_round = self.monotonic()
        while True:
            timeout = max(next_round - self.monotonic(), 0)
            # Not wait_for: until Python 3.12 it swallows a cancellation that comes together with the bell.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._bell.wait()
            self._bell.clear()
            if self.monotonic() >= next_round:
                next_round = self.monotonic() + (ROUND_AGAIN if self.degraded else ROUND)
                self._rung.update(self._watchers)
                self._states_rung = True
                self._look_after()
            rung, self._rung = self._rung, set()
            states_rung, self._states_rung = self._states_rung, False
            try:
                await self._read(rung, states_rung)
            except LogUnreachable as error:
                self._degrade(str(error))

    async def _read(self, rung: set[int], states_rung: bool) -> None:
        if states_rung or self.degraded:
            states = await self.log.states()
            if self.degraded:
                logger.info("the tick log can be reached again")
                self.degraded = False
            self._tell_states(states)
        watched = [source for source in rung if source in self._watchers]
        if watched:
            await self.log.refresh(watched)
            self.advancer.heads_moved()
            self._advance_watchers(watched)

    def _degrade(self, why: str) -> None:
        """Tells the viewers that the log cannot be read; sockets and cursors stay as they are."""
        if not self.degraded:
            logger.warning("the tick log cannot be reached: %s", why)
        self.degraded = True
        now = int(self.clock() * 1000)
        for source in {*self._watchers, *self.oversight.sources}:
            known = self.states.get(source)
            if known is None or known.state != "degraded":
                last = known.last if known else None
                self._tell_states({source: SourceState("degraded", now, last, 0.0, AWAY)})

    def _advance_watchers(self, sources: Collection[int]) -> None:
        now = self.monotonic()
        # A copy: whoever cannot be served is sent away, and leaves.
        watchers = [connection for source in sources for connection in self._watchers.get(source, ())]
        for connection in watchers if len(sources) == 1 else set(watchers):
            session = connection.session
            if not session.waits_for_ticks:
                continue
            if session.is_due(now):
                connection.serve(now)
            elif not connection.queued:
                self._wait_for(connection)

    # --- viewers whose time comes between two doorbells ---

    def _wait_for(self, connection: Connection) -> None:
        connection.queued = True
        heapq.heappush(self._due, (connection.session.due, next(self._order), connection))
        if self._timer is None or self._due[0][2] is connection:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due:
            delay = max(self._due[0][0] - self.monotonic(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._serve_due)

    def _serve_due(self) -> None:
        now = self.monotonic()
        self._timer = None
        while self._due and self._due[0][0] <= now + 0.001:
            connection = heapq.heappop(self._due)[2]
            connection.queued = False
            if connection not in self.connections:
                continue
            if connection.session.is_due(now):
                connection.serve(now)
            else:  # he was served out of turn meanwhile
                self._wait_for(connection)
        self._set_timer()

    # --- once a second ---

    def _look_after(self) -> None:
        """Beats for those whose heartbeat is due, and sends those away whose time is up."""
        now, wall = self.monotonic(), int(self.clock() * 1000)
        # The log may have moved on before its doorbell: a heartbeat must not name a head that was not served.
        self.advancer.heads_moved()
        for connection in list(self.connections):
            code = connection.session.verdict(now)
            if code is not None:
                connection.dismiss(code)
            elif connection.session.beat_due(now):
                connection.beat(wall, now)

    def _tell_states(self, states: Mapping[int, SourceState]) -> None:
        for source, state in states.items():
            if self.states.get(source) != state:
                self.states[source] = state
                frame = frames.state(source, state)
                for connection in {*self._watchers.get(source, ()), *self.oversight.of(source)}:
                    connection.write(frame)

    # --- rights ---

    def rights_changed(self) -> None:
        """Has every question of who may see what asked again, those too that wait for their answer."""
        self.rights += 1
        self.answers.forget()

    async def review(self) -> None:
        """Asks again what every open socket may see: when somebody changed it, and every now and then in any case."""
        while True:
            try:
                async with asyncio.timeout(self._recheck_seconds):
                    await self._review.wait()
            except TimeoutError:
                self._changed.add(None)
            self._review.clear()
            self.answers.forget()
            changed, self._changed = self._changed, set()
            waiting = iter(list(self.connections))
            try:
                async with asyncio.TaskGroup() as reviewers:
                    for _ in range(REVIEWERS):
                        reviewers.create_task(self._review_all(waiting, changed))
            except* (Error, TimeoutError) as errors:
                # The viewers keep what they have; a right that was withdrawn meanwhile is found as soon as that is
                # possible again.
                logger.warning("the rights of the viewers cannot be checked now: %r", errors.exceptions[0])
                self._changed |= changed
                self._review.set()
                await asyncio.sleep(REVIEW_AGAIN)

    async def _review_all(self, waiting: Iterator[Connection], changed: set[str | None]) -> None:
        """Reviews one after the other of those who wait, as do others. Raises what the database raises."""
        for connection in waiting:
            try:
                await connection.review(changed)
            except (Error, TimeoutError):
                raise
            except Exception:
                logger.exception("session=%s: its rights could not be checked", connection.session.sid)

    async def oversee(self) -> None:
        """Tells those who look after sources how these stand."""
        await self.oversight.keep_telling()

    # --- the end ---

    async def drain(self, seconds: float) -> None:
        """Sends every viewer away with `bye` 4001, spread over up to `seconds`, and takes no new ones."""
        self.draining = True
        waiting = list(self.connections)
        batches = max(min(int(seconds * 10), len(waiting) // DRAIN_BATCH), 1)
        pause, loop = min(seconds / batches, 0.1), asyncio.get_running_loop()
        began = loop.time()
        for number in range(batches):
            for connection in waiting[number::batches]:
                connection.dismiss(CloseCode.DRAIN)
            # On an absolute schedule: on a busy machine the last ones would otherwise be cut off without a word.
            await asyncio.sleep(max(began + (number + 1) * pause - loop.time(), 0))
