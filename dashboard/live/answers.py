"""Keeps what the database said of who somebody is and what he may see, so that hundreds who come back ask it once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from dashboard.live import access
from dashboard.live.access import Credentials, Grant, Identity, SourceGrant
from dashboard.models.offload import offload
from dashboard.protocol.requests import Oversee, Subscribe

# Seconds for which a grant is kept: as long as a crowd needs to come back, and no longer than a person who has just put
# a series on a dashboard by a command, which no message tells us of, needs to open it.
GRANT_SECONDS = 2.0
# Answers of each kind that are kept; with one more all are forgotten and asked for again.
MOST = 10_000


class Asked(NamedTuple):
    """A question that was put to the database, and when."""

    at: float
    answer: asyncio.Future[Any]


class Answers:
    """Whoever asks the same at the same time gets the same answer; `forget` is called when rights change.

    Of identities only those that hold are kept, until the next `forget`: the hub calls it before each review, so that
    no answer is older than the seconds between two reviews, and then every open socket is asked for again.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        # Both in the order in which they were asked.
        self._people: dict[Hashable, Asked] = {}
        self._grants: dict[Hashable, Asked] = {}
        # What stands on dashboards, for all who may open them, and since when it is kept.
        self._shown: dict[int, Grant] = {}
        self._shown_since = monotonic()

    def forget(self) -> None:
        """Has every question asked again that comes from now on."""
        self._people.clear()
        self._grants.clear()
        self._look_anew()

    async def who(self, credentials: Credentials) -> Identity:
        """Returns who that is."""
        identity: Identity = await self._ask(self._people, credentials, lambda: access.identify(credentials))
        if not identity.proven and credentials != Credentials():
            self._people.pop(credentials, None)
        return identity

    async def what(self, identity: Identity, request: Subscribe) -> Grant | None:
        """Returns what somebody may see of what he asks for; a no is not kept.

        Neither is the answer to a list of series, which can be long and of which there are as many as somebody likes
        to think of; it is pages that come back by the hundred, and they ask for dashboards.
        """
        viewer = identity.viewer
        if request.dashboard is None:
            return await offload(access.grant)(viewer, request, {})
        self._let_go()
        key, shown = (viewer, request.dashboard), self._shown
        grant: Grant | None = await self._ask(self._grants, key, lambda: access.grant(viewer, request, shown))
        if grant is None:
            self._grants.pop(key, None)
        return grant

    async def oversight(self, identity: Identity, request: Oversee) -> tuple[SourceGrant, ...] | None:
        """Returns which sources somebody may see as he who runs them does; few ask that, and nothing is kept of it."""
        return await offload(access.oversight)(identity.viewer, request.sources)

    def _let_go(self) -> None:
        now = self._monotonic()
        while self._grants and now - next(iter(self._grants.values())).at > GRANT_SECONDS:
            del self._grants[next(iter(self._grants))]
        if now - self._shown_since > GRANT_SECONDS:
            self._look_anew()

    def _look_anew(self) -> None:
        # Another object: an answer that is on its way still has the old one.
        self._shown, self._shown_since = {}, self._monotonic()

    async def _ask(self, kept: dict[Hashable, Asked], key: Hashable, question: Callable[[], Any]) -> Any:
        asked = kept.get(key)
        if asked is None:
            if len(kept) >= MOST:
                kept.clear()
            asked = kept[key] = Asked(self._monotonic(), asyncio.ensure_future(offload(question)()))
            asked.answer.add_done_callback(lambda answer: _drop_failed(kept, key, answer))
        # Whoever is gone before the answer comes does not take it from the others.
        return await asyncio.shield(asked.answer)


def _drop_failed(kept: dict[Hashable, Asked], key: Hashable, answer: asyncio.Future[Any]) -> None:
    failed = answer.cancelled() or answer.exception() is not None
    if failed and (asked := kept.get(key)) is not None and asked.answer is answer:
        del kept[key]
