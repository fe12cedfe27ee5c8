"""Runs database work off the event loop, on threads of its own.

Channels' own bridge shares one thread among all sockets of a process, so that one slow query would hold every
dashboard up; these threads are several, and bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


def offload(function: Callable[P, R], threads: ThreadPoolExecutor = _threads) -> Callable[P, Awaitable[R]]:
    """Returns the coroutine function that runs `function` on one of the database threads, or of others.

    Whoever is cancelled or out of time goes on at once (asgiref's bridge would wait for the thread); the thread goes on
    with its query, a call that has not begun never does.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        work = partial(copy_context().run, run, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    return call
