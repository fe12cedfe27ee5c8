"""Publishes what a project's own models say, for sources of the kind `django` to show.

A module `dashboard_feeds` in any installed app is imported when the site starts. It calls `publish`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import models, transaction
from django.db.models import Count, Max, QuerySet
from django.db.models.signals import post_delete, post_save

from dashboard.feeds import queries
from dashboard.feeds.base import FeedBatch, FeedError, SeriesSpec
from dashboard.feeds.payload import milliseconds
from dashboard.models.offload import offload
from dashboard.protocol.control import FEEDS_CHANGED, feeds_changed

log = logging.getLogger(__name__)

# Seconds that an answer may take, and that a save waits for the channel layer.
PATIENCE = 10.0
TELL = 2.0
# Rows of an answer that are read.
MOST_ROWS = 10_000
# Not those of the pages: a query that hangs must not keep these waiting.
_threads = ThreadPoolExecutor(4, thread_name_prefix="published")

# What a function that is published returns: values by key, or rows of key, value and, if there is one, time.
Answer = Mapping[str, Any] | Iterable[Sequence[Any]]


def publish(
    name: str,
    what: QuerySet[Any] | Callable[[], Answer],
    *,
    values: Mapping[str, Any] | None = None,
    key: str = "",
    value: str = "",
    time: str = "",
    version: str | Callable[[], object] = "",
    watch: Sequence[type[models.Model]] = (),
    series: Sequence[SeriesSpec] = (),
) -> None:
    """Publishes a query under a name.

    `what` is a query set with `values`, aggregates that become a series each; a query set with `key` and `value`,
    fields of rows that become a tick each, perhaps with a field `time`; or a function that returns one or the other.
    It is asked again when a row of its model, or of those to `watch`, was saved or deleted, after the commit. Bulk
    updates send no signal: `version` is a field that grows with each change, or a function whose result differs then.
    """
    if isinstance(what, QuerySet):
        if bool(values) == bool(key and value):
            raise ValueError(f"publish {name!r}: either values, or key and value, say what is to be shown.")
        answer: Callable[[], Answer] = (
            partial(_aggregate, what, values) if values else partial(_rows, what, key, value, time)
        )
        watch = [what.model, *watch]
    else:
        answer = what
    look: Callable[[], object] | None = version if callable(version) else None
    if isinstance(version, str) and version:
        if not isinstance(what, QuerySet):
            raise ValueError(f"publish {name!r}: the version of a function is a function as well.")
        look = partial(_version, what, version)
    queries.add(queries.Query(name, _Answering(partial(_batch, answer)), _Answering(look) if look else None, series))
    for model in dict.fromkeys(watch):
        for signal in (post_save, post_delete):
            # Weak references would let the receiver go at once.
            signal.connect(partial(_saved, name), sender=model, weak=False, dispatch_uid=f"publish {name}")


class _Answering:
    """Asks on a thread, once at a time: a question that hangs takes one thread, not one more with each try."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = offload(ask, _threads)
        self._asking: asyncio.Future[Any] | None = None

    async def __call__(self) -> Any:
        if self._asking is not None and not self._asking.done():
            raise FeedError("the query that was asked before is still being answered")
        self._asking = asyncio.ensure_future(_coroutine(self._ask()))
        done, _ = await asyncio.wait({self._asking}, timeout=PATIENCE)
        if not done:
            raise FeedError(f"the query took longer than {PATIENCE:g} s")
        return self._asking.result()


async def _coroutine(answer: Awaitable[Any]) -> Any:
    return await answer


def _aggregate(rows: QuerySet[Any], values: Mapping[str, Any]) -> Answer:
    return rows.all().aggregate(**values)


def _rows(rows: QuerySet[Any], key: str, value: str, time: str) -> Answer:
    return rows.all().values_list(*filter(None, (key, value, time)))[: MOST_ROWS + 1]


def _version(rows: QuerySet[Any], field: str) -> object:
    return rows.all().aggregate(newest=Max(field), rows=Count("pk"))


def _batch(answer: Callable[[], Answer]) -> FeedBatch:
    """Turns an answer into a batch; a value that is null is left out."""
    said = answer()
    rows = [*said.items()] if isinstance(said, Mapping) else list(islice(said, MOST_ROWS + 1))
    refused = [(f"more than {MOST_ROWS:,} rows", "")] if len(rows) > MOST_ROWS else []
    good = [row for row in rows[:MOST_ROWS] if row[1] is not None]
    timed = bool(good) and len(good[0]) > 2
    return FeedBatch(
        [str(row[0]) for row in good],
        [_plain(row[1]) for row in good],
        [_time(row[2]) for row in good] if timed else None,
        refused=refused,
    )


def _plain(value: Any) -> Any:
    return (
        value if isinstance(value, str | int | float) else float(value) if hasattr(value, "__float__") else str(value)
    )


def _time(value: Any) -> int:
    try:
        return milliseconds(value.isoformat() if isinstance(value, datetime | date) else value)
    except ValueError:
        # Refused with its row, and counted.
        return -1


def _saved(name: str, using: str | None = None, **kwargs: Any) -> None:
    transaction.on_commit(partial(_tell, name), using=using)


# True while the channel layer takes no messages, so that an outage is logged once and not at every save.
_layer_is_away = False


def _tell(name: str) -> None:
    global _layer_is_away
    try:
        async_to_sync(_send)(name)
    except Exception as error:
        # The row is saved; the feed asks again by itself a little later.
        if not _layer_is_away:
            log.warning("The channel layer takes no messages (%r). Changes are shown some seconds later.", error)
        _layer_is_away = True
        return
    _layer_is_away = False


async def _send(name: str) -> None:
    async with asyncio.timeout(TELL):
        await get_channel_layer().group_send(FEEDS_CHANGED, feeds_changed(name))
