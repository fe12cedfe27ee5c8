"""Makes the ticks of the peers written in Python: the same number, at the same times, as JSON objects."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

SERIES = 100
# Ticks at each step, and seconds between two steps.
TICKS = 50
STEP = 0.05


async def run(take: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Gives `take` the ticks of each step, for ever; awaits what it returns, if that can be awaited."""
    prices = [100.0] * SERIES
    sent, due = 0, time.monotonic()
    while True:
        due += STEP
        await asyncio.sleep(max(due - time.monotonic(), 0))
        now = time.time_ns() // 1_000_000
        ticks = []
        for number in range(sent, sent + TICKS):
            series = number % SERIES
            prices[series] = round(prices[series] + random.gauss(0, 0.05), 2)
            ticks.append(
                {"src": 1, "series": series + 1, "t": now, "v": prices[series], "q": random.randrange(1, 1000)}
            )
        sent += TICKS
        waiting = take(ticks)
        if waiting is not None:
            await waiting
