"""Keeps coroutines running that a process cannot do without, and knows whether they do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

# Seconds before a task that has failed is started again, at first and at most.
RESTART = (0.1, 5.0)
# Seconds that cancelled tasks have to end. Channels' Redis layer takes longer when it is waiting for a message.
STOP = 0.5
# Seconds after which a task counts as healthy again.
STEADY = 5.0
# Seconds between two looks at the event loop, and for which it may stand still without a word in the log.
WATCH = 0.25
STALL = 1.0


class Tasks:
    """Runs coroutine functions for ever: one that fails or returns is started again with growing pauses.

    asyncio keeps only weak references to tasks and mentions their errors when they are collected; this keeps strong
    ones and logs at once.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.down: dict[str, float] = {}
        self.restarts = 0
        self._stopped = False
        # The longest time in seconds for which the event loop stood still, and how often it did for long.
        self.longest_stall = 0.0
        self.stalls = 0

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def _keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        delay, most = RESTART
        while not self._stopped:
            begun = time.monotonic()
            self.down.pop(name, None)
            try:
                await work()
                logger.error("task %s has ended; it is started again", name)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Nobody has cancelled this task: something that it waited for was cancelled elsewhere.
                logger.exception("task %s was cancelled from within; it is started again", name)
            except Exception:
                logger.exception("task %s has failed; it is started again", name)
            self.restarts += 1
            self.down[name] = time.monotonic()
            delay = RESTART[0] if time.monotonic() - begun > STEADY else min(delay * 2, most)
            await asyncio.sleep(delay)

    async def stop(self) -> None:
        """Cancels all and waits for them, but not for one that is slow to let go."""
        self._stopped = True
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP)
        self._tasks.clear()

    async def watch(self) -> None:
        """Notices when the event loop stands still: everybody waits then, and nothing else says so."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH)
            stall = time.monotonic() - before - WATCH
            self.longest_stall = max(self.longest_stall, stall)
            if stall > STALL:
                self.stalls += 1
                logger.warning("the event loop stood still for %.1f s", stall)
