"""Holds the tick logs and the inboxes before them, and knows which ones this process uses."""

from __future__ import annotations

from functools import cache

from dashboard.ticklog.base import TickLog
from dashboard.ticklog.inbox import Inbox, MemoryInbox


@cache
def current() -> TickLog:
    """Returns the process's tick log, made at the first call: Redis when REDIS_URL is set, else memory."""
    from django.conf import settings

    if settings.REDIS_URL:
        from dashboard.ticklog.redis import RedisLog

        return RedisLog(
            settings.REDIS_URL,
            seconds=settings.TICKWALL_LOG_SECONDS,
            ticks=settings.TICKWALL_LOG_TICKS,
            prefix=settings.TICKWALL_REDIS_PREFIX,
        )
    from dashboard.ticklog.memory import MemoryLog

    return MemoryLog(seconds=settings.TICKWALL_LOG_SECONDS, ticks=settings.TICKWALL_LOG_TICKS)


@cache
def current_inbox() -> Inbox:
    """Returns the process's inbox of pushed ticks, made at the first call: where the tick log is, there it is too."""
    from django.conf import settings

    if settings.REDIS_URL:
        from dashboard.ticklog.redis_inbox import RedisInbox

        return RedisInbox(settings.REDIS_URL, settings.TICKWALL_INBOX_BYTES, prefix=settings.TICKWALL_REDIS_PREFIX)
    return MemoryInbox(settings.TICKWALL_INBOX_BYTES)
