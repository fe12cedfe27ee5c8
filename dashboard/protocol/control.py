"""Holds the small messages by which one process tells another to look at the database, and the names they travel under.

A message says *look*, the database says *what*: any of them may be lost, repeated or overtaken, and costs seconds then,
never correctness, because both sides look by themselves every few seconds anyway.
"""

from __future__ import annotations

from typing import Literal, TypedDict

# The channel on which the workers listen: each message reaches one of them.
FEEDS = "feeds"
# The group that every worker joins with one channel.
FEEDS_CHANGED = "feeds.changed"
# The group that every web process joins with one channel.
LIVE_CONTROL = "live.control"

What = Literal["rights", "layout"]


class FeedsLook(TypedDict):
    """To a worker: the sources or series in the database may have changed; reconcile."""

    type: Literal["feeds.look"]


class FeedsChanged(TypedDict):
    """To every worker: what a published query says may have changed."""

    type: Literal["feeds.changed"]
    query: str


class LiveLook(TypedDict):
    """To the hubs: `rights` = ask again what every open socket may see; `layout` = read dashboards again.

    `dashboard` names the only dashboard concerned by its slug; None means that any may be.
    """

    type: Literal["live.look"]
    what: What
    dashboard: str | None


class LiveHistory(TypedDict):
    """To the hubs: something has happened to these sources that their history tells."""

    type: Literal["live.history"]
    sources: list[int]


class Census(TypedDict):
    """From a hub to all: how many look at each of these sources, to be answered on the channel `to`."""

    type: Literal["live.census"]
    hub: str
    to: str
    sources: list[int]


class Counted(TypedDict):
    """The answer to a census: pairs of source and viewers, without those at whom nobody looks."""

    type: Literal["live.counted"]
    hub: str
    counts: list[tuple[int, int]]


def feeds_look() -> FeedsLook:
    return {"type": "feeds.look"}


def feeds_changed(query: str) -> FeedsChanged:
    return {"type": "feeds.changed", "query": query}


def live_look(what: What, dashboard: str | None = None) -> LiveLook:
    return {"type": "live.look", "what": what, "dashboard": dashboard}


def live_history(sources: list[int]) -> LiveHistory:
    return {"type": "live.history", "sources": sources}


def census(hub: str, to: str, sources: list[int]) -> Census:
    return {"type": "live.census", "hub": hub, "to": to, "sources": sources}


def counted(hub: str, counts: list[tuple[int, int]]) -> Counted:
    return {"type": "live.counted", "hub": hub, "counts": counts}
