"""Holds one open socket: its session, its way out, and the credentials with which it came."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.db import Error

from dashboard.live import refusals
from dashboard.live.access import Credentials, Grant, Identity, SourceGrant
from dashboard.live.advance import Place, verdict
from dashboard.live.clients import Seat
from dashboard.live.session import Session
from dashboard.live.wire import Wire
from dashboard.protocol import frames, requests
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import Frame
from dashboard.protocol.requests import BadRequest, Oversee, Subscribe
from dashboard.ticklog.base import LogUnreachable

if TYPE_CHECKING:
    from dashboard.live.hub import Hub

logger = logging.getLogger(__name__)

# Seconds that the database may take over a question of a viewer, who is then asked to come back later.
PATIENCE = 9.0
# The answer is the same for what does not exist and what may not be seen.
NOT_FOUND = "There is nothing here under this name that you may see"


class Connection:
    """Joins a session (which decides) to a socket (which sends), to the hub and to the database."""

    def __init__(self, hub: Hub, wire: Wire, session: Session, credentials: Credentials, build: str) -> None:
        self.hub, self.wire, self.session = hub, wire, session
        self.watched: frozenset[int] = frozenset()
        # Waits in the hub's heap for its time.
        self.queued = False
        # His place among those who are counted (clients.py), where there is such a count.
        self.seat: Seat | None = None
        self._credentials = credentials
        self._build = build
        self._proven = False
        self._requests: dict[int, Subscribe] = {}
        self._granted: dict[int, Grant] = {}
        self._overseen: dict[int, Oversee] = {}

    # --- out ---

    def write(self, frame: Frame) -> None:
        self.wire.write(frame)

    def serve(self, now: float, *, complete: bool = False) -> None:
        """Takes the viewer as far towards the head as his credit goes. Never raises: one viewer is not all."""
        try:
            frames = self.session.serve(self.hub.advancer.advance, now, complete=complete)
            for frame in frames:
                self.wire.write(frame)
            self.hub.frames_sent += len(frames)
        except Exception:
            logger.exception("session=%s: could not be served", self.session.sid)
            self.dismiss(CloseCode.INTERNAL)

    def beat(self, wall: int, now: float) -> None:
        """Sends the heartbeat, after whatever the viewer lacks up to the heads that it names; `wall` is the server's
        time in milliseconds."""
        self.serve(now, complete=True)
        heartbeat = self.hub.advancer.heartbeat(self.session.watch, wall)
        self.session.beat(heartbeat, now)
        self.write(heartbeat)

    def refuse(self, request: int | None, code: str, msg: str) -> None:
        """Answers a message with `err`."""
        refusals.errors[code] += 1
        self.write(frames.error(request, code, msg))

    def dismiss(self, code: CloseCode, msg: str | None = None) -> None:
        """Says `bye`, closes, and forgets the viewer."""
        if self in self.hub.connections:
            refusals.farewells[code] += 1
        self.write(frames.farewell(code, msg))
        self.wire.close(code)
        self.hub.leave(self)

    # --- in ---

    def acknowledge(self, text: str) -> bool:
        """Takes a plain acknowledgement of something that is on its way; returns False for all that `receive` is for.

        It may overtake what the viewer said before it: credit returns at once, whatever else waits for the database.
        """
        token = requests.plain_ack(text)
        if token is None or self not in self.hub.connections:
            return False
        now = self.hub.monotonic()
        if not self.session.ack(token, now):
            return False
        if not self.session.heard(now):
            self.dismiss(CloseCode.TOO_MANY_MESSAGES)
        elif self.session.blocked:
            self.serve(now)
        return True

    async def receive(self, text: str | None) -> None:
        """Takes one message of the viewer."""
        session, now = self.session, self.hub.monotonic()
        if self not in self.hub.connections:
            return  # what he said before he heard the `bye`
        if not session.heard(now):
            self.dismiss(CloseCode.TOO_MANY_MESSAGES)
            return
        try:
            if text is None:
                raise BadRequest("Only text frames are understood")
            request = requests.parse(text, max_bytes=session.limits.frame_bytes, max_rate=session.limits.rate)
            if not session.greeted and not isinstance(request, requests.Hello):
                raise BadRequest("The first message is a hello")
            await self._take(request, now)
        except BadRequest as error:
            self.refuse(error.request, "bad", error.msg)
            if error.strike and session.strike():
                self.dismiss(CloseCode.MALFORMED)
        except (Error, TimeoutError) as error:
            logger.warning("session=%s: the database does not answer: %r", session.sid, error)
            self.dismiss(CloseCode.INTERNAL, "The database does not answer")
        except Exception:
            logger.exception("session=%s: a message could not be handled", session.sid)
            self.dismiss(CloseCode.INTERNAL)

    async def _take(self, request: requests.Request, now: float) -> None:
        session = self.session
        match request:
            case requests.Ack(token):
                if not session.ack(token, now):
                    raise BadRequest("Nothing with this token is on its way")
                if session.blocked:
                    self.serve(now)
                return
            case requests.Subscribe():
                await self._subscribe(request)
            case requests.Oversee():
                await self._oversee(request)
            case requests.Unsubscribe(id=number, sub=sub):
                if not self._unsubscribe(sub):
                    self.refuse(number, "not_found", f"There is no subscription {sub}")
                    return
                self.write(frames.ok(number))
            case requests.Set(id=number, rate=rate, visible=visible):
                if rate is not None:
                    session.set_rate(rate, now)
                if visible is not None:
                    session.visible = visible
                self.write(frames.ok(number))
                self.serve(now)
            case requests.Pause(id=number, on=on):
                session.paused = on
                self.write(frames.ok(number))
                self.serve(now)
            case requests.Ping(id=number):
                self.write(frames.pong(number, int(self.hub.clock() * 1000)))
            case requests.Hello():
                await self._greet(request)

    async def _greet(self, hello: requests.Hello) -> None:
        if self.session.greeted:
            raise BadRequest("There was a hello already")
        if hello.version != frames.VERSION:
            self.dismiss(CloseCode.MISMATCH)
            return
        if hello.ticket is not None:
            self.dismiss(CloseCode.FORBIDDEN, "This link is not valid, or no longer")
            return
        identity = await self._who()
        if self._credentials.token is not None and not identity.proven:
            # Who shows a token means to be somebody; as a stranger he would see less and not know why.
            self.dismiss(CloseCode.SIGNED_OUT, "This token is not valid, or no longer")
            return
        self._proven = identity.proven
        person = (identity.viewer.user_id or self._credentials.token) if identity.proven else None
        refusal = self.seat.greet(person) if self.seat is not None else None
        if refusal is not None:
            self.dismiss(CloseCode.TOO_MANY_SOCKETS, refusal)
            return
        limits = self.session.limits
        self.session.greeted = True
        self.write(
            frames.encode(
                {
                    "t": "hello",
                    "v": frames.VERSION,
                    "sid": self.session.sid,
                    "build": self._build,
                    "now": int(self.hub.clock() * 1000),
                    "hb": limits.heartbeat_seconds,
                    "spread": 5,
                    "lim": {
                        "frame": limits.frame_bytes,
                        "rate": limits.rate,
                        "subs": limits.subs,
                        "bytes": limits.credit_bytes,
                        "frames": limits.credit_frames,
                    },
                }
            )
        )

    # --- subscriptions and rights ---

    async def _subscribe(self, request: Subscribe) -> None:
        if self._full(request.id):
            return
        while True:
            rights = self.hub.rights
            identity, grant = await self._ask(request)
            if grant is not None:
                await self._fetch(grant)
            # A right that was withdrawn while we asked is asked for again; from here on nothing waits, so that
            # nothing can come between the check and the registration.
            if rights == self.hub.rights:
                break
        if self._ended(identity):
            return
        if grant is None:
            self.refuse(request.id, "not_found", NOT_FOUND)
            return
        if request.id in self._overseen:
            self._unsubscribe(request.id)
        self._requests[request.id] = request
        self._granted[request.id] = grant
        window = min(request.window, self.session.limits.window_seconds)
        interests = grant.interests(window, request.points)
        since = {source: Place(*place) for source, place in request.since.items()}
        now = self.hub.monotonic()
        self.session.subscribe(request.id, interests, since, now)
        self.hub.look(self, self.session.watch.interests)
        self.hub.advancer.heads_moved()
        self.write(self._subscribed(request.id, grant, since))
        self._tell_states(grant.sources)
        self.serve(now)

    def _full(self, sub: int) -> bool:
        """Refuses a further subscription where there are as many as may be; one may be replaced."""
        taken, limit = {*self.session.subs, *self._overseen}, self.session.limits.subs
        if sub in taken or len(taken) < limit:
            return False
        self.refuse(sub, "limit", f"One socket has {limit} subscriptions at most")
        return True

    def _unsubscribe(self, sub: int) -> bool:
        """Ends a subscription of either sort; returns False when there is none with this number."""
        self._requests.pop(sub, None)
        self._granted.pop(sub, None)
        self._overseen.pop(sub, None)
        if self.hub.oversight.end(self, sub):
            return True
        if not self.session.unsubscribe(sub):
            return False
        self.hub.look(self, self.session.watch.interests)
        return True

    async def _oversee(self, request: Oversee) -> None:
        if self._full(request.id):
            return
        while True:
            rights = self.hub.rights
            identity, sources = await self._ask_oversight(request)
            # As for ticks: from the check to the registration nothing waits.
            if rights == self.hub.rights:
                break
        if self not in self.hub.connections or self._ended(identity):
            return
        if not sources:
            self.refuse(request.id, "not_found", NOT_FOUND)
            return
        self._unsubscribe(request.id)
        self._overseen[request.id] = request
        self._begin_oversight(request, sources)

    async def _ask_oversight(self, request: Oversee) -> tuple[Identity, tuple[SourceGrant, ...] | None]:
        async with asyncio.timeout(PATIENCE):
            identity = await self.hub.answers.who(self._credentials)
            return identity, await self.hub.answers.oversight(identity, request)

    def _begin_oversight(self, request: Oversee, sources: tuple[SourceGrant, ...]) -> None:
        self.hub.oversight.begin(self, request.id, sources, request.history)
        standing = [{"src": it.id, "name": it.name, "cadence": it.cadence, "enabled": it.enabled} for it in sources]
        self.write(frames.encode({"t": "subd", "id": request.id, "series": [], "sources": [], "standing": standing}))
        self._tell_states(sources)

    async def _review_oversight(self) -> None:
        for sub, request in list(self._overseen.items()):
            identity, sources = await self._ask_oversight(request)
            if self._ended(identity):
                return
            if self._overseen.get(sub) is not request:
                continue
            if sources is None:
                self.dismiss(CloseCode.FORBIDDEN)
                return
            if sources != self.hub.oversight.told(self, sub):
                self._begin_oversight(request, sources)

    async def _who(self) -> Identity:
        """Asks the database who that is. Raises TimeoutError when it takes too long."""
        async with asyncio.timeout(PATIENCE):
            return await self.hub.answers.who(self._credentials)

    async def _ask(self, request: Subscribe) -> tuple[Identity, Grant | None]:
        """Asks the database who that is and what he may see. Raises TimeoutError when it takes too long."""
        async with asyncio.timeout(PATIENCE):
            identity = await self.hub.answers.who(self._credentials)
            return identity, await self.hub.answers.what(identity, request)

    async def _fetch(self, grant: Grant) -> None:
        """Brings up the rings that nobody has looked at so far."""
        unfollowed = [source.id for source in grant.sources if not self.hub.follows(source.id)]
        # A log that is away is no reason to refuse: what comes when it is back begins with a snapshot.
        with contextlib.suppress(LogUnreachable):
            await self.hub.log.refresh(unfollowed)

    def _ended(self, identity: Identity) -> bool:
        """Sends a viewer away who came with a session or token that is no longer valid."""
        if self._proven and not identity.proven:
            self.dismiss(CloseCode.SIGNED_OUT)
            return True
        return False

    def _subscribed(self, sub: int, grant: Grant, since: Mapping[int, Place]) -> Frame:
        sources = []
        for source in grant.sources:
            ring = self.hub.log.ring(source.id)
            why = verdict(since.get(source.id, Place()), ring)
            state = self.hub.states.get(source.id)
            sources.append(
                {
                    "src": source.id,
                    "name": source.name,
                    "epoch": ring.epoch,
                    "seq": ring.head,
                    "recovered": why is None,
                    "why": why,
                    "cadence": source.cadence,
                    "state": ("starting" if state is None else state.state) if source.enabled else "stopped",
                }
            )
        series = [[row.id, row.source, row.key, row.label, row.unit, row.decimals] for row in grant.series]
        return frames.encode({"t": "subd", "id": sub, "series": series, "sources": sources})

    def _tell_states(self, sources: Iterable[SourceGrant]) -> None:
        """Says how each source is and why, which would otherwise come only with the next change."""
        for source in sources:
            state = self.hub.states.get(source.id)
            if state is not None and source.enabled:
                self.write(frames.state(source.id, state))

    async def review(self, changed: set[str | None]) -> None:
        """Asks again what the viewer may see; `changed` names the dashboards whose panels were edited.

        What he may no longer see ends the connection with the reason; what looks different now is announced.
        """
        if not self._requests and not self._overseen and self._proven and self._ended(await self._who()):
            return
        for sub, request in list(self._requests.items()):
            identity, grant = await self._ask(request)
            if grant is not None:
                await self._fetch(grant)
            if self._ended(identity):
                return
            if self._requests.get(sub) is not request:
                continue
            if grant is None:
                self.dismiss(CloseCode.FORBIDDEN)
                return
            if grant != self._granted[sub]:
                self._regrant(sub, request, grant)
            if request.dashboard in changed and request.dashboard is not None:
                self.write(frames.event("layout", {"dashboard": request.dashboard}))
        if self in self.hub.connections:
            await self._review_oversight()

    def _regrant(self, sub: int, request: Subscribe, grant: Grant) -> None:
        self._granted[sub] = grant
        now = self.hub.monotonic()
        self.session.regrant(
            sub, grant.interests(min(request.window, self.session.limits.window_seconds), request.points), now
        )
        self.hub.look(self, self.session.watch.interests)
        self.write(self._subscribed(sub, grant, self.session.cursor.places))
        self.serve(now)
