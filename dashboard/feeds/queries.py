"""Holds the queries that a project has published under a name, for feeds to ask; how one is answered is not known
here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dashboard.feeds.base import FeedBatch, SeriesSpec


@dataclass(frozen=True, slots=True)
class Query:
    """`ask` returns what the query says now. `version`, where there is one, returns something that is another when
    that may have changed, and is cheap."""

    name: str
    ask: Callable[[], Awaitable[FeedBatch]]
    version: Callable[[], Awaitable[object]] | None = None
    series: Sequence[SeriesSpec] = ()


_queries: dict[str, Query] = {}
_listeners: dict[str, set[asyncio.Event]] = defaultdict(set)


def add(query: Query) -> None:
    """Makes a query known; one of the same name is replaced."""
    _queries[query.name] = query


def find(name: str) -> Query | None:
    return _queries.get(name)


def names() -> Sequence[str]:
    return sorted(_queries)


def changed(name: str) -> None:
    """Tells who listens that the answer may be another one; called in the event loop."""
    for event in _listeners.get(name, ()):
        event.set()


@contextmanager
def listening(name: str) -> Iterator[asyncio.Event]:
    """Yields an event that is set whenever the answer may have changed."""
    event = asyncio.Event()
    _listeners[name].add(event)
    try:
        yield event
    finally:
        _listeners[name].discard(event)
        if not _listeners[name]:
            del _listeners[name]
