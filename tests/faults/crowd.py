"""Holds hundreds of viewers in a process of their own, so that the server is what is measured.

The process answers lines on its standard input: `mark` with what all have seen so far, `cut` by dropping every line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.guest import Guest, Tally
from tests.support.site import ROOT


async def run(plan: dict[str, Any]) -> None:
    tally = Tally()
    guests = [Guest(plan["urls"], number, plan, tally) for number in range(plan["viewers"])]
    tasks = []
    for number, guest in enumerate(guests):
        tasks.append(asyncio.create_task(guest.stay()))
        if number % 20 == 19:
            await asyncio.sleep(0.1)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def acknowledge() -> None:
        # Spread over the second, as real viewers are.
        while True:
            for part in range(10):
                for guest in guests[part::10]:
                    guest.ack()
                await asyncio.sleep(0.08)

    tasks.append(asyncio.create_task(acknowledge()))
    while line := (await reader.readline()).strip():
        if line == b"cut":
            for guest in guests:
                if guest.transport is not None:
                    guest.transport.abort()
        now = time.time()
        longest = max(max(guest.longest, now - guest.heard) for guest in guests)
        heard = max(guest.heard for guest in guests)
        live = sum(guest.live and guest.transport is not None for guest in guests)
        positions = [guest.places for guest in guests]
        ends = {source: min(one.get(source, ("", 0))[1] for one in positions) for one in positions for source in one}
        print(json.dumps({**vars(tally), "live": live, "longest": longest, "heard": heard, "ends": ends}), flush=True)
        for guest in guests:
            guest.longest = 0.0
    for task in tasks:
        task.cancel()


class Crowd:
    """The viewers of one process, from outside."""

    def __init__(self, process: asyncio.subprocess.Process, size: int) -> None:
        self.process, self.size = process, size

    async def ask(self, word: str = "mark") -> dict[str, Any]:
        """Returns what all viewers have seen; `longest` is the longest time without data since the last question, and
        `heard` when data last came to any of them."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word.encode() + b"\n")
        return dict(json.loads(await self.process.stdout.readline()))

    async def until_live(self, seconds: float) -> float:
        """Waits until every viewer has data again; returns the seconds that took."""
        began = time.monotonic()
        while (seen := await self.ask())["live"] < self.size:
            assert time.monotonic() - began < seconds, f"{seen['live']} of {self.size} are live after {seconds:g} s"
            await asyncio.sleep(0.1)
        return time.monotonic() - began


@asynccontextmanager
async def crowd(urls: Sequence[str], viewers: int, **plan: Any) -> AsyncIterator[Crowd]:
    """Yields so many viewers who have data, spread over the addresses."""
    text = json.dumps({"urls": list(urls), "viewers": viewers, **plan})
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.crowd", text, cwd=ROOT, stdin=pipe, stdout=pipe, limit=2**24
    )
    it = Crowd(process, viewers)
    try:
        await it.until_live(60)
        await it.ask()
        yield it
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def fullest_second(returns: Sequence[tuple[float, float, bool]]) -> float:
    """Returns which part of all returns fell into the fullest second."""
    moments = sorted(moment for moment, _, _ in returns)
    counts = [sum(begin <= moment < begin + 1 for moment in moments) for begin in moments]
    return max(counts, default=0) / max(len(moments), 1)


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
