"""Holds the runs of feeds that were cancelled and did not end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

logger = logging.getLogger(__name__)

AnyTask = asyncio.Task[Any]


class Strays:
    """Ends tasks within a time, and keeps those that would not, so that they are counted and not lost.

    A feed that swallows its cancellation cannot be forced to end. It is left behind: it delivers no more ticks
    (see Runner), and a source with too many of them is not started again.
    """

    def __init__(self) -> None:
        self._left: dict[int, set[AnyTask]] = {}

    def count(self, source: int) -> int:
        return len(self._left.get(source, ()))

    async def end(self, source: int, task: AnyTask, seconds: float) -> bool:
        """Cancels a task, again at half time, and waits; returns False when it has not ended after all."""
        # Kept from the start: the wait below may itself be cancelled.
        self.keep(source, task)
        for _ in range(2):
            if task.done():
                break
            task.cancel()
            await asyncio.wait({task}, timeout=seconds / 2)
        if not task.done():
            logger.warning("left behind a feed that does not end: %s", task.get_name(), extra={"source": source})
        return task.done()

    def keep(self, source: int, task: AnyTask) -> None:
        """Holds a task until it has ended."""
        self._left.setdefault(source, set()).add(task)
        task.add_done_callback(lambda done: self._gone(source, done))

    def _gone(self, source: int, task: AnyTask) -> None:
        left = self._left.get(source, set())
        left.discard(task)
        if not left:
            self._left.pop(source, None)
        if not task.cancelled():
            task.exception()  # seen: asyncio would complain of it at garbage collection
