"""Holds how the log and the inboxes talk to Redis: with how much patience, and what no answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError, ResponseError

from dashboard.ticklog.base import LogDamaged, LogUnreachable


def connect(url: str, patience: float, again: int) -> Redis:
    """Returns a client that waits `patience` seconds for an answer, and asks `again` times when its connection turns
    out to be cut."""
    return Redis.from_url(
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), again, supported_errors=(RedisGone,)),
    )


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Turns whatever says that Redis is away into LogUnreachable, and what it says of a key into LogDamaged."""
    task = asyncio.current_task()
    cancelled = task.cancelling() if task else 0
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise _trouble(error) from error
    if task and task.cancelling() > cancelled:
        # redis-py sends with wait_for, which until Python 3.12 swallows a cancellation that comes with the answer.
        raise asyncio.CancelledError


def damage_in(*answers: Any) -> LogDamaged | None:
    """Returns what is wrong with one source, of which these are the answers among those about several; raises
    LogUnreachable for what concerns all."""
    for answer in answers:
        if isinstance(answer, Exception):
            trouble = _trouble(answer)
            if not isinstance(trouble, LogDamaged):
                raise trouble from answer
            return trouble
    return None


def _trouble(error: Exception) -> LogUnreachable:
    # Behind the words stands in which script it was.
    words = (str(error) or type(error).__name__).partition(" script: ")[0]
    return LogDamaged(words) if _is_of_a_key(error, words) else LogUnreachable(words)


def _is_of_a_key(error: Exception, words: str) -> bool:
    """Tells what Redis says of the keys in question from what it says of itself: that begins with a code, like MISCONF,
    or is a class of its own, like that for OOM. The code ERR, of what a script came upon, redis-py takes away."""
    return type(error) is ResponseError and (words.startswith("WRONGTYPE") or not words.partition(" ")[0].isupper())


async def answer_of(answer: Awaitable[Any] | Any) -> Any:
    """Awaits what redis-py's types leave open."""
    return await answer
